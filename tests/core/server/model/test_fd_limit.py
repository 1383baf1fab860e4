"""A server may have as many files open as its process is allowed."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from turnbuckle.server.model.fd_limit import most_open_files, raise_file_limit


@pytest.fixture
def lowered() -> Iterator[int]:
    """Lower the limit of open files for a test; return what it may be raised to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_limit_of_open_files_is_known(lowered: int) -> None:
    assert most_open_files() == 512


def test_limit_of_open_files_is_raised_as_far_as_may_be(lowered: int) -> None:
    raise_file_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (lowered, lowered)
    raise_file_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (lowered, lowered)
