import CLMDB
import Glibc
import Kademlia
import Simulation
import TestSupport
import Testing

@testable import RecordStore

@Suite("The guarantees of the store on disk")
struct DurabilityTests {
  @Test("a confirmed record is in the file")
  func confirmed() throws {
    try withTemporaryDirectory { directory in
      try withTemporaryDirectory { other in
        try withOpenStore(in: directory) { store, _ in
          for number in 1...20 {
            store.keep(.plain("k", "\(number)", seq: Int64(number)))
            // As a crash would leave it.
            try writeFile(other + "/records.mdb", try readFile(directory + "/records.mdb"))
            try withOpenStore(in: other) { copy, salvage in
              #expect(salvage == nil)
              #expect(copy.storage.stored(id("k"))?.record.version.seq == Int64(number))
            }
          }
        }
      }
    }
  }

  @Test("closing carries out the submitted changes")
  func closing() throws {
    try withTemporaryDirectory { directory in
      let store = try RecordStore.open(directory: directory, maxBytes: 16 << 20, at: now).store
      for number in 1...5000 {
        store.submit([(.keep(.plain("\(number)", "v", seq: 1)), CommitID.test(number))])
      }
      store.submit([(.noteProgress(UpkeepProgress(replicate: id("a"))), CommitID.test(5001))])
      store.close()
      store.close()
      #expect(store.stored(id("1")) == nil)
      try withOpenStore(in: directory) { store, _ in
        #expect(store.storage.usage.values == 5000)
        #expect(store.storage.progress.replicate == id("a"))
      }
    }
  }

  @Test("only the owner can read its files, and no others are left in the directory")
  func files() throws {
    try withTemporaryDirectory { directory in
      try withOpenStore(in: directory) { store, _ in store.keep(.plain("a", "b", seq: 1)) }
      #expect(
        names(in: directory).sorted() == ["records.mark", "records.mdb", "records.mdb-lock"])
      for name in names(in: directory) { #expect(mode(of: directory + "/" + name) == 0o600) }
    }
  }

