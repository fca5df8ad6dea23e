#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  import Foundation
#endif

/// The ID of a request, which the answer repeats (JSON-RPC 2.0, section 4).
package enum RequestID: Hashable, Sendable {
  case string(String)
  case integer(Int64)
  /// A number that is not an `Int64`, kept to 38 digits.
  case decimal(Decimal)
  /// The ID null. The answer to an unreadable request has it, too.
  case null
}

extension RequestID: Codable {
  /// Decodes a string, a number or null.
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

  /// Encodes the ID as it was received.
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
