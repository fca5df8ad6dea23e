import ControlProtocol
import Kademlia
import NodeRuntime
import NodeTime

extension PeersResult {
  init(_ contacts: [ContactSnapshot], silent: [SilentNode]) {
    self.init(
      peers: contacts.map { contact in
        ControlPeer(
          nodeID: "\(contact.id)", address: "\(contact.endpoint)",
          addresses: contact.alternate.map { ["\(contact.endpoint)", "\($0)"] },
          bucket: Int64(contact.bucket), rtt: contact.roundTrip?.milliseconds,
          age: contact.age.components.seconds, lastSeen: contact.silence.components.seconds,
          state: contact.isGood ? .good : .questionable, proven: contact.isProven)
      },
      silent: silent.map { node in
        SilentPeer(
          nodeID: "\(node.peer.id)", address: "\(node.peer.endpoint)",
          silentFor: node.duration.components.seconds)
      })
  }
}
