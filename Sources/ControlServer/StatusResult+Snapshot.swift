import ControlProtocol
import Kademlia
import NodeRuntime
import NodeTime
import Signatures

extension StatusResult {
  init(_ node: NodeSnapshot, version: String, recordKey: PublicKey) {
    self.init()
    let counters = node.counters
    nodeID = "\(node.id)"
    addresses = node.endpoints.map(\.description)
    address = addresses.first ?? ""
    self.version = version
    self.recordKey = Hex.string(recordKey.bytes)
    uptime = node.uptime.components.seconds
    state = node.isJoined ? .ready : .joining
    standing = Standing(node.standing)
    silentNodes = Int64(node.silentNodes.count)
    buckets = node.buckets.map { BucketStatus(index: Int64($0.index), nodes: Int64($0.contacts)) }
    knownNodes = Int64(node.contacts)
    storedKeys = Int64(node.usage.values)
    storedBytes = Int64(node.usage.valueBytes)
    storedTombstones = Int64(node.usage.tombstones)
    publishedKeys = Int64(node.usage.publications)
    cachedKeys = Int64(node.cachedRecords)
    cachedBytes = Int64(node.cachedBytes)
    storageUsed = Int64(node.usage.bytes)
    storageLimit = Int64(node.usage.limit)
    durability = node.isDurable ? .disk : .memory
    recordsDamaged = Int64(node.damagedRecords)
    recordsExpired = counters.recordsExpired
    replications = counters.replications
    replicationsSkipped = counters.replicationsSkipped
    republications = counters.republications
    recordsForged = counters.forgedRecords
    proofsAccepted = counters.proofsAccepted
    proofsRefused = counters.proofsRefused
    publicationsFailed = counters.publicationsFailed
    handOffs = counters.handOffs
    replicasSent = counters.replicasSent
    getsOK = counters.getsOK
    getsNotFound = counters.getsNotFound
    getsFailed = counters.getsFailed
    putsOK = counters.putsOK
    putsFailed = counters.putsFailed
    latency = node.roundTrip?.milliseconds
    queriesSent = counters.queriesSent
    queriesAnswered = counters.queriesReceived
    queriesTimedOut = counters.queriesFailed
    queriesResent = counters.queriesResent
    strayAnswers = counters.strayAnswers
    recordsStored = counters.recordsStored
    recordsRefused = counters.recordsRefused
    repairsSent = counters.repairsSent
    datagramsDropped = node.droppedDatagrams
    responsesReceived = counters.responsesReceived
    datagramsMalformed = counters.datagramsMalformed
    pendingOperations = Int64(node.pendingOperations)
    requestsRefused = counters.requestsRefused
    requestsOverSourceLimit = counters.requestsOverSourceLimit
    requestsOverTotalLimit = counters.requestsOverTotalLimit
    answersWithheld = counters.answersWithheld
    storesOverLimit = counters.storesOverLimit
    sealing = node.sealing.map(SealingStatus.init)
  }
}

extension SealingStatus {
  fileprivate init(_ sealing: SealingSnapshot) {
    self.init(network: sealing.network)
    keys = Int64(sealing.keys)
    sessions = Int64(sealing.sessions)
    opened = sealing.opened
    notSealed = sealing.notSealed
    wrongKey = sealing.wrongKey
    replayed = sealing.replayed
    untimely = sealing.untimely
    tooMany = sealing.tooMany
  }
}

extension StatusResult.Standing {
  fileprivate init(_ standing: Kademlia.Standing) {
    self =
      switch standing {
      case .onlyNode: .onlyNode
      case .connected: .connected
      case .cutOff: .cutOff
      case .alone: .alone
      }
  }
}
