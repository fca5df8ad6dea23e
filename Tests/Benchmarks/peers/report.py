"""The figures as Markdown."""

import math
import statistics


def median(runs, suite, name, figure):
    """Over the runs that have it; None where none has."""
    values = [run["figures"][suite][name][figure] for run in runs
              if name in run["figures"].get(suite, {}) and run["figures"][suite][name].get(figure) is not None]
    return statistics.median(values) if values else None


def number(value, digits=2):
    if value is None:
        return "-"
    return f"{value:,.{digits}f}"


def table(headings, rows):
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


class Report:
    def __init__(self, result):
        self.result = result
        self.floor = statistics.median(result["floor_us"])
        self.runs = {}
        for run in result["runs"]:
            self.runs.setdefault((run["title"], run["nodes"]), []).append(run)

    def text(self):
        result = self.result
        machine = result["machine"]
        count = max(map(len, self.runs.values()))
        how_often = "one run" if count == 1 else f"medians of {count} runs"
        parts = [
            f"{result['date']}, {machine['cores']} cores of {machine['cpu']}, Linux {machine['kernel']}; {how_often},"
            f" load {machine['load']} at the start. Values of 100 bytes, one process a node, records in memory only."
        ]
        if "base" in result["suites"]:
            parts.append(self._base())
        if {"idle", "late"} & set(result["suites"]):
            parts.append(self._rest())
        if any(suite.startswith("fault") for suite in result["suites"]):
            parts.append(self._faults())
        problems = [f"{run['title']}, {run['nodes']} nodes, {suite}: {problem}"
                    for run in result["runs"] for suite, problem in run["problems"].items()]
        parts += ["What went wrong: " + "; ".join(problems) + "."] if problems else []
        return "\n\n".join(parts)

    def _base(self):
        shown = self.result["in_flight"]
        headings = ["peer, nodes", "put p50 / p99 ms", "get p50 / p99 ms", "put/s at " + ", ".join(map(str, shown)),
                    "get/s at " + ", ".join(map(str, shown)), "CPU s / 1,000 put: node + client",
                    "get: node + client", "datagrams put, get", "CPU an RPC / bare UDP, put, get",
                    "PSS MB, before and after", "anonymous MB"]
        rows = []
        for (title, nodes), runs in self.runs.items():
            def of(name, figure, digits=2):
                return number(median(runs, "base", name, figure), digits)

            def ratio(name):
                cost = median(runs, "base", name, "node_cpu_us_per_rpc")
                return number(cost / self.floor) if cost is not None else "-"

            def cpu(name):
                node, client = of(name, "node_cpu_s_per_1000", 3), of(name, "client_cpu_s_per_1000", 3)
                return f"{node} + {client}" if runs[0]["has_client"] else f"{node} in all"

            put, get = f"put{shown[0]}", f"get{shown[0]}"
            rows.append([
                f"{title}, {nodes}", *(f"{of(name, 'p50_ms')} / {of(name, 'p99_ms')}" for name in ("put1", "get1")),
                *(", ".join(of(f"{verb}{level}", "per_second", 0) for level in shown) for verb in ("put", "get")),
                cpu(put), cpu(get), ", ".join(of(name, "datagrams_per_operation", 1) for name in (put, get)),
                ", ".join(map(ratio, (put, get))),
                *(f"{of('memory_before', size, 1)}, {of('memory_after', size, 1)}"
                  for size in ("pss_mb", "anonymous_mb"))])
        lost, dropped = [], []
        for (title, nodes), runs in self.runs.items():
            for name, batch in (pair for run in runs for pair in run["figures"].get("base", {}).items()):
                if name.startswith(("put", "get")) and batch["done"] < batch["count"]:
                    share = number(100 * batch["done"] / batch["count"], 1)
                    lost.append(f"{title}, {nodes}, {name}: {share} % ({batch['reason']})")
                if batch.get("dropped_datagrams"):
                    dropped.append(f"{title}, {nodes}, {name}: {number(batch['dropped_datagrams'], 0)}")
        notes = (
            f"CPU and datagrams are those of all nodes for the operations with {shown[0]} in flight. The client is"
            " what hands over the operations: for dhtd a process at the control socket, for the libraries the"
            " program's own threads beside theirs, and where there is but one thread it is part of the node."
            " An RPC is two datagrams; what was answered from the reader's own store or cache took none."
            f" Bare UDP: a request and its answer without anything else cost {number(self.floor, 1)} us of CPU, both"
            " sides together, in the same session.")
        if lost:
            notes += " Not all were done: " + "; ".join(lost) + "."
        if dropped:
            notes += " Datagrams dropped at full receive buffers: " + "; ".join(dropped) + "."
        return table(headings, rows) + "\n\n" + notes

    def _rest(self):
        columns = [column for column in (
            ("start of a late node ms", "late", "start_ms", 1), ("its first get ms", "late", "first_get_ms", 1),
            ("idle CPU ms/s", "idle", "cpu_ms_per_second", 3), ("idle datagrams/s", "idle", "datagrams_per_second", 2),
        ) if column[1] in self.result["suites"]]
        rows = [[f"{title}, {nodes}"] + [
            number(median(runs, suite, suite, figure), digits) for _, suite, figure, digits in columns
        ] for (title, nodes), runs in self.runs.items()]
        return table(["peer, nodes"] + [column[0] for column in columns], rows)

    def _faults(self):
        suites = [suite for suite in self.result["suites"] if suite.startswith("fault")]
        headings = ["peer, nodes"] + [f"{suite[5:]} % killed: read, p50 / p99 ms" for suite in suites]
        rows = []
        for (title, nodes), runs in self.runs.items():
            cells = []
            for suite in suites:
                done = median(runs, suite, f"{suite}_first", "done")
                if done is None:
                    cells.append("-")
                    continue
                p50, p99 = (median(runs, suite, f"{suite}_first", figure) for figure in ("p50_ms", "p99_ms"))
                other = median(runs, suite, f"{suite}_other", "done")
                cells.append(f"{number(done / 5, 1)} % ({number(other / 5, 1)} %), {number(p50)} / {number(p99, 0)}")
            rows.append([f"{title}, {nodes}", *cells])
        notes = (
            "500 keys, read with 16 gets in flight half a second after the nodes were killed, the writer among them;"
            " in brackets what another node could read after the first had read all twice.")
        for nodes in sorted({nodes for _, nodes in self.runs}):
            for suite in suites:
                killed = nodes * int(suite[5:]) // 100
                lost = 100 * math.comb(killed, 8) / math.comb(nodes, 8)
                if lost >= 0.1:
                    notes += (f" Of keys with 8 holders anywhere, {number(lost, 1)} % lose all of them on average when"
                              f" {killed} of {nodes} nodes are killed.")
        return table(headings, rows) + "\n\n" + notes
