"""Expect that an app does not start, for the reasons that a test names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from turnbuckle.errors import Problem, StartupError

__all__ = ["expect_problems"]


@contextmanager
def expect_problems(*codes: str) -> Iterator[list[Problem]]:
    """Expect a ``StartupError`` with problems of exactly these codes, in any order.

    ::

        with expect_problems("TB401") as problems:
            App(plugins=["one_parser", "another_parser"]).resolve()
        assert "one_parser" in str(problems[0])

    Args:
        codes: one code for each expected problem.

    Yields:
        A list that contains the problems after the end of the block.

    Raises:
        AssertionError: there were no problems, or other ones.
    """
    if not codes:
        raise ValueError("name at least one code, such as 'TB401'")
    found: list[Problem] = []
    try:
        yield found
    except StartupError as error:
        found.extend(error.problems)
    assert found, f"no problem, where {', '.join(codes)} was expected"
    actual = sorted(problem.diagnostic.code for problem in found)
    texts = "\n".join(map(str, found))
    assert actual == sorted(codes), f"{', '.join(actual)}, where {', '.join(sorted(codes))} was expected:\n{texts}"
