"""Requests under load while workers are replaced: none of them is lost."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.core.server.polling import wait_until

from .load_generator import LoadGenerator, problems
from .service_process import service


@pytest.mark.parametrize(("sockets", "restarts"), [("shared", 3), ("per_worker", 1)])
async def test_rolling_restarts_under_load_lose_no_request(tmp_path: Path, sockets: str, restarts: int) -> None:
    args = ("--workers", "2", "--set", f"workers.sockets={sockets}")
    with service(tmp_path, *args, is_measured=False) as running:
        load = LoadGenerator("127.0.0.1", await asyncio.to_thread(running.port), pause=0.1)
        async with load.running() as tally:
            for number in range(restarts):
                running.signal(signal.SIGHUP)
                await asyncio.to_thread(running.wait_for, "reloaded", count=number + 1)
        assert list(problems(tally)) == []
        assert tally.refused == 0
        assert len(set(running.workers())) == 2 + 2 * restarts
        # Connections were kept across requests, and each worker that stopped ended some.
        assert tally.sent > tally.connections > 6


@pytest.mark.parametrize("limit", [pytest.param("0", id="one process"), pytest.param("1000000", id="supervised")])
async def test_stop_under_load_loses_no_request(tmp_path: Path, limit: str) -> None:
    with service(tmp_path, "--set", f"workers.max_requests={limit}", is_measured=False) as running:
        load = LoadGenerator("127.0.0.1", await asyncio.to_thread(running.port), pause=0.1)
        async with load.running() as tally:
            await wait_until(lambda: tally.answered > 10)
            running.signal(signal.SIGTERM)
            await load.finished()
        assert list(problems(tally)) == []
        assert await asyncio.to_thread(running.ended) == 0


async def test_another_supervisor_takes_over_under_load(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with service(tmp_path, "--set", "workers.max_requests=1000000", "--ready-file", str(ready)) as running:
        load = LoadGenerator("127.0.0.1", await asyncio.to_thread(running.port), pause=0.1)
        async with load.running() as tally:
            running.signal(signal.SIGUSR2)
            await asyncio.to_thread(running.wait_for, "is ready and takes over")
            assert await asyncio.to_thread(running.process.wait) == 0
        assert list(problems(tally)) == []
        assert tally.refused == 0
        pid = int(ready.read_text().split()[0])
        assert pid != running.process.pid
        assert running.get() == "one"
