from __future__ import annotations

import pytest

from turnbuckle import App, StartupError
from turnbuckle.testing import expect_problems


def broken_app() -> App:
    return App(plugins=["nothing_of_the_kind"], settings={"no_such_setting": 1})


def codes() -> list[str]:
    with pytest.raises(StartupError) as caught:
        broken_app().resolve()
    return [problem.diagnostic.code for problem in caught.value.problems]


def test_expected_problems_are_handed_over() -> None:
    assert len(codes()) == 2
    with expect_problems(*reversed(codes())) as problems:
        broken_app().resolve()
    assert "nothing_of_the_kind" in "".join(map(str, problems))


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        pytest.param(["TB101"], r"where TB101 was expected:\n\s*TB", id="more"),
        pytest.param(["TB999", "TB101"], "where TB101, TB999 was expected", id="other"),
    ],
)
def test_other_problems_fail(expected: list[str], message: str) -> None:
    with pytest.raises(AssertionError, match=message), expect_problems(*expected):
        broken_app().resolve()


def test_no_problem_fails() -> None:
    with pytest.raises(AssertionError, match="no problem, where TB101 was expected"), expect_problems("TB101"):
        App().resolve()


def test_other_exceptions_pass() -> None:
    with pytest.raises(ZeroDivisionError), expect_problems("TB101"):
        _ = 1 / 0


def test_a_code_is_needed() -> None:
    with pytest.raises(ValueError, match="at least one code"), expect_problems():
        App().resolve()
