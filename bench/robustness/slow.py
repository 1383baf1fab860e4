"""Attack a server with slowhttptest while a good client measures latency: `python -m bench.robustness.slow`.

It needs Linux and slowhttptest (the Debian package of that name); as root on Debian, it installs the package itself.
"""

import argparse
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.launch import allow_files, launched

EXAMPLE: Final = "examples/echo.py"
STREAMS: Final = str(Path(__file__).parent / "apps" / "limits_app.py")

AT_MOST_MS: Final = 100.0
ESTABLISHED: Final = "01"


@dataclass(frozen=True)
class Mode:
    """One kind of slow client.

    Args:
        name: The name in the table.
        app: The app to serve.
        path: The requested path.
        options: Options of slowhttptest.
        seconds: The deadline of such a connection, plus the delay of a sweep and of a graceful close.
    """

    name: str
    app: str
    path: str
    options: tuple[str, ...]
    seconds: float


# The default deadlines: 15 s for the head, 30 s for content, 30 s for the peer to read. A sweep may be one second late,
# an answered connection lingers for two more seconds, and connections are observed once a second.
MODES: Final = (
    Mode("headers", EXAMPLE, "/", ("-H", "-i", "5", "-x", "24"), 15 + 4),
    Mode("body", EXAMPLE, "/", ("-B", "-i", "5", "-s", "8192", "-x", "10"), 30 + 4),
    Mode("read", STREAMS, "/stream/1", ("-X", "-w", "512", "-y", "1024", "-n", "5", "-z", "32"), 30 + 4),
)


@dataclass
class Held:
    """How long the server held the connections of the attack."""

    longest: float = 0.0
    most: int = 0
    began: dict[str, float] = field(default_factory=dict)

    def run(self, port: int, ended: threading.Event) -> None:
        """Observe the connections of a server once a second."""
        while not ended.wait(1.0):
            self._look(time.monotonic(), _established(port))

    def _look(self, now: float, peers: Sequence[str]) -> None:
        self.most = max(self.most, len(peers))
        # A port that was not in use a second ago belongs to a new connection.
        self.began = {peer: self.began.get(peer, now) for peer in peers}
        self.longest = max(self.longest, *(now - began for began in self.began.values()), 0.0)


def main() -> int:
    """Run the modes; return 1 if the good client waited too long, or a slow connection was held too long."""
    parser = argparse.ArgumentParser(prog="bench.robustness.slow", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="length of each attack (60)")
    parser.add_argument("--connections", type=int, default=1000, help="number of connections of each attack (1000)")
    names = [mode.name for mode in MODES]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="some of the modes")
    options = parser.parse_args()
    if not _has_slowhttptest():
        print("bench: no slowhttptest (apt-get install slowhttptest)", file=sys.stderr)
        return 1
    allow_files(options.connections + 200)
    print(
        f"{options.connections} slow connections for {options.seconds} s, with a request of a good client every 50 ms"
    )
    print("mode      requests  failed  median ms   max ms  (machine)  connections  longest held s  at most s")
    modes = [mode for mode in MODES if mode.name in options.only]
    return max(_run(mode, options.connections, options.seconds) for mode in modes)


def _run(mode: Mode, connections: int, seconds: int) -> int:
    held, ended = Held(), threading.Event()
    with launched(mode.app) as server:
        watcher = threading.Thread(target=held.run, args=(server.port, ended))
        watcher.start()
        probe = subprocess.Popen(
            (sys.executable, "-m", "bench.probe", str(server.port)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            _attack(mode, server.port, connections, seconds)
        finally:
            ended.set()
            watcher.join()
            seen = json.loads(probe.communicate()[0])
    # A machine that wakes its processes late delays the client as well.
    is_good = not seen["failed"] and seen["max"] - seen["late"] < AT_MOST_MS and held.longest <= mode.seconds
    print(
        f"{mode.name:8} {seen['requests']:9} {seen['failed']:7} {seen['median']:10.2f} {seen['max']:8.1f}"
        f" {seen['late']:10.1f} {held.most:12} {held.longest:15.1f} {mode.seconds:10.0f}   "
        f"{'pass' if is_good else 'fail'}",
        flush=True,
    )
    return 0 if is_good else 1


def _attack(mode: Mode, port: int, connections: int, seconds: int) -> None:
    general = ("-c", str(connections), "-r", "200", "-l", str(seconds), "-u", f"http://127.0.0.1:{port}{mode.path}")
    began = time.monotonic()
    subprocess.run(("slowhttptest", *mode.options, *general), stdout=subprocess.DEVNULL, check=False)
    # slowhttptest ends when all its connections are closed. The good client goes on until the end of the time.
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))


def _established(port: int) -> Sequence[str]:
    """Return the addresses of clients that are connected to a port of this machine."""
    local = f":{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return [row[2] for row in rows if row[1].endswith(local) and row[3] == ESTABLISHED]


def _has_slowhttptest() -> bool:
    if shutil.which("slowhttptest") is None and shutil.which("apt-get") is not None:
        subprocess.run(("apt-get", "install", "-y", "slowhttptest"), stdout=subprocess.DEVNULL, check=False)
    return shutil.which("slowhttptest") is not None


if __name__ == "__main__":
    sys.exit(main())
