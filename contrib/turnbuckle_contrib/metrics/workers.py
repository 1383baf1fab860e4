"""Share the metrics of the workers of one service, through files in a folder.

Theory of operation: a worker writes its metrics to its own file every few seconds, and when it stops. While it lives,
it holds a lock on a second file; the system releases the lock however the worker ends. The worker that answers a scrape
reads the files of the others. When a worker starts, it adds the files of ended workers to one file, so that their
number stays small and counters never fall. The lock of the folder is held meanwhile.

The mode for several processes of prometheus_client needs a variable of the environment before its first import, and
stores each value in a file at each change; this needs neither.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, final

from turnbuckle_contrib.metrics.families import Family, Sample, as_data, from_data, merge
from turnbuckle_contrib.worker_folder import open_worker_folder

__all__ = ["SharedMetrics"]

_ENDED: Final = "ended.json"


@final
class SharedMetrics:
    """The files of one service.

    Args:
        folder: the folder, which all workers of the service share, and no other service.
        number: identifies this process.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self._folder: Final = folder
        self._name: Final = str(number)
        self._alive: IO[bytes] | None = None

    def open(self) -> None:
        """Create the folder, and join the other workers.

        Raises:
            PermissionError: the folder belongs to another user, or others may write to it.
        """
        open_worker_folder(self._folder)
        with self._locked(fcntl.LOCK_EX):
            self._collect_ended()
            self._alive = (self._folder / f"{self._name}.alive").open("wb")
            fcntl.flock(self._alive, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, families: Sequence[Family]) -> None:
        """Store the metrics of this process."""
        temporary = self._folder / f"{self._name}.new"
        temporary.write_text(json.dumps(as_data(families)), encoding="utf-8")
        temporary.replace(self._folder / f"{self._name}.json")

    def merged(self, own: Sequence[Family]) -> list[Family]:
        """Return the metrics of all workers, with the present ones of this process."""
        living: list[Sequence[Family]] = [own]
        ended: list[Sequence[Family]] = []
        with self._locked(fcntl.LOCK_SH):
            for path in sorted(self._folder.glob("*.json")):
                if path.stem != self._name:
                    (living if self._lives(path.stem) else ended).append(_read(path))
        workers = Sample("turnbuckle_workers", {}, len(living))
        return [*merge(living, ended), Family(workers.name, "gauge", "Worker processes that serve.", [workers])]

    def close(self) -> None:
        """Leave the other workers; the last one removes the folder."""
        if self._alive is None:
            return
        with self._locked(fcntl.LOCK_EX):
            self._alive.close()
            self._alive = None
            if not any(self._lives(path.stem) for path in self._folder.glob("*.alive")):
                for path in self._folder.iterdir():
                    path.unlink(missing_ok=True)
                with suppress(OSError):
                    self._folder.rmdir()

    def _collect_ended(self) -> None:
        """Add the files of ended workers to one file; without a living worker, remove them: it is a new service."""
        numbers = [path.stem for path in self._folder.glob("*.alive")]
        ended = [number for number in numbers if not self._lives(number)]
        paths = [self._folder / f"{number}.json" for number in ended]
        total = self._folder / _ENDED
        if len(ended) < len(numbers):
            summed = merge([_read(path) for path in (total, *paths)])
            counters = [family for family in summed if family.type != "gauge"]
            total.write_text(json.dumps(as_data(counters)), encoding="utf-8")
        else:
            total.unlink(missing_ok=True)
        for path in (*paths, *(self._folder / f"{number}.alive" for number in ended)):
            path.unlink(missing_ok=True)

    def _lives(self, number: str) -> bool:
        try:
            with (self._folder / f"{number}.alive").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        with (self._folder / "lock").open("a") as file:
            fcntl.flock(file, kind)
            yield


def _read(path: Path) -> list[Family]:
    try:
        return from_data(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        # It was removed meanwhile, or the disk was full.
        return []
