/// Machines of the kernel, each with namespaces, an address and a small disk of its own, on one switch that can be
/// split in two.
final class SwitchedNetwork {
  private let hub: Namespaces
  private let machines: [Namespaces]
  private let network: LocalNetwork

  init(for network: LocalNetwork, machines count: Int) throws {
    self.network = network
    let hub = try Namespaces(
      for: network,
      "for name in side0 side1; do ip link add $name type bridge; ip link set $name up; done")
    self.hub = hub
    machines = try (0..<count).map { number in
      let machine = try Namespaces(for: network)
      try hub.run(
        """
        ip link add port\(number) type veth peer name cable netns \(machine.process)
        ip link set port\(number) master side0 up
        """)
      try machine.run("ip address add \(Self.host(number))/24 dev cable; ip link set cable up")
      return machine
    }
  }

  /// The address of a machine.
  static func host(_ number: Int) -> String { "10.91.8.\(number + 1)" }

  subscript(number: Int) -> Namespaces { machines[number] }

  /// Puts each machine on a side. Machines on different sides do not reach each other.
  func split(_ sides: [Int]) throws {
    let moves = sides.enumerated().map { "ip link set port\($0.offset) master side\($0.element)" }
    try hub.run(moves.joined(separator: "\n"))
  }

  /// Takes the last bytes of a node's disk.
  func fill(_ number: Int, port: UInt16) throws {
    try machines[number].run("cat /dev/zero >'\(ballast(port))' 2>/dev/null || true")
  }

  /// Gives them back.
  func makeRoom(_ number: Int, port: UInt16) throws {
    try machines[number].run("rm -f '\(ballast(port))'")
  }

  private func ballast(_ port: UInt16) -> String { "\(network.stateDirectory(of: port))/ballast" }
}
