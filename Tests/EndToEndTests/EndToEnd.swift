import Testing

/// The programs as they are built, run as their users run them.
///
/// The tests run one at a time, because many of them start many processes.
@Suite(
  "End to end", .serialized,
  .enabled(if: Programs.areExpected, "the programs are not built; packaging/test builds them"))
enum EndToEnd {}
