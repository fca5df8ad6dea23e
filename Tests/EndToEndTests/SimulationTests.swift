import Testing

extension EndToEnd {
  @Suite("The simulator") struct SimulationTests {
    @Test("a day of churn loses no confirmed write", arguments: [101])
    func day(seed: Int) throws {
      try withNetwork { network in
        let result = try network.dhtsim("churn", "--seed", "\(seed)")
        #expect(result.status == 0, "\(result)")
        #expect(result.output.contains("promises not kept          0\n"), "\(result)")
      }
    }

    @Test("the same seed gives exactly the same run, and another seed a different one")
    func replay() throws {
      try withNetwork { network in
        func run(_ seed: Int) throws -> CommandResult {
          try network.dhtsim("churn", "--nodes", "60", "--hours", "2", "--keys", "30", "--seed", "\(seed)")
        }
        let first = try run(7)
        #expect(first.status == 0, "\(first)")
        #expect(try run(7).bytes == first.bytes)
        #expect(try run(8).bytes != first.bytes)
      }
    }
  }
}
