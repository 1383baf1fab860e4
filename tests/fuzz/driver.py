"""Run a check on generated inputs for some minutes, and report the findings.

If ``atheris`` is installed (extra ``fuzz``), libFuzzer chooses the inputs by code coverage; otherwise they are damaged
copies of the seeds. Half of the inputs of libFuzzer are damaged in the same way.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import attrs

from tests.fuzz.instrumented import HAS_ATHERIS
from tests.wire.test_cases import CASES
from turnbuckle.testing.parsing.invalid import INVALID
from turnbuckle.testing.parsing.valid import VALID
from turnbuckle.testing.parsing.variants import mutated

__all__ = ["Check", "Disagreement", "Run", "fuzz", "seeds"]

MAX_LENGTH = 2000
# Seconds: processor time after which a check is slow, and wall-clock time after which it hangs.
SLOW = 2.0
HANGS = 120.0

Check: TypeAlias = Callable[[bytes], Sequence[str]]
"""Takes an input, returns the names of permitted differences, and raises ``Disagreement`` for any other."""


class Disagreement(Exception):
    """Two readers read an input differently, and no rule permits the difference."""


@attrs.define
class Run:
    """The findings so far."""

    check: Check
    folder: Path
    seconds: float
    begun: float = attrs.field(factory=time.monotonic)
    executions: int = 0
    findings: Counter[str] = attrs.field(factory=Counter)
    permitted: Counter[str] = attrs.field(factory=Counter)

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() - self.begun >= self.seconds

    def take(self, data: bytes) -> None:
        """Check an input, and store it if there is a finding."""
        if self.executions % 10 == 0:
            faulthandler.dump_traceback_later(HANGS, exit=True)
        self.executions += 1
        start = time.process_time()
        try:
            self.permitted.update(self.check(data))
        except Disagreement as error:
            self.keep("disagreement", data, str(error))
        except Exception:
            self.keep("crash", data, traceback.format_exc())
        if time.process_time() - start > SLOW:
            self.keep("slow", data, f"{time.process_time() - start:.1f} s")

    def keep(self, kind: str, data: bytes, text: str) -> None:
        """Store a finding; only the first hundred of each kind are stored."""
        self.findings[kind] += 1
        if self.findings[kind] <= 100:
            name = self.folder / f"{kind}-{self.findings[kind]:03}"
            name.with_suffix(".bin").write_bytes(data)
            name.with_suffix(".txt").write_text(f"{data!r}\n\n{text}\n")
            print(f"{kind}: {data!r}\n{text}", flush=True)

    def report(self) -> str:
        """Return a summary of the run."""
        minutes = (time.monotonic() - self.begun) / 60
        lines = [f"{self.executions} executions in {minutes:.1f} minutes"]
        lines += [f"{kind}: {self.findings[kind]}" for kind in ("crash", "slow", "disagreement")]
        lines += [f"permitted, {name}: {count}" for name, count in sorted(self.permitted.items())]
        return "\n".join(lines)


def seeds() -> list[bytes]:
    """Return the inputs of all test cases, without the long ones."""
    known = [*(case.data for case in CASES.values()), *(case.data for case in (*VALID, *INVALID))]
    return sorted({data for data in known if 0 < len(data) <= MAX_LENGTH})


def fuzz(make_check: Callable[[], Check], arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit status, unless libFuzzer ends the process itself."""
    options = _options(arguments)
    folder = options.out or Path(tempfile.mkdtemp(prefix="turnbuckle-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(make_check(), folder, options.minutes * 60)
    print(f"findings go to {folder}", flush=True)
    if options.blind or not HAS_ATHERIS:
        print("inputs are damaged blindly, without atheris", flush=True)
        _fuzz_blindly(run, options.seed)
        return _end(run)
    _fuzz_guided(run, options.seed)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a folder for the findings")
    parser.add_argument("--blind", action="store_true", help="do without atheris")
    return parser.parse_args(arguments)


def _end(run: Run) -> int:
    print(run.report(), flush=True)
    return 1 if run.findings else 0


def _fuzz_blindly(run: Run, seed: int) -> None:
    chance = random.Random(seed)
    known = seeds()
    for data in known:
        run.take(data)
    while not run.is_over:
        run.take(_damaged(chance.choice(known), chance))


def _damaged(data: bytes, chance: random.Random) -> bytes:
    data = mutated(data, chance.getrandbits(32))
    return data + chance.choice(_BEHIND) if chance.random() < 0.3 else data


_BEHIND = [b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n", b"\r\n", b"0\r\n\r\n", b"X"]


def _fuzz_guided(run: Run, seed: int) -> None:
    import atheris

    for data in seeds():
        run.take(data)

    def take(data: bytes) -> None:
        run.take(data)
        if run.executions % 20_000 == 0:
            print(run.report(), flush=True)
        if run.is_over:
            # libFuzzer would end the process without a report.
            status = _end(run)
            sys.stdout.flush()
            os._exit(status)

    def mutate(data: bytes, most: int, number: int) -> bytes:
        chance = random.Random(number)
        changed = _damaged(data, chance) if chance.random() < 0.5 else atheris.Mutate(data, most)
        return bytes(changed[:most])

    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds()):
            (Path(corpus) / str(number)).write_bytes(data)
        flags = [f"-max_len={MAX_LENGTH}", f"-seed={seed}", "-rss_limit_mb=4096", "-timeout=60", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *flags, corpus], take, custom_mutator=mutate, internal_libfuzzer=True)
        atheris.Fuzz()
