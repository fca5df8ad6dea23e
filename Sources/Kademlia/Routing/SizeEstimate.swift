/// The estimated number of nodes in the network, made again when contacts have come or gone.
struct SizeEstimate {
  private var revision = -1
  private var estimate = 1

  mutating func nodes(_ table: RoutingTable) -> Int {
    if revision != table.revision { (revision, estimate) = (table.revision, table.networkSize) }
    return estimate
  }
}
