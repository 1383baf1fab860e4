"""The examples in docs/extend/security-for-plugins.md withstand the attacks that they are about."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from turnbuckle import Forbidden
from turnbuckle.testing import Client

PAGE = Path(__file__).parents[2] / "docs/extend/security-for-plugins.md"


def example(marker: str) -> SimpleNamespace:
    """Return the names that the Python block with a marker defines."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (source,) = (block for block in blocks if marker in block)
    namespace: dict[str, object] = {"__name__": "main"}
    exec(compile(source, str(PAGE), "exec"), namespace)
    return SimpleNamespace(**namespace)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "static").mkdir()
    (tmp_path / "static-old").mkdir()
    for name in ("static/ok.txt", "static-old/secret.txt", "secret.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "static/link.txt").symlink_to(tmp_path / "secret.txt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("ok.txt", 200, id="inside"),
        pytest.param("../secret.txt", 404, id="dots"),
        pytest.param("..%2fsecret.txt", 404, id="encoded-slash"),
        pytest.param("%2e%2e/secret.txt", 404, id="encoded-dots"),
        pytest.param("%252e%252e/secret.txt", 404, id="encoded-twice"),
        pytest.param("../static-old/secret.txt", 404, id="folder-of-a-longer-name"),
        pytest.param("link.txt", 404, id="link"),
        pytest.param("%2fetc/passwd", 404, id="absolute"),
        pytest.param("/etc/passwd", 404, id="absolute-in-raw"),
        pytest.param("ok.txt%00", 404, id="nul"),
        pytest.param("", 404, id="folder"),
        pytest.param("a" * 5000, 404, id="long-name"),
    ],
)
async def test_file_of_a_folder_stays_in_it(folder: Path, path: str, status: int) -> None:
    async with Client(example("is_relative_to").app) as client:
        exchange = await client.raw(f"GET /files/{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), until=1)
    assert exchange.response.status == status
    assert b"secret" not in exchange.received


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        pytest.param("/home?a=b", "/home?a=b", id="path"),
        pytest.param("https://evil.example/", "/", id="url"),
        pytest.param("//evil.example/", "/", id="two-slashes"),
        pytest.param("/%5Cevil.example", "/evil.example", id="backslash"),
        pytest.param("%5C%5Cevil.example", "/", id="backslashes"),
        pytest.param("javascript:alert(1)", "/", id="script"),
        pytest.param("evil.example", "/", id="no-slash"),
    ],
)
async def test_redirect_after_login_stays_on_the_site(wanted: str, location: str) -> None:
    async with Client(example("def login").app) as client:
        response = await client.get(f"/login?next={wanted}")
    assert (response.status, response.headers["location"]) == (303, location)


async def test_greeting_is_escaped() -> None:
    async with Client(example("class Greeting").app) as client:
        response = await client.get("/hello/%3Cscript%3E")
    assert response.text == "<h1>Hello, &lt;script&gt;!</h1>"


@pytest.mark.parametrize(
    ("origin", "passes"),
    [
        (None, True),
        ("http://a:80", True),
        ("https://a:80", True),
        ("http://a", False),
        ("null", False),
        ("http://b", False),
    ],
)
def test_origin_is_compared_with_the_host(origin: str | None, passes: bool) -> None:
    headers = {} if origin is None else {"origin": origin}
    check: Callable[[object], None] = example("check_origin").check_origin
    request = SimpleNamespace(headers=headers, host="a:80")
    if passes:
        check(request)
    else:
        with pytest.raises(Forbidden):
            check(request)
