import Foundation
import Testing

extension EndToEnd {
  @Suite("dhtctl bench") struct BenchTests {
    @Test("it puts, gets and misses, and prints a table")
    func table() throws {
      try withNetwork(3) { network in
        let bench = try network.dhtctl(network.nodes[1], "bench", "--count", "300", "--keys", "100")
        #expect(bench.status == 0 && bench.errors.isEmpty, "\(bench)")
        let rows = bench.outputLines.map { $0.split(separator: " ").map(String.init) }
        for operation in ["put", "get", "miss"] {
          #expect(rows.contains { $0.starts(with: [operation, "300", "0"]) }, "\(bench)")
        }
        #expect(try network.nodes[1].status()["puts_ok"] == 300)
      }
    }

    @Test("--json has the same figures, and another node reads the keys of an earlier run")
    func json() throws {
      try withNetwork(3) { network in
        let node = network.nodes[1]
        let put = try network.dhtctl(
          node, "--json", "bench", "--ops", "put", "--count", "50", "--in-flight", "1", "--key-prefix", "k:")
        let json = try JSON(parsing: put.bytes)
        #expect(json.names == ["client_cpu", "in_flight", "key_prefix", "keys", "operations", "size"])
        let figures = json["operations"][0]
        #expect(
          figures.names == ["done", "failed", "failures", "latency", "operation", "per_second", "seconds"])
        #expect(figures["latency"].names == ["max", "mean", "min", "p50", "p90", "p99", "p999"])
        #expect(figures["done"] == 50 && figures["failed"] == 0)

        let read = ["bench", "--ops", "get", "--count", "200", "--keys", "50", "--key-prefix", "k:"]
        let other = ["--json", "--socket", network.nodes[2].socketPath]
        let get = try JSON(parsing: network.dhtctl(other + read).bytes)["operations"][0]
        #expect(get["done"] == 200)
        // A value of another length is another value.
        let wrong = try network.dhtctl(other + read + ["--size", "99"])
        #expect(wrong.status == 1)
        let failed = try JSON(parsing: wrong.bytes)["operations"][0]
        #expect(failed["failed"] == 200 && failed["failures"][0]["reason"] == "wrong_value")
        #expect(try JSON(parsing: wrong.errors.utf8)["data"]["reason"] == "operations_failed")
      }
    }

    @Test("failures are counted by code, with the message of the first, and the exit status is 1")
    func failures() throws {
      try withNetwork(1) { network in
        let bench = try network.dhtctl(
          network.nodes[0], "bench", "--ops", "put", "--count", "40", "--size", "1000")
        #expect(bench.status == 1)
        #expect(bench.errors == "dhtctl: 40 of 40 operations failed; see the errors above\n")
        #expect(bench.output.contains("put failed 40 times with too_large; the first: "), "\(bench)")
      }
    }

    @Test("Ctrl-C and SIGTERM end it with the results so far", arguments: [SIGINT, SIGTERM])
    func interruption(signal: Int32) throws {
      try withNetwork { network in
        let daemon = try SlowDaemon(network.path("slow.sock"))
        let bench = try network.launchBench(
          socket: network.path("slow.sock"), "--ops", "miss", "--in-flight", "16", "--count", "1000")
        let first = try daemon.requests(16)
        #expect(first.count == 16)
        daemon.answer(first)
        // It has read those answers when it asks for more.
        #expect(try daemon.requests(16).count == 16)
        bench.send(signal: signal)
        #expect(try bench.waitForExit(within: 20) == .exited(1))
        let rows = String(decoding: bench.output, as: UTF8.self).split(separator: "\n")
        #expect(rows.contains { $0.split(separator: " ").starts(with: ["miss", "16", "0"]) }, "\(rows)")
        #expect(bench.errorLines.count == 1 && bench.errorLines[0].hasPrefix("dhtctl: interrupted"))
      }
    }

    @Test("without an answer it ends after --timeout, with a hint")
    func silence() throws {
      try withNetwork { network in
        let daemon = try SlowDaemon(network.path("slow.sock"))
        let bench = try network.launchBench(
          socket: network.path("slow.sock"), "--timeout", "0.2", "--ops", "miss", "--in-flight", "2")
        #expect(try daemon.requests(2).count == 2)
        #expect(try bench.waitForExit(within: 20) == .exited(1))
        #expect(bench.errorLines.count == 1 && bench.errorLines[0].contains("--timeout"))
      }
    }
  }
}
