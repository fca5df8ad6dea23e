import Foundation
import Testing

extension EndToEnd {
  @Suite("The commands of dhtctl") struct CommandTests {
    @Test("put, get and delete print the expected text, and end with 0, or with 3 for a missing key")
    func basics() throws {
      try withNetwork(3) { (network) throws in
        let (a, b) = (network.nodes[0], network.nodes[1])
        #expect(try network.dhtctl(a, "put", "hello", "world").output == "Stored key 'hello' at 3 nodes\n")
        let get = try network.dhtctl(b, "get", "hello")
        #expect(get.output == "world")
        // Beside the value nothing is on standard output, whatever else is asked for.
        #expect(try network.dhtctl(b, "get", "hello", "--max-age", "0", "--trace").output == "world")
        #expect(get.status == 0)
        #expect(try network.dhtctl(b, "delete", "hello").output == "Deleted key 'hello' at 3 nodes\n")
        let gone = try network.dhtctl(a, "get", "hello")
        #expect(gone.isComplaint(status: 3, "no value"), "\(gone)")
      }
    }

    @Test("get prints the exact bytes that were put, from any source")
    func bytes() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        let binary: [UInt8] = [0, 0x0A, 0xFF, 0x0D, 0x1B, 0x5B, 0xC3, 0x28, 0x0A, 0]
        #expect(try network.dhtctl(node, "put", "stdin", "-", input: binary).status == 0)
        #expect(try network.dhtctl(node, "get", "stdin").bytes == binary)
        try network.write(binary, to: "value")
        #expect(try network.dhtctl(node, "put", "file", "@" + network.path("value")).status == 0)
        #expect(try network.dhtctl(node, "get", "file").bytes == binary)
        let json = try JSON(parsing: network.dhtctl(node, "--json", "get", "file").bytes)
        #expect(json["value_base64"] == .string(Data(binary).base64EncodedString()))
        #expect(try network.dhtctl(node, "put", "empty", "-").status == 0)
        let empty = try network.dhtctl(node, "get", "empty")
        #expect(empty.bytes.isEmpty && empty.status == 0)
      }
    }

    @Test(
      "--literal takes a value as it is, and -- ends the options",
      arguments: ["-", "@", "@none", "--", "-x"])
    func literal(value: String) throws {
      try withNetwork(1) { (network) throws in
        let node = network.nodes[0]
        #expect(try network.dhtctl(node, "put", "--literal", "--", "k", value).status == 0)
        #expect(try network.dhtctl(node, "get", "k").output == value)
        #expect(try network.dhtctl(node, "put", "--", "-k", "v").status == 0)
        #expect(try network.dhtctl(node, "get", "--", "-k").output == "v")
      }
    }

    @Test("--if-seq ends with 4 if the version is another")
    func conflict() throws {
      try withNetwork(2) { network in
        let node = network.nodes[0]
        #expect(try network.dhtctl(node, "put", "k", "1", "--if-seq", "0").status == 0)
        let refused = try network.dhtctl(node, "put", "k", "2", "--if-seq", "0")
        #expect(refused.isComplaint(status: 4, "seq"), "\(refused)")
        let seq = try JSON(parsing: network.dhtctl(node, "--json", "get", "k").bytes)["seq"].integer ?? 0
        #expect(refused.errors.contains("\(seq)"), "\(refused)")
        let told = try network.dhtctl(node, "--json", "put", "k", "2", "--if-seq", "\(seq - 1)")
        #expect(told.status == 4)
        let data = try JSON(parsing: told.errors.utf8)["data"]
        #expect(data == ["reason": "conflict", "seq": .integer(seq)])
        #expect(try network.dhtctl(node, "put", "k", "2", "--if-seq", "\(seq)").status == 0)
        #expect(try network.dhtctl(node, "get", "k").output == "2")
      }
    }

    @Test(
      "--ttl takes seconds and units",
      arguments: [("90", 90), ("2m", 120), ("1h", 3_600), ("30d", 2_592_000)])
    func timeToLive(text: String, seconds: Int64) throws {
      try withNetwork(1) { network in
        let before = Int64(Date().timeIntervalSince1970)
        let put = try network.dhtctl(network.nodes[0], "--json", "put", "k", "v", "--ttl", text)
        let expires = try JSON(parsing: put.bytes)["expires"].integer ?? 0
        let after = Int64(Date().timeIntervalSince1970)
        // A started second counts in full: no value lives shorter than was promised.
        #expect((before + seconds...after + seconds + 1).contains(expires))
      }
    }

    @Test("a key and value over 1,000 bytes are refused with the limit, and 1,000 bytes are stored")
    func sizes() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        let tooLarge = try network.dhtctl(node, "put", "k", String(repeating: "x", count: 1_000))
        #expect(tooLarge.isComplaint(status: 1, "1001", "1000"), "\(tooLarge)")
        let fits = try network.dhtctl(node, "put", "k", String(repeating: "x", count: 999))
        #expect(fits.status == 0)
        let huge = try network.dhtctl(node, "put", "k", "-", input: [UInt8](repeating: 0x61, count: 1 << 20))
        #expect(huge.isComplaint(status: 1), "\(huge)")
        #expect(try network.dhtctl(node, "get", "k").bytes.count == 999)
      }
    }

    @Test("--json prints the result on one line, with the fields of the contract")
    func json() throws {
      try withNetwork(2) { network in
        let node = network.nodes[1]
        func run(_ arguments: String...) throws -> JSON {
          let result = try network.dhtctl(["--socket", node.socketPath, "--json"] + arguments)
          #expect(result.status == 0 && result.errors.isEmpty && result.outputLines.count == 1)
          return try JSON(parsing: result.bytes)
        }
        let put = try run("put", "k", "v")
        #expect(
          put.names == [
            "expires", "failures", "pending", "refused", "replaced", "replicas", "seq", "silent", "stored",
            "target",
            "weak",
          ])
        #expect(put["stored"] == 2)
        #expect(try run("get", "k").names == ["expires", "seq", "target", "unconfirmed", "value"])
        #expect(try run("status")["node_id"] == node.status()["node_id"])
        #expect(try run("peers")["peers"].array.count == 1)
        #expect(try run("keys")["keys"][0]["key"] == "k")
        #expect(try run("lookup", "k").names == ["closest", "steps", "target"])
        #expect(try run("ping", network.nodes[0].address)["rtt"] != .null)
        #expect(try run("bootstrap", network.nodes[0].address)["nodes"].array.count == 1)
        #expect(try run("delete", "k").names == put.names)
        let missing = try network.dhtctl(node, "--json", "get", "k")
        #expect(missing.status == 3)
        #expect(missing.bytes.isEmpty)
        #expect(try JSON(parsing: missing.errors.utf8)["data"]["reason"] == "not_found")
      }
    }

    @Test("peers, keys, lookup, ping and bootstrap print text for people")
    func views() throws {
      try withNetwork(2) { network in
        let (a, b) = (network.nodes[0], network.nodes[1])
        let id = try b.nodeID() ?? "?"
        #expect(try network.dhtctl(a, "peers").output.contains(id))
        let ping = try network.dhtctl(a, "ping", b.address)
        #expect(ping.output.hasPrefix("\(id) at \(b.address) answered in "))
        #expect(try network.dhtctl(a, "bootstrap", b.address).output == "Met \(id) at \(b.address)\n")
        _ = try network.dhtctl(a, "put", "some key", "v")
        #expect(try network.dhtctl(b, "keys").output.contains("some key"))
        #expect(try network.dhtctl(b, "keys", "--prefix", "other").output == "No keys held here\n")
        #expect(try network.dhtctl(a, "lookup", "some key").output.contains(id))
        let target = String(repeating: "0", count: 40)
        #expect(try network.dhtctl(a, "lookup", "--target", target).output.contains("Closest to \(target)"))
        let status = try network.dhtctl(b, "status").output
        #expect(status.contains(id) && status.contains("Known nodes:"))
      }
    }

    @Test("an address where no node runs is unreachable, and ends with 1")
    func unreachable() throws {
      try withNetwork(1) { network in
        let silent = try UDPClient()
        let address = "127.0.0.1:\(silent.boundPort)"
        let ping = try network.dhtctl(network.nodes[0], "ping", address)
        #expect(ping.isComplaint(status: 1, "nothing answered at \(address)"), "\(ping)")
        let name = try network.dhtctl(network.nodes[0], "ping", "no-such-host.invalid:8001")
        #expect(name.isComplaint(status: 1, "no-such-host.invalid"), "\(name)")
      }
    }

    @Test("a daemon that does not answer in time is reported, with status 1")
    func timeout() throws {
      try withNetwork(1) { network in
        network.nodes[0].process.halt()
        let status = try network.dhtctl(network.nodes[0], "--timeout", "0.5", "status")
        #expect(status.isComplaint(status: 1, "--timeout"), "\(status)")
      }
    }
  }
}
