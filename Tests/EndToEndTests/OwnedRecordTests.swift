import Foundation
import Glibc
import Testing

extension EndToEnd {
  @Suite("Records with one writer") struct OwnedRecordTests {
    private func succeed(_ result: CommandResult) throws -> String {
      guard result.status == 0 else { throw TimedOut(what: "a command to succeed", details: "\(result)") }
      return result.output
    }

    @Test("an immutable value is read by the address that put printed, at every node, and after a restart")
    func immutable() throws {
      try withNetwork(4) { network in
        let put = try network.dhtctl(network.nodes[1], "put", "--immutable", "Hello World!")
        #expect(put.output == "e5f96f6f38320f0f33959cb4d3d656452117aadb\n")
        #expect(put.errors.contains("Stored at 4 nodes"), "\(put)")
        let address = put.output.trimmingCharacters(in: .newlines)
        for node in network.nodes {
          #expect(try network.dhtctl(node, "get", "--immutable", address).output == "Hello World!")
        }
        for node in network.nodes { node.kill() }
        try network.startAllAgain()
        #expect(try network.dhtctl(network.nodes[2], "get", "--immutable", address).output == "Hello World!")
        let keys = try succeed(network.dhtctl(network.nodes[0], "keys"))
        #expect(keys.contains(address) && keys.contains("immutable"))
        #expect(
          try network.dhtctl(network.nodes[0], "put", "--immutable", "--bencoded", "d1:bi1e1:ai2ee")
            .isComplaint(status: 1, "canonical"))
        #expect(try network.dhtctl(network.nodes[0], "put", "--immutable", "key", "value").status == 2)
      }
    }

    @Test("a signed value is written and deleted only with its key, and read by others")
    func signed() throws {
      try withNetwork(4) { network in
        let (writer, reader) = (network.nodes[1], network.nodes[3])
        let own = try succeed(network.dhtctl(writer, "key", "show")).trimmingCharacters(in: .newlines)
        _ = try succeed(network.dhtctl(writer, "put", "--sign", "profile", "one"))
        #expect(try network.dhtctl(reader, "get", "--from", own, "profile").output == "one")
        #expect(try network.dhtctl(writer, "get", "--from", "self", "profile").output == "one")
        #expect(try network.dhtctl(reader, "get", "--from", "self", "profile").isComplaint(status: 3))
        // A plain key of that name is another record, and so is the reader's.
        #expect(try network.dhtctl(reader, "get", "profile").isComplaint(status: 3))
        _ = try succeed(network.dhtctl(reader, "put", "--sign", "profile", "theirs"))
        #expect(try network.dhtctl(reader, "get", "--from", own, "profile").output == "one")

        let file = network.path("home/my.key")
        let mine = try succeed(network.dhtctl(["key", "generate", file])).trimmingCharacters(in: .newlines)
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        #expect(try network.dhtctl(["key", "generate", file]).isComplaint(status: 1, "does not exist yet"))
        #expect(try network.dhtctl(["key", "show", file]).output == mine + "\n")
        for value in ["first", "second"] {
          _ = try succeed(network.dhtctl(writer, "put", "--sign", "--key", file, "note", value))
          #expect(try network.dhtctl(reader, "get", "--from", mine, "note").output == value)
        }
        let conflict = try network.dhtctl(
          writer, "put", "--sign", "--key", file, "--if-seq", "1", "note", "x")
        #expect(conflict.isComplaint(status: 4), "\(conflict)")
        _ = try succeed(network.dhtctl(reader, "delete", "--sign", "--key", file, "note"))
        #expect(try network.dhtctl(writer, "get", "--from", mine, "note").isComplaint(status: 3))
        _ = try succeed(network.dhtctl(writer, "put", "--sign", "--key", file, "note", "third"))
        #expect(try network.dhtctl(reader, "get", "--from", mine, "note").output == "third")
        _ = try succeed(network.dhtctl(writer, "delete", "--sign", "profile"))
        #expect(try network.dhtctl(reader, "get", "--from", own, "profile").isComplaint(status: 3))
        let long = String(repeating: "n", count: 65)
        #expect(try network.dhtctl(writer, "put", "--sign", long, "x").isComplaint(status: 2, "64 bytes"))
      }
    }

