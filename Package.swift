// swift-tools-version: 6.2

import PackageDescription

/// Warnings fail the build where CI asks for it. They do not by default, so that a newer compiler with a new
/// warning does not keep anybody from building.
let warnings: [SwiftSetting] =
  Context.environment["DHTD_WARNINGS_AS_ERRORS"] == "1" ? [.treatAllWarnings(as: .error)] : []

/// The settings of all Swift targets.
let settings: [SwiftSetting] =
  [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ] + warnings

/// The settings of targets with strict memory safety (SE-0458). Each unsafe construct is marked with `unsafe`, and
/// a comment beside it says why it is sound.
let strictSettings: [SwiftSetting] = settings + [.strictMemorySafety()]

/// The error numbers of the system.
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

let package = Package(
  name: "dhtd",
  products: [
    .executable(name: "dhtd", targets: ["dhtd"]),
    .executable(name: "dhtctl", targets: ["dhtctl"]),
    .executable(name: "dhtsim", targets: ["dhtsim"]),
  ],
  dependencies: [
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    // Patch releases only: CSealing calls functions that swift-crypto may change in any other.
    .package(url: "https://github.com/apple/swift-crypto", .upToNextMinor(from: "4.5.2")),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    // What time it is, and how long things take. It reads no clock.
    .target(name: "NodeTime", swiftSettings: strictSettings),
    // Random numbers that a seed repeats.
    .target(name: "SeededRandom", swiftSettings: strictSettings),
    // What several parts want of the system: threads, waking them, directories.
    .target(name: "CPlatform"),
    .target(
      name: "Platform", dependencies: ["CPlatform", systemPackage],
      swiftSettings: strictSettings),
    // Keys and signatures of records.
    .target(
      name: "Signatures", dependencies: [.product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: strictSettings),
    // The core: events and the current time go in, effects come out.
    .target(
      name: "Kademlia",
      dependencies: [
        "NodeTime", "SeededRandom", "Signatures",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      swiftSettings: strictSettings),
    .target(name: "KRPC", dependencies: ["Kademlia", "Signatures"], swiftSettings: strictSettings),
    .target(
      name: "Simulation",
      dependencies: ["Kademlia", "KRPC", "NodeTime", "SeededRandom", "Signatures"],
      swiftSettings: strictSettings),

    // What makes a network private: messages are sealed, and opened once.
    .target(name: "CSealing", dependencies: [.product(name: "Crypto", package: "swift-crypto")]),
    .target(
      name: "Sealing",
      dependencies: ["CSealing", "NodeTime", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: strictSettings),

    // What the node keeps on the disk.
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CDirtyFlag"),
    .target(
      name: "RecordStore",
      dependencies: [
        "CDirtyFlag", "CLMDB", "CZlib", "Kademlia", "NodeTime", "Platform", "Signatures", systemPackage,
      ],
      swiftSettings: strictSettings),

    // The shells around it.
    .target(name: "CEventLoop"),
    .target(
      name: "EventLoop",
      dependencies: [
        "CEventLoop", "NodeTime", "Platform", systemPackage,
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      swiftSettings: strictSettings),
    .target(name: "CDatagrams"),
    .target(
      name: "NodeRuntime",
      dependencies: [
        "CDatagrams", "EventLoop", "Kademlia", "KRPC", "NodeTime", "Platform", "Sealing", "Signatures",
        systemPackage,
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strictSettings),
    .target(name: "ControlProtocol", swiftSettings: strictSettings),
    .target(
      name: "ControlServer",
      dependencies: [
        "ControlProtocol", "EventLoop", "Kademlia", "NodeRuntime", "NodeTime", "Platform", "Signatures",
        systemPackage, .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strictSettings),
    // Reads YAML, with libyaml.
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .target(name: "YAML", dependencies: ["CYAML"], swiftSettings: strictSettings),
    .target(
      name: "NodeConfiguration",
      dependencies: ["ControlProtocol", "Kademlia", "Platform", "YAML", systemPackage],
      swiftSettings: strictSettings),
    .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
    .target(
      name: "Systemd",
      dependencies: ["CSystemd", systemPackage, .product(name: "Logging", package: "swift-log")],
      swiftSettings: strictSettings),

    // The executables.
    .executableTarget(
      name: "dhtd",
      dependencies: [
        "ControlProtocol", "ControlServer", "EventLoop", "Kademlia", "NodeConfiguration", "NodeRuntime",
        "NodeTime", "RecordStore", "Sealing", "Signatures", "Systemd",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strictSettings),
    .systemLibrary(name: "CLibEdit", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),
    .executableTarget(
      name: "dhtctl",
      dependencies: [
        "CLibEdit", "CSealing", "ControlProtocol", "Platform", "Signatures", systemPackage,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: strictSettings),

    .executableTarget(
      name: "dhtsim",
      dependencies: [
        "Kademlia", "NodeConfiguration", "Platform", "Simulation", "YAML", systemPackage,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strictSettings),

    // Helpers that several test targets share.
    .target(
      name: "TestSupport", dependencies: [systemPackage], path: "Tests/TestSupport", swiftSettings: settings),
    .testTarget(
      name: "KademliaTests",
      dependencies: ["Kademlia", "NodeTime", "SeededRandom", "Signatures", "Simulation"],
      swiftSettings: settings),
    .testTarget(
      name: "SimulationTests",
      dependencies: ["Kademlia", "NodeTime", "SeededRandom", "Simulation", "dhtsim"],
      exclude: ["README.md"],
      swiftSettings: settings),
    .testTarget(
      name: "KRPCTests", dependencies: ["Kademlia", "KRPC", "Signatures", "SeededRandom"],
      swiftSettings: settings),
    .testTarget(
      name: "SealingTests",
      dependencies: [
        "Kademlia", "KRPC", "NodeTime", "Sealing", "SeededRandom",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "RecordStoreTests",
      dependencies: [
        "CDirtyFlag", "CLMDB", "Kademlia", "NodeTime", "RecordStore", "SeededRandom", "Signatures",
        "Simulation", "TestSupport", systemPackage,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "EventLoopTests", dependencies: ["EventLoop", "NodeTime", systemPackage], swiftSettings: settings),
    .testTarget(
      name: "ControlProtocolTests", dependencies: ["ControlProtocol", "SeededRandom"], swiftSettings: settings
    ),
    .testTarget(
      name: "ControlServerTests",
      dependencies: [
        "ControlProtocol", "ControlServer", "EventLoop", "Kademlia", "NodeRuntime", "NodeTime", "Signatures",
        systemPackage, .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "DhtctlTests",
      dependencies: [
        "ControlProtocol", "Signatures", "dhtctl",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "NodeRuntimeTests",
      dependencies: [
        "CDatagrams", "EventLoop", "Kademlia", "KRPC", "NodeRuntime", "NodeTime", "Sealing", "TestSupport",
        systemPackage,
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),
    .testTarget(name: "YAMLTests", dependencies: ["YAML"], swiftSettings: settings),
    .testTarget(
      name: "NodeConfigurationTests", dependencies: ["ControlProtocol", "Kademlia", "NodeConfiguration"],
      swiftSettings: settings),
    .testTarget(
      name: "SystemdTests",
      dependencies: ["Systemd", .product(name: "Logging", package: "swift-log")],
      swiftSettings: settings),
    // Judges what clients of a network were told while nodes had faults; see Tests/History/README.md.
    .target(
      name: "HistoryChecker", dependencies: ["SeededRandom"], path: "Tests/History/Checker",
      swiftSettings: settings),
    .testTarget(
      name: "HistoryTests",
      dependencies: ["HistoryChecker", "Kademlia", "NodeTime", "SeededRandom", "Simulation"],
      path: "Tests/History/Tests", swiftSettings: settings),
    // Runs the built programs; see packaging/test.
    .testTarget(
      name: "EndToEndTests", dependencies: ["ControlProtocol", "HistoryChecker", "SeededRandom"],
      swiftSettings: settings),

    // How fast the parts are: `swift run -c release dhtd-microbench`. No product, so that it is installed
    // nowhere.
    .target(name: "CMicrobench", path: "Tests/Benchmarks/CMicrobench"),
    .executableTarget(
      name: "dhtd-microbench",
      dependencies: [
        "CMicrobench", "ControlProtocol", "Kademlia", "KRPC", "NodeTime", "RecordStore", "Sealing",
        "SeededRandom", "Simulation",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Benchmarks/Micro",
      swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)

// What feeds the parsers and the core with made-up input: packaging/fuzz. It has no `main` but that of
// libFuzzer, so that it is in the package only where it is built with the sanitizer.
if Context.environment["DHTD_FUZZ"] == "1" {
  package.targets.append(
    .executableTarget(
      name: "dhtd-fuzz",
      dependencies: [
        "ControlProtocol", "Kademlia", "KRPC", "NodeTime", "Sealing", "Signatures", "SeededRandom",
      ],
      path: "Tests/Fuzz",
      exclude: ["bencode.dict", "control.dict", "corpus"],
      swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]))
}
