import Systemd
import Testing

@Suite("Messages to the service manager") struct ServiceManagerTests {
  @Test(
    "each message is an assignment of sd_notify(3)",
    arguments: [
      (ServiceManager.Message.ready, "READY=1"), (.reloading, "RELOADING=1"), (.stopping, "STOPPING=1"),
      (.watchdog, "WATCHDOG=1"), (.status("Ready: 2 contacts"), "STATUS=Ready: 2 contacts"),
    ])
  func assignments(message: ServiceManager.Message, assignment: String) {
    #expect(message.assignment == assignment)
  }

  @Test("a status of several lines cannot inject another assignment")
  func lineFeeds() {
    #expect(ServiceManager.Message.status("a\nREADY=1\r\nb").assignment == "STATUS=a READY=1 b")
  }

  @Test(
    "standard error is the journal only if it is the stream that systemd names",
    arguments: ["", "1", "0:0", "x:y", "1:2:3", "18446744073709551616:1"])
  func notTheJournal(stream: String) {
    #expect(!Journal.isStandardError(environment: ["JOURNAL_STREAM": stream]))
    #expect(!Journal.isStandardError(environment: [:]))
  }
}
