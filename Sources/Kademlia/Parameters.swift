/// The numbers that a node works by. The defaults are Kademlia's where the paper names one, BEP 5's
/// where it does, and otherwise ours; each says which.
package struct Parameters: Sendable {
  /// Bucket size and replication factor (paper, section 2.4: k; BEP 5: 8).
  package var k = 8
  /// The most contacts of the first buckets, where that is more than `k` (Jiménez et al. 2011, section
  /// 4.3): half of all lookups begin in the first bucket, and the more contacts it has, the closer to
  /// the target is the first of them. Answers name `k` contacts all the same.
  package var wideBuckets = [128, 64, 32, 16]
  /// Parallel queries of a lookup (paper, section 2.3).
  package var alpha = 3

  /// The time after which a query has failed.
  package var rpcTimeout: Duration = .seconds(5)
  /// No soft timeout is shorter, however fast a peer has been: a scheduler may hold it up this long.
  package var softTimeoutFloor: Duration = .milliseconds(20)
  /// The soft timeout of a peer nobody has timed, on a network nobody has timed.
  package var softTimeoutUnknown: Duration = .seconds(1)

  /// A bucket that saw no lookup for this long is refreshed (BEP 5: 15 minutes), give or take a tenth, unless
  /// it holds `k` good contacts.
  package var refreshInterval: Duration = .seconds(15 * 60)
  /// At rest, the stalest contact is pinged this often.
  package var livenessInterval: Duration = .seconds(30)
  /// The same interval while some contact is questionable.
  package var livenessIntervalInDoubt: Duration = .seconds(6)
  /// The contacts nearest to this node, about 2 `k`, are pinged when they have been quiet for this long: this
  /// node names them to others that look for the holders of a key.
  package var neighbourInterval: Duration = .seconds(180)
  /// The most questionable contacts pinged at once: half of a network may be gone.
  package var livenessChecks = 64
  /// A bootstrap address or a lost contact is pinged this often, so that partitions merge.
  package var probeInterval: Duration = .seconds(30)
  /// The first pause before bootstrap addresses are tried again while the table is empty; it doubles
  /// up to `probeInterval`.
  package var bootstrapBackOff: Duration = .seconds(1)
  /// The first join has ended after this long, whatever it found.
  package var joinTimeout: Duration = .seconds(2)
  /// A holder makes sure this often that the K closest nodes have its records, unless another node has done
  /// so lately (paper, section 2.5: an hour).
  package var replicateInterval: Duration = .seconds(3600)
  /// A publisher does the same with what its users stored; never more often than `replicateInterval`.
  package var republishInterval: Duration = .seconds(3600)
  /// The most records that upkeep looks up at once; a quarter of `renewalsPerSecond` if that is more.
  package var parallelRenewals = 8
  /// The most records that upkeep begins to look up in a second.
  package var renewalsPerSecond = 100
  /// Expired records are dropped this often.
  package var expiryInterval: Duration = .seconds(60)
  /// The most expired records dropped at once; if there are more, the next follow after a second.
  package var expiredAtOnce = 1024

  /// A contact leaves the table after this many failures in a row.
  package var failuresBeforeRemoval = 3
  /// The most lost contacts remembered for the probe.
  package var lostContacts = 64
  /// The most pings to unknown senders under way.
  package var verifications = 64
  /// The most bootstrap addresses pinged at once.
  package var bootstrapAddresses = 128

  /// The number of pending queries from which on pings and bootstraps that users request, which do not queue,
  /// are refused as busy.
  package var inflightQueries = 4096
  /// The most operations that run at once; further ones wait in line.
  package var activeOperations = 64
  /// The most operations that wait in that line; one more is refused as busy.
  package var waitingOperations = 1024

  /// The number of changes of the store under way from which on further puts, local or remote, are refused as
  /// busy.
  package var pendingCommits = 4096
  /// The most new keys that a source may bring within an hour to a store that is over four fifths full.
  package var keysPerSource = 1024
  /// The limits on the traffic that is accepted from others, and on answers to unproven addresses.
  package var floods = FloodLimits()
  /// The most copies of records that were read and are kept for later reads that allow it.
  package var cachedRecords = 1024
  /// The bytes that these may take.
  package var cachedBytes = 1 << 20

  /// The policy on proofs of identity.
  package var identity = IdentityMode.prefer
  /// The limits on nodes of one subnet, in the table and in a lookup.
  package var subnetLimits = SubnetLimits()
  /// The disjoint paths of a lookup that takes more than one (S/Kademlia, Baumgart and Mies 2007, section 4.4:
  /// d).
  package var disjointPaths = 4
  /// In networks of more nodes than this, puts take disjoint paths.
  package var largeNetwork = 1000

  /// The least age that a write token may reach; the most is twice this (BEP 5: 5 and 10 minutes).
  package var tokenEpoch: Duration = .seconds(5 * 60)
  /// Seconds that a record lives when its publisher does not say.
  package var defaultTTL: Int64 = 24 * 3600
  /// The most seconds that a record may live, and that a tombstone does.
  package var maxTTL: Int64 = 30 * 24 * 3600
  /// Seconds that a record lives whose publisher, of another implementation, names no expiry (BEP 44: 2
  /// hours).
  package var foreignTTL: Int64 = 2 * 3600
  /// The furthest ahead of its own clock that a node believes a seq or an expiry, in seconds.
  package var clockSkew: Int64 = 10 * 60
  /// A holder gets a read repair of the same target at most this often.
  package var repairInterval: Duration = .seconds(10 * 60)
  /// The most (holder, target) pairs remembered for that.
  package var rememberedRepairs = 4096
  /// The most bytes of key and value together that fit a datagram.
  package var maxPayload = Record.maxDatagramPayload

  package init() {}
}