  @Test("a file of a newer format is refused, and not changed")
  func newer() throws {
    try withTemporaryDirectory { directory in
      try withOpenStore(in: directory) { store, _ in store.keep(.plain("a", "b", seq: 1)) }
      let path = directory + "/records.mdb"
      try rewriteMetadata(of: path) { bytes in
        bytes[4] = 2
        bytes.removeLast(4)
        bytes += [1, 2, 3, 4, 5, 6]
        let checksum = bytes.withRawSpan { RecordCoding.crc32(of: $0) }
        bytes.append(littleEndian: checksum)
      }
      let before = try readFile(path)
      #expect(throws: RecordStoreError.newerFormat(path: path, format: 2)) {
        try RecordStore.open(directory: directory, maxBytes: 1 << 20, at: now)
      }
      #expect(try readFile(path) == before)
      #expect("\(RecordStoreError.newerFormat(path: path, format: 2))".contains("upgrade dhtd"))

      // And one of a newer LMDB.
      var bytes = before
      bytes[20] = 2
      bytes[4096 + 20] = 2
      try writeFile(path, bytes)
      #expect(throws: RecordStoreError.newerFormat(path: path, format: 2)) {
        try RecordStore.open(directory: directory, maxBytes: 1 << 20, at: now)
      }
    }
  }

  private func rewriteMetadata(of path: String, _ change: (inout [UInt8]) -> Void) throws {
    let environment = try Environment(path: path, mapSize: 1 << 20)
    defer { environment.close() }
    let transaction = try environment.beginWriting()
    let meta = try transaction.open("meta")
    var bytes = try #require(try transaction.withValue(meta, StoreTables.metadataKey) { [UInt8]($0) })
    change(&bytes)
    try transaction.put(meta, StoreTables.metadataKey, bytes)
    try transaction.commit()
  }

  @Test("a missing directory, or a file in its place, is refused with the reason")
  func unusable() throws {
    try withTemporaryDirectory { directory in
      let missing = directory + "/missing"
      #expect(
        throws: RecordStoreError.unusable(
          path: missing + "/records.mark", reason: "No such file or directory")
      ) { try RecordStore.open(directory: missing, maxBytes: 1 << 20, at: now) }
      mkdir(directory + "/records.mdb", 0o700)
      #expect(throws: RecordStoreError.self) {
        try RecordStore.open(directory: directory, maxBytes: 1 << 20, at: now)
      }
    }
  }

  @Test("a batch that cannot be written keeps earlier records, and its changes that fit")
  func failingWrites() async {
    // In a process of its own, whose files may not grow beyond a size.
    await #expect(processExitsWith: .success) {
      signal(SIGXFSZ, SIG_IGN)
      try withTemporaryDirectory { directory in
        try withOpenStore(in: directory) { store, _ in
          for number in 0..<500 { store.keep(.plain("before \(number)", "v", seq: 1)) }
          var status = stat()
          stat(directory + "/records.mdb", &status)
          var unlimited = rlimit()
          getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &unlimited)
          var limited = unlimited
          limited.rlim_cur = rlim_t(status.st_size + 3 * 4096)
          setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limited)
          let results = store.carryOut((0..<500).map { .keep(.plain("new \($0)", "v", seq: 1)) })
          let kept = results.count { $0 == .success(1) }
          setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &unlimited)
          guard kept > 0, kept < 500 else { exit(2) }
          guard store.storage.usage.values == 500 + kept, store.walk().count == 500 + kept else { exit(3) }
          guard store.keep(.plain("after", "v", seq: 1)) == .success(1) else { exit(4) }
          for (number, result) in results.enumerated() {
            let isThere = store.storage.stored(id("new \(number)")) != nil
            guard isThere == (result == .success(1)) else { exit(5) }
          }
        }
        try withOpenStore(in: directory) { store, salvage in
          guard salvage == nil, store.walk().count > 501 else { exit(6) }
        }
      }
    }
  }

  @Test(
    "a full disk is reported, and the store goes on when there is room again",
    .enabled(if: SmallDisk.isPossible))
  func fullDisk() throws {
    try withTemporaryDirectory { directory in
      let disk = try SmallDisk(at: directory, bytes: 2 << 20)
      defer { disk.unmount() }
      try withOpenStore(in: directory) { store, _ in
        var kept = 0
        var failures: [StoreError] = []
        for round in 0..<100 where failures.isEmpty {
          let value = String(repeating: "v", count: 500)
          let results = store.carryOut((0..<100).map { .keep(.plain("\(round)/\($0)", value, seq: 1)) })
          for result in results {
            switch result {
            case .success: kept += 1
            case .failure(let error): failures.append(error)
            }
          }
        }
        #expect(!failures.isEmpty)
        #expect(failures.allSatisfy { $0 == .diskFull })
        #expect(kept > 500)
        #expect(store.walk(step: 1000).count == kept)
        #expect(store.storage.usage.values == kept)
        try disk.resize(bytes: 4 << 20)
        #expect(store.keep(.plain("after", "v", seq: 1)) == .success(1))
      }
      try withOpenStore(in: directory) { _, salvage in #expect(salvage == nil) }
    }
  }

  @Test("a disk that is full at a commit fails only its changes")
  func fullAtCommit() async {
    await #expect(processExitsWith: .success) {
      try withTemporaryDirectory { directory in
        try withOpenStore(in: directory) { store, _ in
          store.keep(.plain("before", "v", seq: 1))
          guard let file = descriptors(of: directory + "/records.mdb", synchronous: false).first else {
            exit(2)
          }
          let kept = dup(file)
          dup2(open("/dev/full", O_RDWR), file)
          let results = store.carryOut([.keep(.plain("a", "v", seq: 1)), .keep(.tombstone("before", seq: 2))])
          guard results == [.failure(.diskFull), .failure(.diskFull)] else { exit(3) }
          dup2(kept, file)
          guard store.storage.stored(id("before"))?.record.isValue == true else { exit(4) }
          guard store.storage.usage.values == 1 else { exit(5) }
          guard store.keep(.plain("a", "v", seq: 1)) == .success(1) else { exit(6) }
        }
        try withOpenStore(in: directory) { store, salvage in
          guard salvage == nil, store.walk().count == 2 else { exit(7) }
        }
      }
    }
  }

  @Test("a meta page that cannot be written ends the store, and the next start has all that was confirmed")
  func failedMeta() async {
    await #expect(processExitsWith: .success) {
      try withTemporaryDirectory { directory in
        let store = try RecordStore.open(directory: directory, maxBytes: 16 << 20, at: now).store
        let tested = StoreUnderTest(store)
        tested.keep(.plain("before", "v", seq: 1))
        guard let file = descriptors(of: directory + "/records.mdb", synchronous: true).first else { exit(2) }
        dup2(open("/dev/full", O_RDWR), file)
        guard case .failure = tested.keep(.plain("a", "v", seq: 1)) else { exit(3) }
        guard store.failure != nil else { exit(4) }
        guard case .failure(.failed) = tested.keep(.plain("b", "v", seq: 1)) else { exit(5) }
        guard store.stored(id("before")) == nil else { exit(6) }
        store.close()
        try withOpenStore(in: directory) { store, salvage in
          guard salvage != nil, store.storage.stored(id("before")) != nil else { exit(7) }
        }
      }
    }
  }
}
