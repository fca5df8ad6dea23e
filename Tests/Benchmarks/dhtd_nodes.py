"""Real dhtd processes on this machine, for the benchmarks beside this file."""

import json
import os
import re
import signal
import socket
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DHTD = f"{ROOT}/.build/release/dhtd"


class Client:
    """One connection to a control socket, one request at a time."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def call(self, method, **params):
        line = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.socket.sendall(json.dumps(line).encode() + b"\n")
        answer = json.loads(self.file.readline())
        if "error" in answer:
            raise SystemExit(f"{method} failed: {answer['error']['message']}")
        return answer["result"]

    def stream(self, method, requests, in_flight):
        """Carries out many requests, so many at once; each is a dictionary of parameters.

        Gives the number of those that failed."""
        failed = pending = 0
        for number, params in enumerate(requests):
            line = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            self.socket.sendall(json.dumps(line).encode() + b"\n")
            pending += 1
            if pending >= in_flight:
                failed += "error" in json.loads(self.file.readline())
                pending -= 1
        for _ in range(pending):
            failed += "error" in json.loads(self.file.readline())
        return failed


class Node:
    """A dhtd; the first of a network has no bootstrap port."""

    def __init__(self, binary, directory, port, bootstrap, *options):
        self.socket_path = f"{directory}/{port}.sock"
        arguments = [binary, str(port)]
        if bootstrap:
            arguments.append(f"127.0.0.1:{bootstrap}")
        arguments += ["--config", "/dev/null", "--state-dir", f"{directory}/{port}",
                      "--control-socket", self.socket_path, *options]
        begin = time.monotonic()
        self.process = subprocess.Popen(arguments, stderr=subprocess.PIPE)
        for line in self.process.stderr:
            if line.rstrip().endswith(b"ready"):
                break
        else:
            raise SystemExit(f"dhtd {port} did not get ready")
        self.start = time.monotonic() - begin

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def cpu(self):
        """CPU seconds of each thread, from the scheduler's nanosecond counters."""
        times = {}
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            try:
                with open(f"/proc/{self.process.pid}/task/{task}/schedstat") as file:
                    times[task] = int(file.read().split()[0]) / 1e9
            except FileNotFoundError:
                pass  # the thread ended meanwhile
        return times

    def memory(self):
        """PSS, RSS and anonymous memory in MB."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            text = file.read()
        return [int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1]) / 1024
                for name in ("Pss", "Rss", "Pss_Anon")]


def cpu_since(nodes, before):
    """CPU seconds of all nodes since `before`; a thread that has ended counts for nothing."""
    return sum(seconds - then.get(task, 0)
               for node, then in zip(nodes, before) for task, seconds in node.cpu().items())


def percentiles(samples):
    ordered = sorted(samples)
    return [ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 for share in (0.5, 0.9, 0.99)]


def start_network(binary, directory, count, port, *options):
    """Starts nodes that all join through the first."""
    nodes = []
    try:
        for index in range(count):
            nodes.append(Node(binary, directory, port + index, port if index else None, *options))
    except BaseException:
        stop_all(nodes)
        raise
    return nodes


def stop_all(nodes):
    for node in nodes:
        node.process.send_signal(signal.SIGTERM)
    for node in nodes:
        node.process.wait()
