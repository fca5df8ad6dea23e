import Glibc
import Kademlia
import NodeTime

/// Nodes that come and go.
extension ScenarioPlay {
  /// Puts the nodes in place that are up at the beginning, and those that are away and come back.
  mutating func populate() {
    let count = scenario.nodes
    let hidden = chosen(scenario.unreachable, of: count)
    for host in 0..<count { _ = addHost(isReachable: !hidden[host]) }
    let slow = chosen(scenario.slowShare, of: count)
    for host in 0..<count where slow[host] { network[host].lag = scenario.slowLag }
    let dishonest = chosen(scenario.adversaries, of: count)
    for host in 0..<count where dishonest[host] {
      network[host].isReachable = true
      adversaries.append(host)
    }
    if scenario.adversariesFrom == .beginning { beginMisconduct() }
    switch scenario.beginning {
    case .converged:
      beginConverged(0..<count)
    case .joins:
      for host in 0..<count {
        agenda.plan(.join(host: host), at: Instant(nanoseconds: Int64(host) * 50_000_000))
      }
    }
    guard let session = scenario.session else { return }
    for host in 0..<count { planTurn(host, median: session, isUnderWay: true) }
    // As many are away as come back while the others are up.
    let away = Double(count) * (1 - scenario.departing) * mean(scenario.downtime) / mean(session)
    for _ in 0..<Int(away) {
      let host = addHost(isReachable: !random.chance(scenario.unreachable))
      planTurn(host, median: scenario.downtime, isUnderWay: true)
    }
  }

  /// Nodes that are not honest begin not to be.
  mutating func beginMisconduct() {
    for host in adversaries {
      network[host].conduct = scenario.conduct
      if scenario.conduct.isInConcert { network.colluders.insert(network[host].id, host: host) }
    }
  }

  /// An exact share of some hosts, chosen at random.
  private mutating func chosen(_ share: Double, of count: Int) -> [Bool] {
    let wanted = Int((share * Double(count)).rounded())
    var isChosen = Array(repeating: false, count: count)
    for host in (0..<count).shuffled(using: &random).prefix(wanted) { isChosen[host] = true }
    return isChosen
  }

  mutating func join(_ host: Int) {
    network[host].bootstrap = someAddresses(but: host)
    network.restart(host)
    cameUp(host)
  }

  /// A session ends, or the time after one does.
  mutating func turn(_ host: Int) {
    guard let session = scenario.session else { return }
    guard network[host].isAlive else {
      join(host)
      planTurn(host, median: session)
      return
    }
    wentDown(host)
    report.departures += 1
    if random.chance(scenario.departing) {
      report.departuresForGood += 1
      let side = network[host].side
      let successor = addHost(isReachable: network[host].isReachable)
      network[successor].side = side
      network[successor].lag = network[host].lag
      isGone[host] = true
      network.retire(host)
      join(successor)
      planTurn(successor, median: session)
    } else {
      network.kill(host)
      planTurn(host, median: scenario.downtime)
    }
  }

  private mutating func planTurn(_ host: Int, median: Duration, isUnderWay: Bool = false) {
    let length = isUnderWay ? rest(of: median) : draw(median)
    agenda.plan(.turn(host: host, turn: turns[host]), at: network.time + .nanoseconds(Int64(length * 1e9)))
  }

  // MARK: - How long

  /// The shape of the Weibull distribution; 1 is the exponential one.
  private var shape: Double {
    switch scenario.sessionLaw {
    case .exponential: 1
    case .weibull: 0.5
    }
  }

  /// Seconds, of which half are less than the median.
  private mutating func draw(_ median: Duration) -> Double {
    let scale = median.milliseconds / 1000 / pow(log(2), 1 / shape)
    return scale * pow(random.exponential(), 1 / shape)
  }

  /// The mean that goes with a median, in seconds.
  private func mean(_ median: Duration) -> Double {
    let scale = median.milliseconds / 1000 / pow(log(2), 1 / shape)
    return scale * tgamma(1 + 1 / shape)
  }

  /// What is left of one that is under way: a long one is more likely met than a short one.
  private mutating func rest(of median: Duration) -> Double {
    let lengths = (0..<16).map { _ in draw(median) }
    var chosen = random.unit() * lengths.reduce(0, +)
    for length in lengths {
      if chosen < length { return length * random.unit() }
      chosen -= length
    }
    return draw(median)
  }

  // MARK: - Partitions

  mutating func divide() {
    for host in network.hosts where random.chance(scenario.partitionShare) { host.side = 1 }
  }
}
