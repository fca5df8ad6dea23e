package import Kademlia

extension Parameters {
  /// The default parameters of a simulated node, with room for few sources. Tens of thousands of nodes share
  /// the memory of a machine, and none of them floods another.
  package static var simulated: Parameters {
    var parameters = Parameters()
    parameters.floods.sources = 64
    return parameters
  }
}
