import ControlProtocol
import Kademlia
import NodeTime

extension LookupResult {
  init(_ outcome: LookupOutcome) {
    self.init(
      target: "\(outcome.target)",
      closest: outcome.closest.map { candidate in
        LookupNode(
          nodeID: "\(candidate.peer.id)", address: "\(candidate.peer.endpoint)",
          rtt: candidate.roundTrip?.milliseconds, held: candidate.held.map(HeldVersion.init))
      },
      steps: outcome.steps.map(LookupStep.init))
  }
}

extension LookupStep {
  init(_ step: LookupOutcome.Step) {
    self.init(
      hop: Int64(step.hop), nodeID: "\(step.peer.id)", address: "\(step.peer.endpoint)",
      rtt: step.roundTrip?.milliseconds, outcome: step.outcome.rawValue,
      held: step.held.map(HeldVersion.init))
  }
}

extension HeldVersion {
  init(_ version: RecordVersion) {
    self.init(seq: version.seq, expires: version.expiry, deleted: version.isTombstone)
  }
}
