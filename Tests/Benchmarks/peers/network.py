"""A network of worker processes on this machine, and what is measured of it."""

import ctypes
import json
import os
import select
import signal
import statistics
import subprocess
import tempfile
import time

FIRST_PORT = 20000
#: After which a worker ends by itself, in seconds.
LIFE = 1800
CLONE_NEWNET = 0x40000000


class PeerFailed(Exception):
    """A worker did not do as it was told; says which and what."""


def enter_namespace():
    """Gives this process and its children a loopback of their own, whose counters are theirs alone."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise SystemExit("no network namespace (%s); run this as root" % os.strerror(ctypes.get_errno()))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


class Worker:
    """One node, and the client beside it or in it."""

    def __init__(self, peer, port, bootstrap, directory):
        self.port = port
        self.buffer = b""
        self.begin = time.monotonic()
        self.process = subprocess.Popen(
            peer.command + ["--port", str(port), "--bootstrap", str(bootstrap), "--life", str(LIFE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            env={**os.environ, **peer.environment, "WORKER_DIRECTORY": directory})
        self.node = self.process.pid
        self.client_threads = []

    def wait_until_started(self, seconds=60):
        answer = self.receive(seconds)
        self.node = answer["node"]
        self.client_threads = answer["client_threads"]
        self.start_seconds = time.monotonic() - self.begin

    def send(self, order):
        try:
            self.process.stdin.write(order.encode() + b"\n")
        except BrokenPipeError:
            raise PeerFailed(f"the worker on port {self.port} has ended") from None

    def receive(self, seconds):
        end = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                raise PeerFailed(f"the worker on port {self.port} did not answer within {seconds} s")
            piece = os.read(self.process.stdout.fileno(), 1 << 20)
            if not piece:
                raise PeerFailed(f"the worker on port {self.port} has ended")
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def ask(self, order, seconds=60):
        self.send(order)
        return self.receive(seconds)

    def cpu(self):
        """CPU seconds of the node and of the client, from the scheduler's nanosecond counters."""
        if self.node != self.process.pid:
            return self._threads_cpu(self.node), self._threads_cpu(self.process.pid)
        threads = self._thread_cpu_of(self.node)
        client = sum(threads.pop(str(thread), 0) for thread in self.client_threads)
        return sum(threads.values()), client

    def _threads_cpu(self, process):
        return sum(self._thread_cpu_of(process).values())

    @staticmethod
    def _thread_cpu_of(process):
        seconds = {}
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/schedstat") as file:
                    seconds[thread] = int(file.read().split()[0]) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            pass  # it ended meanwhile
        return seconds

    def memory(self):
        """PSS and anonymous memory of the node's process, in MB."""
        sizes = {}
        with open(f"/proc/{self.node}/smaps_rollup") as file:
            for line in file:
                name, *rest = line.split()
                if name in ("Pss:", "Anonymous:"):
                    sizes[name] = int(rest[0]) / 1024
        return sizes["Pss:"], sizes["Anonymous:"]

    def kill(self):
        for process in {self.node, self.process.pid}:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Datagrams:
    """UDP datagrams that this network namespace has sent, and those dropped at full receive buffers."""

    def __init__(self):
        with open("/proc/net/snmp") as file:
            names, values = (line.split()[1:] for line in file if line.startswith("Udp:"))
        counters = dict(zip(names, map(int, values)))
        self.sent = counters["OutDatagrams"]
        self.dropped = counters["RcvbufErrors"]


def percentile(ordered, share):
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3) if ordered else None


