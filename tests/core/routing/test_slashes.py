"""The slash at the end of a path, as a policy."""

import pytest

from turnbuckle.errors import NotFound, RouteError
from turnbuckle.routing.slashes import SlashRedirect, check_policy, other_form


@pytest.mark.parametrize(("path", "expected"), [("/", "/"), ("/a", "/a/"), ("/a/", "/a"), ("//", "/"), ("/a//", "/a/")])
def test_other_form_table(path: str, expected: str) -> None:
    assert other_form(path) == expected


def test_redirect_is_not_found_for_who_does_not_look() -> None:
    redirect = SlashRedirect("//evil.example/x/")
    assert isinstance(redirect, NotFound)
    assert redirect.status == 404
    assert redirect.path == "/evil.example/x/"


def test_policy_is_checked() -> None:
    assert check_policy("ignore") is None
    with pytest.raises(RouteError, match="trailing_slash must be one of strict, redirect, ignore, not 'lax'"):
        check_policy("lax")
