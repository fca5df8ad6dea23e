/// The scenarios that come with the simulator, in the format of scenario files.
enum BuiltInScenarios {
  static let all: [(name: String, yaml: String)] = [
    ("small", small), ("internet", internet), ("scale", scale), ("departures", departures), ("week", week),
    ("flash-crowd", flashCrowd), ("partition", partition), ("adversaries", adversaries),
  ]

  /// The scenario with a name; nil if there is none.
  static func named(_ name: String) -> String? { all.first { $0.name == name }?.yaml }

  private static let small = """
    about: 200 nodes on a good network, for a first look
    nodes: 200
    keys: 200
    gets_per_minute: 1
    puts_per_hour: 2
    lookups: 500
    warm_up: 5m
    duration: 20m
    """

  private static let internet = """
    about: 10,000 nodes as on the internet, a get by each in a minute
    nodes: 10000
    unreachable: 30%
    loss: 1%
    session: 1h
    downtime: 1h
    departing: 30%
    keys: 2000
    gets_per_minute: 1
    puts_per_hour: 0.2
    lookups: 2000
    warm_up: 15m
    duration: 1h
    """

  private static let scale = """
    about: hops and queries of a lookup against the number of nodes
    loss: 1%
    keys: 200
    lookups: 2000
    gets: 1000
    warm_up: 2m
    duration: 3m
    vary:
      nodes: [100, 1000, 10000, 100000]
    """

  private static let departures = """
    about: keys lost where a share of the nodes leaves for good, against the replicate interval
    nodes: 500
    keys: 500
    departing: 100%
    ttl: 7d
    warm_up: 30m
    duration: 12h
    lookups: 100
    gets: 500
    vary:
      session: [30m, 1h, 4h]
      parameters.replicate_interval: [15m, 1h, 4h]
    """

  private static let week = """
    about: a week of sessions of an hour, back with their disk after an hour
    nodes: 500
    session: 1h
    downtime: 1h
    loss: 1%
    keys: 1000
    ttl: 14d
    gets_per_minute: 0.02
    lookups: 500
    warm_up: 1h
    duration: 7d
    """

  private static let flashCrowd = """
    about: 2,000 readers of one key within a minute
    nodes: 2000
    unreachable: 30%
    loss: 1%
    keys: 100
    gets_per_minute: 0.1
    crowd: 2000
    crowd_within: 60s
    warm_up: 5m
    duration: 10m
    """

  private static let partition = """
    about: a third of the nodes is cut off for ten minutes
    nodes: 1000
    partition: 33%
    partition_start: 10m
    partition_length: 10m
    keys: 500
    gets_per_minute: 1
    puts_per_hour: 1
    lookups: 500
    warm_up: 5m
    duration: 40m
    """

  private static let adversaries = """
    about: gets by disjoint paths where a fifth of the nodes claims to be whatever is looked for
    nodes: 1000
    addresses: public
    adversaries: 20%
    conduct: claim
    adversaries_from: measurement
    keys: 300
    gets: 4000
    reads: disjoint
    warm_up: 5m
    duration: 15m
    vary:
      parameters.sybil.disjoint_paths: [1, 2, 4, 8]
    """
}
