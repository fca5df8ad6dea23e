import Glibc
import Kademlia
import NodeTime

/// Nodes that join, leave and return.
extension ScenarioPlay {
  /// Creates the nodes that are up at the start, and those that are away and will return.
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
    if scenario.adversariesFrom == .beginning { startAdversaries() }
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
    // In a steady state, as many nodes are away as return while the others are up.
    let away = Double(count) * (1 - scenario.departing) * mean(scenario.downtime) / mean(session)
    for _ in 0..<Int(away) {
      let host = addHost(isReachable: !random.chance(scenario.unreachable))
      planTurn(host, median: scenario.downtime, isUnderWay: true)
    }
  }

  /// Makes the adversaries misbehave from now on.
  mutating func startAdversaries() {
    for host in adversaries {
      network[host].behaviour = scenario.behaviour
      if scenario.behaviour.colludes { network.colluders.insert(network[host].id, host: host) }
    }
  }

  /// Chooses an exact share of hosts at random.
  private mutating func chosen(_ share: Double, of count: Int) -> [Bool] {
    let wanted = Int((share * Double(count)).rounded())
    var isChosen = Array(repeating: false, count: count)
    for host in (0..<count).shuffled(using: &random).prefix(wanted) { isChosen[host] = true }
    return isChosen
  }

  mutating func join(_ host: Int) {
    network[host].bootstrap = bootstrapAddresses(but: host)
    network.restart(host)
    handleStart(host)
  }

  /// Ends a session or a pause.
  mutating func turn(_ host: Int) {
    guard let session = scenario.session else { return }
    guard network[host].isAlive else {
      join(host)
      planTurn(host, median: session)
      return
    }
    handleStop(host)
    report.departures += 1
    if random.chance(scenario.departing) {
      report.departuresForGood += 1
      let side = network[host].side
      let successor = addHost(isReachable: network[host].isReachable)
      network[successor].side = side
      network[successor].lag = network[host].lag
      hasLeftForGood[host] = true
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

  // MARK: - Lengths

  /// The shape of the Weibull distribution; 1 is the exponential distribution.
  private var shape: Double {
    switch scenario.sessionLaw {
    case .exponential: 1
    case .weibull: 0.5
    }
  }

  /// A random length in seconds with a given median.
  private mutating func draw(_ median: Duration) -> Double {
    let scale = median.milliseconds / 1000 / pow(log(2), 1 / shape)
    return scale * pow(random.exponential(), 1 / shape)
  }

  /// The mean of the distribution with a given median, in seconds.
  private func mean(_ median: Duration) -> Double {
    let scale = median.milliseconds / 1000 / pow(log(2), 1 / shape)
    return scale * tgamma(1 + 1 / shape)
  }

  /// The remaining length of a running session or pause. A long one is more likely to be running than a
  /// short one.
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
