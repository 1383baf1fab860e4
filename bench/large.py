"""Measure the CPU time per MiB of large content: `python -m bench.large` (part of `make bench`)."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.comparison import Case, compare, compared_servers, options_parser
from bench.servers import APPS, Server
from bench.transfer import MIB, receive, send

AT_MOST: Final = 0.7
SERVERS: Final = (
    *compared_servers("large"),
    Server("floor", "floor (bare uvloop Protocol)", (str(APPS / "large_floor.py"), "PORT")),
    Server("nginx", "nginx (the limit for files)", (str(APPS / "nginx.py"), "PORT")),
)


def _receive(target: str, count: int, size: int) -> Callable[[int], float]:
    return lambda port: receive(port, target, count, size) / MIB


CASES: Final = (
    Case("file", "1 MiB file", _receive("/mib", 100, MIB), ("floor",)),
    Case("large-file", "1 GiB file", _receive("/gib", 1, 1024 * MIB), ("floor",)),
    Case("upload", "100 MiB upload", lambda port: send(port, "/upload", 100 * MIB) / MIB, ("nginx",)),
    Case("stream", "10 MiB in pieces", _receive("/stream/160", 10, 10 * MIB), ("nginx",)),
)


def main() -> int:
    """Print a table; the columns are the cases."""
    parser = options_parser("large", __doc__, CASES)
    names = [server.name for server in SERVERS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="only these servers")
    options = parser.parse_args()
    print("\nlarge content: server CPU, µs per MiB")
    chosen = [server for server in SERVERS if server.name in options.only]
    cases = [case for case in CASES if case.name in options.case]
    with files() as folder:
        lines = compare(chosen, cases, options.rounds, variables={"BENCH_FILES": str(folder)}, at_most=AT_MOST)
    print("\n".join(lines))
    return 0


@contextmanager
def files() -> Iterator[Path]:
    """Make the files to serve, in a folder that is removed after the block."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir="/var/tmp"))
    try:
        (folder / "mib").write_bytes(os.urandom(MIB))
        with open(folder / "gib", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 1024 * MIB)
        (folder / "ready").write_bytes(b"yes")
        yield folder
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
