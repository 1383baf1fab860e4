"""What a process is told by a variable of its environment."""

import pytest

from turnbuckle.server.workers.process_env import SuccessorEnvironment, WorkerEnvironment


@pytest.mark.parametrize(
    "place",
    [
        WorkerEnvironment(channel=3, fds=(4, 5), beat=0.25, counts_requests=True, tells_memory=True),
        SuccessorEnvironment(pipe=3, sets=((4, 5), (6,))),
    ],
)
def test_place_is_read_as_it_was_written(place) -> None:
    assert type(place).read(place.written()) == place
