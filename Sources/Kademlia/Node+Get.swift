import NodeTime

/// The end of a get: when enough holders have been heard, what the answer is, and read repair.
extension Node {
  /// How a get ends; nil while it goes on.
  ///
  /// A put is confirmed by more than half of the replicas, and a get hears at least the other half
  /// and so one that has it: floor(n/2) + 1 writers and n - floor(n/2) readers overlap.
  ///
  /// Answers count only as far as the neighbourhood is known (`Lookup.progress`): an early answer of
  /// a node that is not one of the K closest would be no vote.
  func outcome(of retrieval: Retrieval, _ lookup: Lookup) -> GetOutcome? {
    let answered = lookup.progress.answered
    if retrieval.hasHeard {
      // With several paths, each may lead to a newer version until its end.
      let isEnough = lookup.pathCount == 1 && retrieval.needed(by: lookup) <= answered
      guard isEnough || lookup.isFinished else { return nil }
      guard let current = retrieval.current, current.isValue else { return .notFound }
      return .found(current)
    }
    guard lookup.isFinished else { return nil }
    // Nodes that did not answer may be the ones that hold it. "Not found" is said by those who
    // would know.
    let holders = min(lookup.width, answered + lookup.missing)
    let needed = holders - holders / 2
    return answered >= needed ? .notFound : .unreachable(answered: answered, needed: needed)
  }

  mutating func count(_ outcome: GetOutcome) {
    switch outcome {
    case .found: shared.counters.getsOK += 1
    case .cached:
      shared.counters.getsOK += 1
      shared.counters.getsFromCache += 1
    case .notFound: shared.counters.getsNotFound += 1
    case .unreachable: shared.counters.getsFailed += 1
    }
  }

  /// Gives the newest version to those of the K closest that answered with an older one or none.
  mutating func repair(_ now: Now, _ newest: Record, after lookup: Lookup) {
    for candidate in lookup.nearest {
      guard let answer = lookup.answer(of: candidate), answer.isOfOurMake else { continue }
      guard answer.held?.isOlder(than: newest) ?? true else { continue }
      guard repairs.permits(now.monotonic, holder: candidate.peer.id, target: newest.id) else {
        continue
      }
      shared.counters.repairsSent += 1
      if candidate.peer.id == id {
        // What others gave us is kept on the terms on which we would take it from them.
        directives.append(.keepIfNewer(newest))
      } else if let token = answer.token {
        send(
          now, .put(newest, token: token, cas: nil), to: candidate.peer.endpoint,
          expecting: candidate.peer.id, for: .copy)
      }
    }
  }
}
