"""The number of workers, and invalid numbers."""

import os

import pytest

from turnbuckle.server.workers.settings import Workers


def test_count_0_is_one_worker_for_each_processor() -> None:
    assert Workers(count=0).processes == len(os.sched_getaffinity(0))
    assert Workers().processes == 1


def test_count_0_is_the_processors_of_the_machine_without_an_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert Workers(count=0).processes == os.cpu_count()


def test_lone_worker_has_a_supervisor_if_it_is_to_be_replaced() -> None:
    assert not Workers().are_supervised
    assert Workers(count=2).are_supervised
    assert Workers(max_age=3600.0).are_supervised


@pytest.mark.parametrize(
    ("name", "value"),
    [("count", -1), ("count", 5000), ("heartbeat", -1.0), ("max_requests", True), ("jitter", 1.5), ("jitter", -0.1)],
)
def test_values_that_make_no_sense_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} must be .*, not {value!r}"):
        Workers(**{name: value})
