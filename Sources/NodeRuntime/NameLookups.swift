import Kademlia

/// Looks up the names of nodes for the bootstrap and for clients.
///
/// Each kind has a resolver of its own, so that a client's name that never resolves does not delay the
/// bootstrap names.
final class NameLookups {
  /// The nodes to bootstrap from.
  private(set) var bootstrapNames: [NodeName]
  private let bootstrapResolver: any NameResolving
  private let clientResolver: any NameResolving
  private let log: NodeLog
  /// The bootstrap names for which the last lookup found no address.
  private var unresolved: [NodeName] = []
  /// The number of lookups that run for clients, and the most that may run.
  private var clientLookups = 0
  private var maxClientLookups: Int
  private var isStopped = false

  init(
    bootstrap names: [NodeName], maxClientLookups: Int, bootstrapResolver: any NameResolving,
    clientResolver: any NameResolving, log: NodeLog
  ) {
    bootstrapNames = names
    self.maxClientLookups = maxClientLookups
    self.bootstrapResolver = bootstrapResolver
    self.clientResolver = clientResolver
    self.log = log
  }

  /// Uses other names and another limit from now on.
  ///
  /// - Returns: whether the bootstrap names have changed.
  func adopt(bootstrap names: [NodeName], maxClientLookups: Int) -> Bool {
    self.maxClientLookups = maxClientLookups
    guard names != bootstrapNames else { return false }
    bootstrapNames = names
    return true
  }

  /// Looks up the bootstrap names and passes on the result later. A result that comes after the names have
  /// changed is dropped.
  func resolveBootstrap(then use: @escaping (ResolvedNames) -> Void) {
    let names = bootstrapNames
    bootstrapResolver.resolve(names) { [weak self] resolved in
      guard let self, !isStopped, names == bootstrapNames else { return }
      // A repeated failure of the same names is not logged again.
      if resolved.unresolved != unresolved {
        unresolved = resolved.unresolved
        for name in unresolved { log.logUnresolved(name) }
      }
      use(resolved)
    }
  }

  /// Looks up names for a client and passes on their endpoints later.
  ///
  /// - Throws: `OperationRefusal.busy` if the limit of client lookups is reached.
  func resolve(
    _ names: [NodeName], then use: @escaping ([Endpoint]) -> Void
  ) throws(OperationRefusal) {
    guard clientLookups < maxClientLookups else { throw .busy(limit: maxClientLookups) }
    clientLookups += 1
    clientResolver.resolve(names) { [weak self] resolved in
      guard let self, !isStopped else { return }
      clientLookups -= 1
      use(resolved.endpoints)
    }
  }

  /// Drops the results of all running lookups.
  func stop() { isStopped = true }
}
