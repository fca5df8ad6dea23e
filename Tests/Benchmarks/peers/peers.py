"""The programs that are compared, and how their workers are built."""

import dataclasses
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclasses.dataclass
class Peer:
    name: str
    title: str
    #: What to start for one node; empty: not to be had here.
    command: list = dataclasses.field(default_factory=list)
    environment: dict = dataclasses.field(default_factory=dict)
    #: How to get what is missing.
    advice: str = ""
    #: Whether its nodes must be asked one after another when the network is new: many lookups at once make
    #: them lose datagrams and forget each other for minutes.
    reads_alone: bool = False
    #: Whether its client can be told from its node.
    has_client: bool = True


class Builder:
    """Builds workers into a directory, each only where its sources are newer."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)

    def _module(self, name):
        """The compiler's options for a library, and its version; None where it is not installed."""
        answers = [subprocess.run(["pkg-config", *query, name], capture_output=True, text=True)
                   for query in (["--cflags", "--libs"], ["--modversion"])]
        if any(answer.returncode for answer in answers):
            return None
        return answers[0].stdout.split(), answers[1].stdout.strip()

    def program(self, source, flags=()):
        output = f"{self.directory}/{os.path.splitext(source)[0]}"
        sources = [f"{HERE}/{name}" for name in (source, "worker.hpp", "completions.hpp")]
        if not os.path.exists(output) or os.path.getmtime(output) < max(map(os.path.getmtime, sources)):
            print(f"Building {source} ...", file=sys.stderr, flush=True)
            command = ["g++", "-O2", "-std=c++17", "-Wall", "-Wextra", sources[0], "-o", output, *flags, "-lpthread"]
            if subprocess.run(command).returncode != 0:
                raise SystemExit(f"{source} does not compile; see above")
        return output

    def _with_library(self, peer, source, module, packages):
        found = self._module(module)
        if found is None:
            peer.advice = f"sudo apt-get install {packages}"
            return peer
        flags, version = found
        peer.title = peer.title.format(version)
        peer.command = [self.program(source, flags)]
        return peer

    def dhtd(self, program):
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
        return Peer("dhtd", f"dhtd {version}", [self.program("dhtd.cpp")],
                    {"DHTD": os.path.abspath(program)})

    def opendht(self):
        return self._with_library(
            Peer("opendht", "OpenDHT {}"), "opendht.cpp", "opendht",
            "libopendht-dev libasio-dev libmsgpack-dev libgnutls28-dev libjsoncpp-dev")

    def libtorrent(self, signed):
        kind = "signed" if signed else "immutable"
        return self._with_library(
            Peer(f"libtorrent-{kind}", f"libtorrent {{}}, {kind}", environment={"LIBTORRENT_ITEMS": kind}),
            "libtorrent.cpp", "libtorrent-rasterbar", "libtorrent-rasterbar-dev")

    def kademlia(self):
        python = f"{self.directory}/venv/bin/python"
        version = subprocess.run(
            [python, "-c", "from importlib.metadata import version; print(version('kademlia'))"],
            capture_output=True, text=True) if os.path.exists(python) else None
        if version is None or version.returncode:
            advice = (f"python3 -m venv {self.directory}/venv"
                      f" && {self.directory}/venv/bin/pip install kademlia==2.2.3")
            return Peer("kademlia", "python-kademlia", advice=advice)
        return Peer("kademlia", f"python-kademlia {version.stdout.strip()}",
                    [python, f"{HERE}/kademlia_worker.py"], reads_alone=True, has_client=False)


NAMES = ["dhtd", "opendht", "libtorrent-immutable", "libtorrent-signed", "kademlia"]


def make(name, builder, dhtd):
    match name:
        case "dhtd": return builder.dhtd(dhtd)
        case "opendht": return builder.opendht()
        case "libtorrent-immutable": return builder.libtorrent(signed=False)
        case "libtorrent-signed": return builder.libtorrent(signed=True)
        case "kademlia": return builder.kademlia()


def check_tools():
    for tool, package in (("g++", "g++"), ("pkg-config", "pkg-config"), ("ip", "iproute2")):
        if shutil.which(tool) is None:
            raise SystemExit(f"there is no {tool}; sudo apt-get install {package}")
