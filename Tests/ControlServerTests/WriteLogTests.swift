import Glibc
import NodeTime
import Testing

@testable import ControlServer

@Suite("Writes that are logged one by one")
struct WriteLogTests {
  private func client(_ number: Int) -> PeerCredentials {
    PeerCredentials(process: Int32(number), user: UInt32(number))
  }

  private func time(_ milliseconds: Int) -> Instant {
    Instant(nanoseconds: 1_000_000_000_000 + Int64(milliseconds) * 1_000_000)
  }

  @Test("a few writes are all logged; of many, a hundred and ten a second, and the rest are counted")
  func load() {
    var log = WriteLog()
    var logged = 0
    for number in 0..<10_000 where log.tryLog(time(number), client(number % 2)) { logged += 1 }
    #expect((195...205).contains(logged))
    let suppressed = log.takeSuppressed()
    #expect(suppressed.map(\.client).sorted { ($0?.user ?? 0) < ($1?.user ?? 0) } == [client(0), client(1)])
    #expect(logged + suppressed.reduce(0) { $0 + $1.count } == 10_000)
    #expect(!log.hasSuppressed)
    // After a pause, each of few again.
    #expect((0..<100).allSatisfy { log.tryLog(time(30_000 + $0), client(1)) })
  }

  @Test("only a limited number of clients is counted separately")
  func crowd() {
    var log = WriteLog()
    for number in 0..<1_100 { _ = log.tryLog(time(0), client(number)) }
    let suppressed = log.takeSuppressed()
    #expect(suppressed.count == 65)
    #expect(suppressed.filter { $0.client == nil }.map(\.count) == [936])
    #expect(suppressed.reduce(0) { $0 + $1.count } == 1_000)
  }

  @Test("the kernel reports the peer of a Unix socket only")
  func credentials() {
    var ends: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    defer { for end in ends { close(end) } }
    #expect(PeerCredentials(of: ends[0]) == PeerCredentials(process: getpid(), user: geteuid()))
    let udp = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(udp) }
    #expect(PeerCredentials(of: udp) == nil)
    #expect(PeerCredentials(of: -1) == nil)
  }
}
