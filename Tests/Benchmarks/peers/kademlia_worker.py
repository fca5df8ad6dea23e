"""A node of python-kademlia; takes the same orders as the workers in C++ (worker.hpp)."""

import argparse
import asyncio
import ctypes
import json
import logging
import os
import signal
import socket
import sys
import time

from kademlia.network import Server

PR_SET_PDEATHSIG = 1
#: With the system's own it loses datagrams at 64 operations in flight, and forgets live nodes.
RECEIVE_BUFFER_BYTES = 4 << 20


def value_of(key, size):
    return (f"{key}:" * (size // (len(key) + 1) + 1))[:size]


async def carry_out(server, verb, prefix, count, in_flight, size, timeout):
    operations = [None] * count
    reason = ""
    timed_out = 0
    numbers = iter(range(count))

    async def take_turns():
        nonlocal reason, timed_out
        for index in numbers:
            key = f"{prefix}-{index}"
            value = value_of(key, size)
            begin = time.perf_counter()
            is_done = False
            try:
                if verb == "put":
                    is_done = bool(await asyncio.wait_for(server.set(key, value), timeout))
                else:
                    is_done = await asyncio.wait_for(server.get(key), timeout) == value
                what = "" if is_done else "no node stored it" if verb == "put" else "not_found"
            except asyncio.TimeoutError:
                timed_out += 1
                what = "timeout"
            except Exception as error:  # whatever the library throws is a failed operation
                what = type(error).__name__
            reason = reason or what
            operations[index] = [round((time.perf_counter() - begin) * 1000, 4), int(is_done), -1]

    begin = time.perf_counter()
    await asyncio.gather(*(take_turns() for _ in range(min(in_flight, count))))
    return {"wall_ms": (time.perf_counter() - begin) * 1000, "timed_out": timed_out, "reason": reason,
            "operations": operations}


def answer(value):
    print(json.dumps(value), flush=True)


async def main():
    parser = argparse.ArgumentParser()
    for name in ("--port", "--bootstrap", "--life"):
        parser.add_argument(name, type=int, required=True)
    options = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.alarm(options.life)
    logging.disable(logging.CRITICAL)

    lines = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    server = Server()
    await server.listen(options.port, interface="127.0.0.1")
    server.transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    if options.bootstrap:
        await server.bootstrap([("127.0.0.1", options.bootstrap)])
    # One thread is both the node and the client.
    answer({"node": os.getpid(), "client_threads": []})
    while words := (await lines.readline()).decode().split():
        match words:
            case ["quit"]: break
            case ["contacts"]:
                answer({"contacts": sum(len(bucket.nodes) for bucket in server.protocol.router.buckets)})
            case ["put" | "get" as verb, prefix, count, in_flight, size, timeout]:
                answer(await carry_out(
                    server, verb, prefix, int(count), int(in_flight), int(size), int(timeout) / 1000))


asyncio.run(main())
