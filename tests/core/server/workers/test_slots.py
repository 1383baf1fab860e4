"""Pauses between attempts to start a worker."""

from turnbuckle.server.workers.slots import Backoff


def test_pauses_double_up_to_the_maximum() -> None:
    backoff = Backoff(0.5, 3.0, 60.0)
    assert [backoff.pause() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_pauses_start_again_after_a_long_success() -> None:
    backoff = Backoff(0.5, 30.0, 60.0)
    assert [backoff.pause(), backoff.pause(59.9), backoff.pause(60.0), backoff.pause()] == [0.5, 1.0, 0.5, 1.0]


def test_pauses_start_again_after_a_reset() -> None:
    backoff = Backoff(0.5, 30.0, 0.0)
    assert [backoff.pause(), backoff.pause(1000.0)] == [0.5, 1.0]
    backoff.reset()
    assert backoff.pause() == 0.5
