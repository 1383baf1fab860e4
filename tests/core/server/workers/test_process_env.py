"""What a process is told by a variable of its environment."""

import pytest

from turnbuckle.server.workers.process_env import HeirPlace, WorkerPlace


@pytest.mark.parametrize(
    "place",
    [
        WorkerPlace(channel=3, fds=(4, 5), beat=0.25, counts_requests=True, tells_memory=True),
        HeirPlace(pipe=3, sets=((4, 5), (6,))),
    ],
)
def test_place_is_read_as_it_was_written(place) -> None:
    assert type(place).read(place.written()) == place
