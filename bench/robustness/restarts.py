"""Count the requests that restarts lose: `python -m bench.robustness.restarts`. A figure other than 0 is a failure."""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.core.server.workers.load_generator import LoadGenerator, Tally, problems
from tests.core.server.workers.service_process import Service, service


def main() -> int:
    """Print the figures of rolling restarts and of a stop under load; return 1 if requests were lost."""
    parser = argparse.ArgumentParser(prog="bench.robustness.restarts", description=__doc__)
    parser.add_argument("--restarts", type=int, default=20, help="how many times all workers are replaced")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sockets", choices=("shared", "per_worker"), default="shared")
    parser.add_argument("--keep-alive", type=int, default=24, help="clients that keep their connection")
    parser.add_argument("--fresh", type=int, default=8, help="clients that open a connection for each request")
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between two requests of a client, at most")
    return asyncio.run(_measure(parser.parse_args()))


async def _measure(options: argparse.Namespace) -> int:
    settings = ("--workers", str(options.workers), "--set", f"workers.sockets={options.sockets}")
    with tempfile.TemporaryDirectory() as folder, service(Path(folder), *settings, timeout=3600) as running:
        port = await asyncio.to_thread(running.port)
        load = LoadGenerator("127.0.0.1", port, keep_alive=options.keep_alive, fresh=options.fresh, pause=options.pause)
        began = time.monotonic()
        async with load.running() as tally:
            await _restart(running, options.restarts)
        _print_figures(
            f"{options.restarts} rolling restarts of {options.workers} workers", tally, time.monotonic() - began
        )
        load = LoadGenerator("127.0.0.1", port, keep_alive=options.keep_alive, fresh=options.fresh, pause=options.pause)
        began = time.monotonic()
        async with load.running() as stopped:
            await asyncio.sleep(1)
            running.signal(signal.SIGTERM)
            await load.finished()
        _print_figures("SIGTERM", stopped, time.monotonic() - began)
        status = await asyncio.to_thread(running.ended)
        print(f"exit status {status}")
    found = [*problems(tally), *problems(stopped)]
    for problem in found:
        print(f"bench: {problem}", file=sys.stderr)
    return 1 if found or status or tally.refused else 0


async def _restart(running: Service, restarts: int) -> None:
    for number in range(restarts):
        running.signal(signal.SIGHUP)
        await asyncio.to_thread(running.wait_for, "reloaded", count=number + 1)


def _print_figures(what: str, tally: Tally, seconds: float) -> None:
    print(
        f"{what}: {tally.sent} requests in {seconds:.1f} s on {tally.connections} connections, "
        f"{tally.answered} answered, {len(tally.lost)} lost, {tally.refused} connections refused",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
