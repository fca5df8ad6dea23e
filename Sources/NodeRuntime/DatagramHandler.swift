import Kademlia
import NIOCore

/// Hands a socket's datagrams to the node, and lets what they led to out when a batch has been read.
final class DatagramHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let driver: NodeDriver

  init(_ driver: NodeDriver) {
    self.driver = driver
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard let source = Endpoint(envelope.remoteAddress) else { return }
    driver.received(envelope.data, from: source)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    driver.flush()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    driver.socketFailed(error)
  }

  func channelInactive(context: ChannelHandlerContext) {
    // Before its number is given to another file, nothing more may be sent to it.
    driver.fail(.socketLost)
    context.fireChannelInactive()
  }
}
