import Foundation
import Synchronization

/// Free UDP ports for the nodes of this test run.
///
/// Each run on a machine takes a block of ports for itself, below those that the kernel gives to
/// clients, and holds it by a socket on the block's first port for as long as it lives.
struct Ports {
  private static let blockSize: UInt16 = 250
  private static let first: UInt16 = 10_000
  private static let blocks: UInt16 = 80

  private static let current = Mutex<Ports?>(nil)

  private let base: UInt16
  private var offset: UInt16 = 0

  /// A free port on IPv4 and IPv6 loopback.
  static func next() throws -> UInt16 {
    try current.withLock { ports in
      var block = try ports ?? Ports()
      defer { ports = block }
      for _ in 1..<blockSize {
        block.offset = block.offset % (blockSize - 1) + 1
        let port = block.base + block.offset
        if isFree(port) { return port }
      }
      throw TimedOut(what: "a free port above \(block.base)")
    }
  }

  private init() throws {
    let start = UInt16(truncatingIfNeeded: getpid()) % Self.blocks
    for step in 0..<Self.blocks {
      let base = Self.first + (start + step) % Self.blocks * Self.blockSize
      // Never closed: it is the run's claim to the block.
      if let socket = try? UDPClient(port: base) {
        socket.keepOpen()
        self.base = base
        return
      }
    }
    throw TimedOut(what: "a free block of ports")
  }

  private static func isFree(_ port: UInt16) -> Bool {
    guard (try? UDPClient(port: port)) != nil else { return false }
    // A machine without IPv6 has every port free there.
    do {
      _ = try UDPClient(port: port, family: AF_INET6)
      return true
    } catch let error as UDPClient.Failed {
      return error.code != EADDRINUSE
    } catch {
      return false
    }
  }

  /// True if this machine has an IPv6 loopback.
  static var machineHasIPv6: Bool { (try? UDPClient(port: 0, family: AF_INET6)) != nil }
}
