/// A run of a network: the requests of its clients, and the faults that nodes had meanwhile.
package struct History: Sendable {
  /// A change of the state of nodes.
  package struct Fault: Hashable, Sendable {
    /// The kind of a change.
    package enum Change: Hashable, Sendable {
      /// The process has started.
      case started(Int)
      /// The process has ended as by a power cut. Its disk is kept.
      case killed(Int)
      /// The process is halted, and answers nobody.
      case paused(Int)
      case resumed(Int)
      /// The network is cut: the side of each node. Only nodes on the same side reach each other.
      case cut([Int])
      case mended
      /// The wall clock of a node is off by this much; positive if it is ahead.
      case clock(Int, Duration)
      /// The disk of a node takes no new records.
      case full(Int)
      case emptied(Int)
    }

    /// The time since the start of the run.
    package let time: Duration
    package let change: Change

    package init(at time: Duration, _ change: Change) {
      self.time = time
      self.change = change
    }
  }

  /// The times by which an observer can be certain of what nodes know of each other. The checker accuses nobody of
  /// what lies between.
  package struct Timing: Sendable {
    /// The time in which nodes that reach each other certainly meet.
    package var acquaintance: Duration = .seconds(120)
    /// The time within which a node has certainly noticed that most of its contacts do not answer.
    package var noticing: Duration = .seconds(360)
    /// The time within which a node that fell silent certainly counts. The rule says ten minutes from its last answer,
    /// and the neighbours of a node are pinged every three.
    package var memory: Duration = .seconds(360)

    package init() {}
  }

  /// The number of nodes.
  package let nodes: Int
  /// The number of nodes that hold a key.
  package let replicas: Int
  /// The seq of a write at the start of the run by a clock that is right, in microseconds.
  package let epoch: Int64
  /// True if datagrams are lost without a fault: a node that runs may still not be heard.
  package let isLossy: Bool
  package let timing: Timing
  /// The nodes in the order of their distance to each key, the closest first.
  package let order: [String: [Int]]
  /// In the order in which they began.
  package private(set) var operations: [ClientOperation] = []
  /// In the order of time.
  package private(set) var faults: [Fault] = []

  package init(
    nodes: Int, replicas: Int, epoch: Int64 = 0, isLossy: Bool = false, timing: Timing = Timing(),
    order: [String: [Int]] = [:]
  ) {
    self.nodes = nodes
    self.replicas = replicas
    self.epoch = epoch
    self.isLossy = isLossy
    self.timing = timing
    self.order = order
  }

  package mutating func add(_ operation: ClientOperation) { operations.append(operation) }

  package mutating func add(_ fault: Fault) { faults.append(fault) }
}

extension History.Fault: CustomStringConvertible {
  /// One line for people.
  package var description: String {
    let text =
      switch change {
      case .started(let node): "node \(node) starts"
      case .killed(let node): "node \(node) is killed"
      case .paused(let node): "node \(node) is paused"
      case .resumed(let node): "node \(node) goes on"
      case .cut(let sides):
        "the network is cut: "
          + Set(sides).sorted().map { side in
            sides.indices.filter { sides[$0] == side }.map(String.init).joined(separator: " ")
          }.joined(separator: " | ")
      case .mended: "the network is whole again"
      case .clock(let node, let offset): "the clock of node \(node) is off by \(offset.text)"
      case .full(let node): "the disk of node \(node) is full"
      case .emptied(let node): "the disk of node \(node) has room"
      }
    return "[\(time.text)] \(text)"
  }
}
