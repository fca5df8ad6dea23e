import EventLoop
import Glibc
import Kademlia
import Logging
import NodeConfiguration
import NodeRuntime
import NodeTime
import RecordStore
import Systemd

/// Opens the record store that the configuration asks for.
struct StoreOpener {
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

  /// Opens the store, and logs any damage found in it.
  ///
  /// - Throws: `RecordStoreError`.
  func open() throws(RecordStoreError) -> any RecordStorage {
    switch configuration.durability {
    case .memory:
      // The pointer to the path is used only during the call.
      if unsafe access(state.path + "/records.mdb", F_OK) == 0 {
        logger.warning(
          """
          records are kept in memory; records on the disk are left unchanged and come back with \
          storage.durability: disk, even if they are deleted now
          """)
      }
      return MemoryStore(maxBytes: configuration.storageBytes)
    case .disk:
      let (store, salvage) = try RecordStore.open(
        directory: state.path, maxBytes: configuration.storageBytes, at: SystemClock.now.wall
      ) { progress in
        let percent = progress.bytes > 0 ? progress.bytesDone * 100 / progress.bytes : 100
        manager.notify(
          .extendTimeout(.seconds(30)), .status("Searching a damaged record store: \(percent)%"))
      }
      if let salvage { log(salvage) }
      return store
    }
  }

  private func log(_ salvage: Salvage) {
    guard let file = salvage.damagedFile else {
      logger.error(
        """
        the record store may be damaged (\(salvage.reason)) and could not be searched: \
        \(salvage.notSearched ?? ""); it is used unchanged, and searched at the next start
        """,
        metadata: .event(.storeDamaged))
      return
    }
    let found = salvage.damagedEntries > 0 ? "\(salvage.damagedEntries) damaged entries were found; " : ""
    logger.error(
      """
      the record store was damaged (\(salvage.reason)): the file is kept as \(file), \
      \(salvage.records) records and \(salvage.publications) publications were recovered from it; \(found)records \
      that could not be read come back from other nodes, if they have copies
      """,
      metadata: .event(.storeDamaged))
  }
}
