"""Turn the samples of all rounds into one row for each server and workload."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.load import Sample, Workload
from bench.servers import TURNBUCKLE, Server


@dataclass(frozen=True, kw_only=True)
class Row:
    """One server under one workload.

    Args:
        ratio: Turnbuckle's CPU time divided by this server's, or None for Turnbuckle itself and where it did not run.
        at_most: The target for `ratio`, or None where there is none.
        busy: The share of its core that the server used; well below 1, the load could not keep it busy.
    """

    server: Server
    median_micros: float
    least_micros: float
    per_second: float
    busy: float
    errors: int
    ratio: float | None
    at_most: float | None

    @property
    def verdict(self) -> str:
        """Say `pass` or `fail`, or nothing where no target is set."""
        if self.ratio is None or self.at_most is None:
            return ""
        return "pass" if self.ratio <= self.at_most else "fail"


def summarize(workload: Workload, samples: dict[Server, list[Sample]]) -> list[Row]:
    """Return one row for each server, in the order given."""
    ours = samples.get(TURNBUCKLE, [])
    return [_row(server, theirs, ours, workload.at_most.get(server.name)) for server, theirs in samples.items()]


def _row(server: Server, theirs: Sequence[Sample], ours: Sequence[Sample], at_most: float | None) -> Row:
    return Row(
        server=server,
        median_micros=median(each.cpu_micros for each in theirs),
        least_micros=min(each.cpu_micros for each in theirs),
        per_second=median(each.requests / each.seconds for each in theirs),
        busy=median(each.cpu_seconds / each.seconds for each in theirs),
        errors=sum(each.errors for each in theirs),
        ratio=None if server is TURNBUCKLE else paired_ratio(ours, theirs),
        at_most=at_most,
    )


def paired_ratio(ours: Sequence[Sample], theirs: Sequence[Sample]) -> float | None:
    """Return the median, over the rounds, of our CPU time per request divided by theirs in the same round.

    A machine that slows down for a while slows both down, and their ratio stays.
    """
    pairs = list(zip(ours, theirs, strict=False))
    if not pairs:
        return None
    return median(our.cpu_micros / their.cpu_micros for our, their in pairs)
