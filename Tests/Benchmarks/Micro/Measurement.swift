import CMicrobench
import Glibc
import NodeTime

/// The unit of all times: FNV-1a over 1 KiB.
///
/// Each byte waits for the multiplication before it, so that it takes about 4 cycles on every processor
/// that matters, and neither a newer compiler, nor vectors, nor the caches make it faster: it measures the
/// clock of the core as it is at this moment, with whatever its neighbours leave of it. Where a machine
/// is better than that at everything else, the cases only come out faster.
struct Reference {
  private let bytes: [UInt8] = (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* 31) }

  @inline(never)
  func run(_ times: Int) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for _ in 0..<times {
      for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
    keep(hash)
  }
}

/// The cost of one run of a case.
struct Measurement {
  /// Nanoseconds.
  private(set) var nanoseconds = Double.infinity
  /// Nanoseconds that the reference takes.
  private(set) var reference = Double.infinity
  /// Calls of `malloc`, on the thread that measures.
  private(set) var allocations = Double.infinity

  /// The time in times of the reference.
  var units: Double { nanoseconds / reference }

  /// A sample is about as long: short enough that many come through between two interruptions, and long
  /// enough that those of a workload with some chance in it are alike.
  private static let sampleNanoseconds: Int64 = 500_000
  private static let referenceRuns = 32

  /// Measures a workload for some time. Interruptions only ever add to a sample, so that the shortest of
  /// many is the truth. The reference is sampled in turn with it: both meet the same clock and the same
  /// neighbours.
  init(of workload: Workload, for duration: Duration) {
    let reference = Reference()
    var times = 1
    while Self.time(workload, times) < Self.sampleNanoseconds, times < 1 << 20 { times *= 2 }
    let end = Self.nanoseconds() + duration.nanoseconds
    repeat {
      let time = Double(Self.time(reference.run, Self.referenceRuns))
      self.reference = min(self.reference, time / Double(Self.referenceRuns))
      let before = cmicrobench_allocations()
      nanoseconds = min(nanoseconds, Double(Self.time(workload, times)) / Double(times))
      let allocated = cmicrobench_allocations() - before
      allocations = min(allocations, Double(allocated) / Double(times))
    } while Self.nanoseconds() < end
  }

  private static func time(_ workload: Workload, _ times: Int) -> Int64 {
    let start = nanoseconds()
    workload(times)
    return nanoseconds() - start
  }

  /// A clock on the wall, and not that of the CPU: what other machines on the same processor took away is
  /// guessed there, now and then too high, and the shortest sample would be that one.
  private static func nanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// The better of two measurements of one case.
  func better(_ other: Measurement) -> Measurement { other.units < units ? other : self }
}
