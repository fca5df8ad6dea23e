import ControlProtocol
import Kademlia

extension PutResult {
  init(_ outcome: PutOutcome) {
    self.init(
      target: "\(outcome.target)", seq: outcome.version.seq, replaced: outcome.replacedSeq,
      expires: outcome.version.expiry, stored: Int64(outcome.stored), replicas: Int64(outcome.replicas),
      silent: Int64(outcome.silent), refused: Int64(outcome.refused), pending: Int64(outcome.pending),
      isWeak: outcome.isWeak,
      failures: outcome.failures.map { failure in
        PutFailure(
          nodeID: "\(failure.peer.id)", address: "\(failure.peer.endpoint)", reason: "\(failure.reason)")
      })
  }
}