class Network:
    """Nodes of one kind that all joined through the first. Node 1 writes, node 2 reads."""

    def __init__(self, peer, count):
        self.peer = peer
        self.workers = []
        self.facts = {}
        # New for each network, so that no node knows another from before.
        self.directory = tempfile.TemporaryDirectory(prefix="dhtd-peers-")
        try:
            self._start(count)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for worker in self.workers:
            worker.kill()
        self.workers = []
        self.directory.cleanup()

    @property
    def writer(self):
        return self.workers[1]

    @property
    def reader(self):
        return self.workers[2]

    def add(self):
        port = FIRST_PORT + len(self.workers)
        worker = Worker(self.peer, port, FIRST_PORT if self.workers else 0, self.directory.name)
        self.workers.append(worker)
        return worker

    def _start(self, count):
        begin = time.monotonic()
        for index in range(count):
            worker = self.add()
            # A few at a time: the first node answers them all.
            if index % 8 == 0:
                for each in self.workers[-8:] if index else [worker]:
                    if not hasattr(each, "start_seconds"):
                        each.wait_until_started()
        for worker in self.workers:
            if not hasattr(worker, "start_seconds"):
                worker.wait_until_started()
        self.facts["start_s"] = round(time.monotonic() - begin, 2)
        self._wait_until_everyone_reads(begin)
        # Of 8 nodes some know only 6.
        self._wait_for_contacts(min(count - 2, 8))
        self.facts["cpu_to_join_s"] = round(self.cpu()[0] / count, 3)
        # Let the joins' own traffic die down.
        time.sleep(3)

    def _wait_until_everyone_reads(self, begin):
        """The network is one when each of its nodes reads what one of them has put."""
        for attempt in range(1000):
            self.writer.ask(f"put ready{attempt} 20 20 100 10000")
            order = f"get ready{attempt} 20 20 100 10000"
            answers = []
            if self.peer.reads_alone:
                answers = [worker.ask(order, 120) for worker in self.workers]
            else:
                for worker in self.workers:
                    worker.send(order)
                answers = [worker.receive(120) for worker in self.workers]
            if all(operation[1] for answer in answers for operation in answer["operations"]):
                self.facts["ready_s"] = round(time.monotonic() - begin, 2)
                return
            if time.monotonic() - begin > 240:
                raise PeerFailed("the nodes did not become one network within 240 s")
            time.sleep(0.5)

    def _wait_for_contacts(self, needed, seconds=15):
        end = time.monotonic() + seconds
        while True:
            contacts = [worker.ask("contacts")["contacts"] for worker in self.workers]
            self.facts["contacts"] = [min(contacts), statistics.median(contacts), max(contacts)]
            if min(contacts) >= needed or time.monotonic() > end:
                return
            time.sleep(0.25)

    def cpu(self):
        """CPU seconds of all nodes, and of all clients."""
        pairs = [worker.cpu() for worker in self.workers]
        return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)

    def memory(self):
        """Medians over the nodes."""
        sizes = [worker.memory() for worker in self.workers]
        pss, anonymous = (statistics.median(column) for column in zip(*sizes))
        return {"pss_mb": round(pss, 1), "anonymous_mb": round(anonymous, 1)}

    def batch(self, worker, verb, prefix, count, in_flight, size=100, timeout=30, missing=False):
        """Has a worker carry out so many operations, and measures what they cost the network.

        `missing` is for keys without a value: a get that finds none is then one that was done."""
        cpu, datagrams = self.cpu(), Datagrams()
        answer = worker.ask(f"{verb} {prefix} {count} {in_flight} {size} {timeout * 1000}", 900)
        # What the operations set off goes on for a moment after the last of them.
        time.sleep(0.3)
        cpu = [after - before for before, after in zip(cpu, self.cpu())]
        after = Datagrams()
        done = sorted(operation[0] for operation in answer["operations"] if operation[1] != missing)
        confirmations = [operation[2] for operation in answer["operations"] if operation[2] >= 0]
        sent = after.sent - datagrams.sent
        return {
            "verb": verb, "count": count, "in_flight": in_flight, "done": len(done),
            "timed_out": answer["timed_out"], "reason": answer["reason"],
            "p50_ms": percentile(done, 0.5), "p90_ms": percentile(done, 0.9),
            "p99_ms": percentile(done, 0.99), "max_ms": percentile(done, 1),
            "per_second": round(1000 * len(done) / answer["wall_ms"], 1),
            "confirmations": round(statistics.mean(confirmations), 2) if confirmations else None,
            "node_cpu_s_per_1000": round(cpu[0] / count * 1000, 4),
            "client_cpu_s_per_1000": round(cpu[1] / count * 1000, 4),
            "datagrams_per_operation": round(sent / count, 2),
            "node_cpu_us_per_rpc": round(cpu[0] / (sent / 2) * 1e6, 2) if sent else None,
            "dropped_datagrams": after.dropped - datagrams.dropped,
        }
