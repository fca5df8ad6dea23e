import ControlProtocol
import Foundation
import NodeConfiguration
import Testing

/// A directory with configuration files that is gone after the test.
final class Files {
  let directory: String

  init(_ files: [String: String] = [:]) throws {
    directory = FileManager.default.temporaryDirectory.path + "/dhtd-configuration-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    for (name, text) in files { try write(text, to: name) }
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path(name)))
  }

  func write(bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(filePath: path(name)))
  }

  /// Loads the configuration of an instance whose file is `dhtd.yaml` here.
  func load(
    port: UInt16 = 8001, environment: [String: String] = [:],
    _ options: ConfigurationSources.Option...
  ) throws -> LoadedConfiguration {
    try sources(port: port, environment: environment, options).load()
  }

  func sources(
    port: UInt16 = 8001, environment: [String: String] = [:], _ options: [ConfigurationSources.Option] = []
  ) -> ConfigurationSources {
    ConfigurationSources(
      instance: Instance(port: port), file: path("dhtd.yaml"), environment: environment, options: options)
  }

  /// The problems, a line each, without the directory's name.
  func complaints(
    environment: [String: String] = [:], _ options: ConfigurationSources.Option...
  ) -> [String] {
    do {
      _ = try sources(environment: environment, options).load()
      return []
    } catch {
      return error.lines.map { $0.replacing("\(directory)/", with: "") }
    }
  }
}

/// The problems of a file with this text.
func complaints(_ yaml: String) throws -> [String] { try Files(["dhtd.yaml": yaml]).complaints() }

/// The setting of that name.
func setting(_ name: String) throws -> Setting { try #require(Setting.named(name)) }
