"""Which methods a path answers."""

import pytest

from turnbuckle.errors import RouteError
from turnbuckle.routing.methods import allowed_methods, check_methods, serves


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        pytest.param([], set(), id="nothing"),
        pytest.param(["GET"], {"GET", "HEAD", "OPTIONS"}, id="get"),
        pytest.param(["POST"], {"POST", "OPTIONS"}, id="post"),
        pytest.param(["HEAD"], {"HEAD", "OPTIONS"}, id="head"),
        pytest.param(["OPTIONS"], {"OPTIONS"}, id="options"),
    ],
)
def test_allowed_methods_table(methods: list[str], expected: set[str]) -> None:
    assert allowed_methods(methods) == expected


@pytest.mark.parametrize(
    ("methods", "method", "expected"),
    [(["GET"], "HEAD", True), (["HEAD"], "GET", False), (["POST"], "HEAD", False), (["PUT"], "PUT", True)],
)
def test_serves_table(methods: list[str], method: str, expected: bool) -> None:
    assert serves(methods, method) is expected


@pytest.mark.parametrize("methods", [["GET"], ["M-SEARCH", "GET"], ["X_1"]])
def test_check_takes_tokens(methods: list[str]) -> None:
    assert check_methods(methods) is None


@pytest.mark.parametrize("methods", [[], ["get"], ["GET", ""], ["A B"], ["GET\n"], ["GET\u00c9"]])
def test_check_refuses(methods: list[str]) -> None:
    with pytest.raises(RouteError, match="method"):
        check_methods(methods)
