#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  import Foundation
#endif

/// What a client calls its request; the answer carries the same (JSON-RPC 2.0, section 4).
package enum RequestID: Hashable, Sendable {
  case string(String)
  case integer(Int64)
  /// A number that is not an `Int64`; kept to 38 digits.
  case decimal(Decimal)
  /// A request may be called null; an answer is where the request could not be read.
  case null
}

extension RequestID: Codable {
  /// Reads a string, a number or null.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let integer = try? container.decode(Int64.self) {
      self = .integer(integer)
    } else if let string = try? container.decode(String.self) {
      self = .string(string)
    } else {
      self = .decimal(try container.decode(Decimal.self))
    }
  }

  /// Writes the ID as it was read.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .string(let string): try container.encode(string)
    case .integer(let integer): try container.encode(integer)
    case .decimal(let decimal): try container.encode(decimal)
    case .null: try container.encodeNil()
    }
  }
}
