package import Kademlia

extension Parameters {
  /// Those of a simulated node where nothing else is said: the defaults, and room for few sources. Tens of
  /// thousands of nodes share the memory of one machine, and none of them floods another.
  package static var simulated: Parameters {
    var parameters = Parameters()
    parameters.floods.sources = 64
    return parameters
  }
}
