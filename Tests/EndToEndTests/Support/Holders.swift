/// The version of a key that a node holds.
struct Held: Hashable {
  let seq: Int64
  let isDeleted: Bool

  init(seq: Int64, isDeleted: Bool = false) {
    self.seq = seq
    self.isDeleted = isDeleted
  }

  fileprivate init?(_ json: JSON) {
    guard let seq = json["seq"].integer else { return nil }
    self.init(seq: seq, isDeleted: json["deleted"] == true)
  }
}

/// A node among those closest to a key.
struct Place: Hashable {
  let id: String
  /// nil where it holds nothing.
  let held: Held?
}

extension DaemonProcess {
  /// The nodes closest to each key and what they hold, as `lookup` tells: unlike `get` it gives nothing to
  /// anybody.
  func places(of keys: [String]) throws -> [[Place]] {
    try client().callAll(keys.map { ("lookup", ["key": .string($0)]) }).map { answer in
      answer["result"]["closest"].array.map { node in
        Place(id: node["node_id"].string ?? "?", held: Held(node["held"]))
      }
    }
  }

  /// The keys that this node holds itself, each with its seq.
  func heldKeys(prefix: String = "") throws -> [String: Int64] {
    var held: [String: Int64] = [:]
    var cursor = JSON.null
    repeat {
      var params: [String: JSON] = ["prefix": .string(prefix), "limit": 1_000]
      if cursor != .null { params["cursor"] = cursor }
      let page = try client().call("keys", .object(params))["result"]
      for entry in page["keys"].array {
        if let key = entry["key"].string, let seq = entry["seq"].integer { held[key] = seq }
      }
      cursor = page["cursor"]
    } while cursor != .null
    return held
  }

  /// A number of `status`.
  func counter(_ name: String) throws -> Int64 { try status()[name].integer ?? -1 }
}
