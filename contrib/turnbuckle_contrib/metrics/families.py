"""Represent metrics as plain data, which can be stored in files, merged, and printed by prometheus_client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from prometheus_client import Metric

__all__ = ["Family", "Printed", "Sample", "as_data", "families_of", "from_data", "merge"]


@attrs.frozen
class Sample:
    """One value.

    Attributes:
        name: name of the series, such as ``requests_total``.
        labels: its labels.
        value: the value.
    """

    name: str
    labels: Mapping[str, str]
    value: float


@attrs.frozen
class Family:
    """A metric with all its series.

    Attributes:
        name: its name; without ``_total`` for a counter.
        type: such as "counter" or "histogram".
        text: its description.
        samples: the values.
    """

    name: str
    type: str
    text: str
    samples: Sequence[Sample]


_SUMMED: Final = frozenset({"counter", "histogram", "summary"})


@attrs.frozen
class Printed:
    """Families in the form that the encoders of prometheus_client take."""

    families: Sequence[Family]

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        from prometheus_client import Metric

        for family in self.families:
            metric = Metric(family.name, family.text, family.type)
            for sample in family.samples:
                metric.add_sample(sample.name, dict(sample.labels), sample.value)
            yield metric


def families_of(metrics: Iterable[Metric]) -> Iterator[Family]:
    """Yield the families of a registry of prometheus_client; exemplars and times are left out."""
    for metric in metrics:
        samples = [Sample(sample.name, sample.labels, sample.value) for sample in metric.samples]
        yield Family(metric.name, metric.type, metric.documentation, samples)


def merge(living: Iterable[Sequence[Family]], ended: Iterable[Sequence[Family]] = ()) -> list[Family]:
    """Return the families of several processes as one.

    Counters and histograms are summed, also of processes that have ended, so that they never fall. Gauges are summed
    over the living ones; ``..._info`` and other types have the highest value, and times of a start the lowest one.
    """
    first: dict[str, Family] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    processes = [*((True, families) for families in living), *((False, families) for families in ended)]
    for is_living, families in processes:
        for family in families:
            known = first.setdefault(family.name, family)
            if known.type != family.type or not (is_living or family.type in _SUMMED):
                continue
            merged = values.setdefault(family.name, {})
            for sample in family.samples:
                key = (sample.name, tuple(sample.labels.items()))
                merged[key] = _merged(family, sample, merged.get(key))
    return [
        attrs.evolve(
            family,
            samples=[Sample(name, dict(labels), n) for (name, labels), n in values.get(family.name, {}).items()],
        )
        for family in first.values()
    ]


def _merged(family: Family, sample: Sample, before: float | None) -> float:
    if before is None:
        return sample.value
    if sample.name.endswith(("_created", "_start_time_seconds")):
        return min(before, sample.value)
    if family.type in _SUMMED or (family.type == "gauge" and not sample.name.endswith("_info")):
        return before + sample.value
    return max(before, sample.value)


def as_data(families: Iterable[Family]) -> list[Any]:
    """Return families as lists for JSON."""
    return [
        [family.name, family.type, family.text, [[one.name, dict(one.labels), one.value] for one in family.samples]]
        for family in families
    ]


def from_data(data: Iterable[Any]) -> list[Family]:
    """Return families from the lists of ``as_data``."""
    return [Family(name, kind, text, [Sample(*sample) for sample in samples]) for name, kind, text, samples in data]
