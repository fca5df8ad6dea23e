import Configuration
import Kademlia
import Logging
import NodeRuntime
import RecordStore
import Systemd

/// What keeps the records of a node, as its configuration says.
struct RecordsOfNode {
  private let configuration: Configuration
  private let state: StateDirectory
  private let manager: ServiceManager
  private let logger: Logger

  init(
    _ configuration: Configuration, state: StateDirectory, manager: ServiceManager, logger: Logger
  ) {
    self.configuration = configuration
    self.state = state
    self.manager = manager
    self.logger = logger
  }

  /// Opens the store. What was damaged in it is told.
  ///
  /// - Throws: `RecordStoreError`.
  func open() throws(RecordStoreError) -> any RecordStorage {
    switch configuration.durability {
    case .memory:
      return MemoryStore(maxBytes: configuration.storageBytes)
    case .disk:
      let (store, salvage) = try RecordStore.open(
        directory: state.path, maxBytes: configuration.storageBytes, at: SystemClock.now.wall
      ) { progress in
        let percent = progress.bytes > 0 ? progress.bytesDone * 100 / progress.bytes : 100
        manager.notify(
          .extendTimeout(.seconds(30)), .status("Searching a damaged record store: \(percent)%"))
      }
      if let salvage { tell(of: salvage) }
      return store
    }
  }

  private func tell(of salvage: Salvage) {
    let bad =
      salvage.damagedEntries > 0
      ? "\(salvage.damagedEntries) damaged ones were left out and come back from other nodes"
      : "none was found damaged"
    logger.error(
      """
      the record store was damaged (\(salvage.reason)): the file is kept as \(salvage.damagedFile), \
      \(salvage.records) records and \(salvage.publications) publications were saved from it, \(bad)
      """,
      metadata: .event(.storeDamaged))
  }
}