    @Test("a sealed value is read only with its passphrase, and no node stores its name or plain value")
    func sealed() throws {
      try withNetwork(4) { network in
        let (writer, reader) = (network.nodes[1], network.nodes[2])
        try network.write(Array("correct horse battery staple\n".utf8), to: "home/right")
        try network.write(Array("correct horse\n".utf8), to: "home/wrong")
        for name in ["right", "wrong"] { chmod(network.path("home/\(name)"), 0o600) }
        try network.write(Array("for everybody\n".utf8), to: "home/open")
        let open = try network.dhtctl(
          writer, "put", "--sealed", "--passphrase-file", network.path("home/open"), "name", "value")
        #expect(open.isComplaint(status: 1, "chmod 600"), "\(open)")
        let right = ["--sealed", "--passphrase-file", network.path("home/right")]
        let wrong = ["--sealed", "--passphrase-file", network.path("home/wrong")]
        func run(_ node: DaemonProcess, _ verb: String, _ options: [String], _ words: String...) throws
          -> CommandResult
        {
          try network.dhtctl(["--socket", node.socketPath, verb] + options + words)
        }
        let (name, value) = ("secretname-41", "secretvalue-17")
        let put = try run(writer, "put", right, name, value)
        #expect(try succeed(put) == "Stored key '\(name)' at 4 nodes\n")
        #expect(try run(reader, "get", right, name).output == value)
        #expect(try run(reader, "get", wrong, name).isComplaint(status: 3))
        #expect(try run(reader, "get", right, "othername").isComplaint(status: 3))
        for node in network.nodes {
          let file = try Data(
            contentsOf: URL(filePath: network.stateDirectory(of: node.port) + "/records.mdb"))
          #expect(file.range(of: Data(name.utf8)) == nil && file.range(of: Data(value.utf8)) == nil)
          let log = node.process.errorLines.joined()
          #expect(!log.contains(name) && !log.contains(value))
        }
        _ = try succeed(run(reader, "delete", right, name))
        #expect(try run(writer, "get", right, name).isComplaint(status: 3))
      }
    }

    @Test(
      "records of both kinds go to libtorrent's nodes and come back", .enabled(if: LibtorrentPeer.isInstalled)
    )
    func libtorrent() throws {
      try withNetwork(5) { network in
        let (writer, reader) = (network.nodes[1], network.nodes[3])
        let peer = try LibtorrentPeer(network, bootstrap: writer)
        func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

        // The greatest that there may be: 1,000 bytes bencoded.
        let full = "996:" + String(repeating: "f", count: 996)
        for value in ["d1:ai1e1:bl1:xi-7eee", full] {
          let theirs = try peer.ask("put-immutable", base64(value))
          #expect(
            try network.dhtctl(reader, "get", "--immutable", theirs).output
              == (value == full ? String(full.dropFirst(4)) : value))
        }
        try network.write(Array(full.dropFirst(4).utf8), to: "home/full")
        for argument in ["@" + network.path("home/full"), "short"] {
          let address = try succeed(network.dhtctl(writer, "put", "--immutable", argument))
            .trimmingCharacters(in: .newlines)
          let expected = argument == "short" ? "5:short" : full
          #expect(try peer.ask("get-immutable", address) == base64(expected))
        }

        let file = network.path("home/my.key")
        let key = try succeed(network.dhtctl(["key", "generate", file])).trimmingCharacters(in: .newlines)
        let seed = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)
        _ = try succeed(network.dhtctl(writer, "put", "--sign", "--key", file, "name", "from dhtctl"))
        #expect(try peer.ask("get-signed", key, "name") == base64("11:from dhtctl"))
        #expect(try Int(peer.ask("put-signed", seed, key, "other", base64("from libtorrent"))) ?? 0 > 3)
        #expect(try network.dhtctl(reader, "get", "--from", key, "other").output == "from libtorrent")
        // Each goes on from the other's version.
        _ = try succeed(network.dhtctl(writer, "put", "--sign", "--key", file, "other", "again"))
        #expect(try peer.ask("get-signed", key, "other") == base64("5:again"))
      }
    }
  }
}
