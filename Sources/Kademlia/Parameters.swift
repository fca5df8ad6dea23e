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

  /// After this long a query has failed.
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
  /// The same while some contact has stopped to answer.
  package var livenessIntervalInDoubt: Duration = .seconds(6)
  /// The contacts nearest to this node, about 2 `k`, are pinged when they have been quiet for this long: they
  /// are whom it tells others of who look for the holders of a key.
  package var neighbourInterval: Duration = .seconds(180)
  /// How many contacts in doubt are pinged at once: half of a network may be gone.
  package var livenessChecks = 64
  /// A bootstrap address or a lost contact is pinged this often, so that partitions merge.
  package var probeInterval: Duration = .seconds(30)
  /// The first pause before bootstrap addresses are tried again while the table is empty; it doubles
  /// up to `probeInterval`.
  package var bootstrapBackOff: Duration = .seconds(1)
  /// The first join has ended after this long, whatever it met.
  package var joinTimeout: Duration = .seconds(2)
  /// A holder sees to it this often that the K closest nodes have its records, unless another has done
  /// so lately (paper, section 2.5: an hour).
  package var replicateInterval: Duration = .seconds(3600)
  /// A publisher does the same with what its users stored; never more often than `replicateInterval`.
  package var republishInterval: Duration = .seconds(3600)
  /// How many records upkeep looks up at once.
  package var parallelRenewals = 8
  /// How many it begins to look up in a second.
  package var renewalsPerSecond = 100
  /// Expired records are dropped this often.
  package var expiryInterval: Duration = .seconds(60)
  /// How many of them go at once; where there are more, the next follow after a second.
  package var expiredAtOnce = 1024

  /// A contact leaves the table after this many failures in a row.
  package var failuresBeforeRemoval = 3
  /// How many lost contacts are remembered for the probe.
  package var lostContacts = 64
  /// How many pings to unknown senders may be under way.
  package var verifications = 64
  /// How many bootstrap addresses are pinged at once.
  package var bootstrapAddresses = 128

  /// How many queries may wait for an answer before people's pings and bootstraps, which wait in no line,
  /// are refused as busy.
  package var inflightQueries = 4096
  /// How many operations run at once; further ones wait in line.
  package var activeOperations = 64
  /// How many may wait in that line; one more is refused as busy.
  package var waitingOperations = 1024

  /// How many changes of the store may be under way before those of others are refused as busy.
  package var pendingCommits = 4096
  /// How many new keys a source may bring within an hour to a store that is over four fifths full.
  package var keysPerSource = 1024
  /// How much is taken from others, and answered to those who may not be who they say they are.
  package var floods = FloodLimits()
  /// How many copies of records that were read are kept for later reads that allow it.
  package var cachedRecords = 1024
  /// The bytes that these may take.
  package var cachedBytes = 1 << 20

  /// Whether others are asked to prove who they are.
  package var identity = IdentityMode.prefer
  /// How many nodes of one block of addresses are taken in, in the table and in a lookup.
  package var subnetLimits = SubnetLimits()
  /// The disjoint paths of a lookup that takes more than one (S/Kademlia, Baumgart and Mies 2007, section 4.4:
  /// d).
  package var disjointPaths = 4
  /// In networks of more nodes than that, puts take them.
  package var largeNetwork = 1000

  /// The age that a write token may reach at least; twice this is the most (BEP 5: 5 and 10 minutes).
  package var tokenEpoch: Duration = .seconds(5 * 60)
  /// Seconds that a record lives when its publisher does not say.
  package var defaultTTL: Int64 = 24 * 3600
  /// The most seconds that a record may live, and that a tombstone does.
  package var maxTTL: Int64 = 30 * 24 * 3600
  /// Seconds that a record lives whose publisher, of another implementation, names no expiry (BEP 44: 2
  /// hours).
  package var foreignTTL: Int64 = 2 * 3600
  /// How far ahead of its own clock a node believes a seq or an expiry, in seconds.
  package var clockSkew: Int64 = 10 * 60
  /// A holder gets a read repair of the same target at most this often.
  package var repairInterval: Duration = .seconds(10 * 60)
  /// How many (holder, target) pairs are remembered for that.
  package var rememberedRepairs = 4096
  /// The most bytes of key and value together that fit a datagram.
  package var maxPayload = Record.maxDatagramPayload

  package init() {}
}
