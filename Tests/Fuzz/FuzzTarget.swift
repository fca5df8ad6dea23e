import Glibc

/// The parts of the program that can be fuzzed.
enum FuzzTarget: String, CaseIterable {
  case bencode, krpc, sealed, control, node

  /// The target in `DHTD_FUZZ_TARGET`, because libFuzzer parses all arguments itself.
  static let chosen: FuzzTarget = {
    let name = getenv("DHTD_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
      let known = allCases.map(\.rawValue).joined(separator: ", ")
      fatalError("set DHTD_FUZZ_TARGET to one of \(known)")
    }
    return target
  }()

  /// Does with an input what the target is for. What is not as it has to be ends the process.
  func run(_ input: UnsafeRawBufferPointer) {
    switch self {
    case .bencode: fuzzBencode(input)
    case .krpc: fuzzMessages(input)
    case .sealed: fuzzSealing(input)
    case .control: fuzzControlLines(input)
    case .node: fuzzNode(input)
    }
  }
}

// A library of the sanitizer, not of a module; its arguments are passed alike in C and in Swift.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ test: @convention(c) (UnsafeRawPointer?, Int) -> CInt
) -> CInt

/// The name that the package manager gives to `main`, which it expects in every program.
@_cdecl("dhtd_fuzz_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
  var (count, arguments) = (count, arguments)
  return runFuzzer(&count, &arguments) { testOneInput($0, $1) }
}

/// The function that libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafeRawPointer?, _ count: Int) -> CInt {
  FuzzTarget.chosen.run(UnsafeRawBufferPointer(start: start, count: count))
  return 0
}

/// Ends the process, for libFuzzer to keep the input, unless something is as it has to be.
func require(_ isRight: Bool, _ what: @autoclosure () -> String) {
  if !isRight { fatalError(what()) }
}
