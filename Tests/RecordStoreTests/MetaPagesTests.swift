import Glibc
import NodeTime
import TestSupport
import Testing

@testable import RecordStore

@Suite("The meta pages of LMDB") struct MetaPagesTests {
  @Test("the LMDB of this machine has the layout that is examined")
  func version() {
    #expect(MetaPages.isLayoutKnown, "compare MetaPages with mdb.c of this version of LMDB")
  }

  @Test("a file that is cut short is damaged, unless its layout is unknown")
  func unknownLayout() throws {
    try withTemporaryDirectory { directory in
      try withOpenStore(in: directory) { store, _ in store.keep(.plain("a", "b", seq: 1)) }
      let path = directory + "/records.mdb"
      let descriptor = open(path, O_RDONLY)
      defer { close(descriptor) }
      let size = try readFile(path).count
      #expect(MetaPages.examine(descriptor, size: size) == .sound)
      #expect(MetaPages.examine(descriptor, size: size - 4096) == .damaged("its end is missing"))
      #expect(MetaPages.examine(descriptor, size: size - 4096, isLayoutKnown: false) == .sound)
    }
  }
}
