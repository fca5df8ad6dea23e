"""What is measured, each on a network of its own. A suite gives its figures by name."""

import os
import random
import signal
import statistics
import time

from network import Datagrams, percentile


def base(network, options):
    """One operation at a time, then many at once."""
    figures = {"memory_before": network.memory()}
    writer, reader = network.writer, network.reader
    network.batch(writer, "put", "warm", 50, 4)
    network.batch(reader, "get", "warm", 50, 4)
    figures["put1"] = network.batch(writer, "put", "one", options.sequential, 1)
    figures["get1"] = network.batch(reader, "get", "one", options.sequential, 1)
    figures["miss1"] = network.batch(reader, "get", "nothing", 50, 1, missing=True)
    for in_flight in options.in_flight:
        figures[f"put{in_flight}"] = network.batch(writer, "put", f"many{in_flight}", options.keys, in_flight)
        figures[f"get{in_flight}"] = network.batch(reader, "get", f"many{in_flight}", options.keys, in_flight)
    figures["memory_after"] = network.memory()
    return figures


def idle(network, options):
    """What a node costs that nobody asks for anything."""
    time.sleep(20)
    cpu, datagrams = [worker.cpu()[0] for worker in network.workers], Datagrams()
    time.sleep(options.idle)
    sent = Datagrams().sent - datagrams.sent
    costs = [worker.cpu()[0] - before for worker, before in zip(network.workers, cpu)]
    return {"idle": {
        "cpu_ms_per_second": round(statistics.median(costs) / options.idle * 1000, 4),
        "datagrams_per_second": round(sent / options.idle / len(network.workers), 3),
    }}


def late(network, _):
    """How soon a node that has just come reads what was put before."""
    network.batch(network.writer, "put", "late", 20, 1)
    starts, reads, attempts = [], [], 0
    for _ in range(5):
        worker = network.add()
        worker.wait_until_started()
        starts.append(worker.start_seconds * 1000)
        begin = time.monotonic()
        # Some give up at once while they have not joined.
        while time.monotonic() - begin < 60:
            attempts += 1
            if worker.ask("get late 1 1 100 100")["operations"][0][1]:
                break
        reads.append((time.monotonic() - begin) * 1000)
    return {"late": {
        "start_ms": percentile(sorted(starts), 0.5), "first_get_ms": percentile(sorted(reads), 0.5),
        "attempts": attempts / 5,
    }}


def fault(share):
    """Reads right after a share of all nodes, the writer among them, was killed at one moment."""

    def suite(network, _):
        figures = {"put": network.batch(network.writer, "put", "fault", 500, 4)}
        figures["before"] = network.batch(network.reader, "get", "fault", 500, 16)
        time.sleep(2)
        others = [worker for worker in network.workers if worker not in (network.writer, network.reader)]
        count = len(network.workers) * share // 100
        # The same ones for every peer.
        victims = [network.writer] + random.Random(1).sample(others, count - 1)
        reader = network.reader
        for worker in victims:
            os.kill(worker.node, signal.SIGKILL)
        for worker in victims:
            worker.kill()
        network.workers = [worker for worker in network.workers if worker not in victims]
        time.sleep(0.5)
        other = next(worker for worker in reversed(network.workers) if worker is not reader)
        for name, worker in (("first", reader), ("second", reader), ("other", other)):
            figures[name] = network.batch(worker, "get", "fault", 500, 16, timeout=60)
        return {f"fault{share}_{name}": batch for name, batch in figures.items()}

    return suite


SUITES = {
    "base": base, "idle": idle, "late": late,
    "fault25": fault(25), "fault50": fault(50), "fault75": fault(75),
}
