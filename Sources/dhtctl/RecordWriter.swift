import ControlProtocol
import Glibc
import Signatures

/// Writes records that are signed by dhtctl. The keys that sign and seal them never leave this process.
struct RecordWriter {
  let signer: SigningKey
  /// The name of the record; empty for a sealed one.
  let salt: [UInt8]

  /// Writes a version above the current one.
  ///
  /// - Parameter content: the bencoded value for a seq; nil if it cannot be made.
  func put(
    with client: inout ControlClient, ttl: Int64? = nil, ifSeq: Int64? = nil, _ content: (Int64) -> [UInt8]?
  ) throws(Failure) -> PutResult {
    let seq = try nextSeq(client: &client)
    guard let value = content(seq),
      let signature = signer.signature(of: SignedText.of(salt: salt, seq: seq, value: value))
    else { throw Failure(.failed, "cannot sign the value; check the free memory", reason: "signing") }
    var params = PutParams(key: salt, value: value, ttl: ttl, ifSeq: ifSeq)
    params.kind = .signed
    params.isBencoded = true
    params.signature = SignatureParams(
      publicKey: signer.publicKey.bytes, seq: seq, signature: signature.bytes)
    guard case .put(let result) = try client.call(.put(params)) else {
      throw Failure(.failed, "dhtd answered with an unexpected result", reason: "protocol")
    }
    return result
  }

  /// The current version; nil if there is none.
  func get(
    with client: inout ControlClient, maxAge: Int64 = 0, trace: Bool = false
  ) throws(Failure) -> GetResult {
    var params = GetParams(key: salt, maxAge: maxAge, trace: trace)
    params.kind = .signed
    params.publicKey = signer.publicKey.bytes
    guard case .get(let result) = try client.call(.get(params)) else {
      throw Failure(.failed, "dhtd answered with an unexpected result", reason: "protocol")
    }
    return result
  }

  /// Microseconds since the epoch, and always above the current version. A deleted version is found by dhtd,
  /// which reports it as a conflict.
  private func nextSeq(client: inout ControlClient) throws(Failure) -> Int64 {
    var time = timespec()
    // The system writes one `timespec`.
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    let now = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    do throws(Failure) {
      let seq = try get(with: &client).seq
      return max(now, seq == .max ? seq : seq + 1)
    } catch {
      guard error.status == .notFound else { throw error }
      return now
    }
  }
}
