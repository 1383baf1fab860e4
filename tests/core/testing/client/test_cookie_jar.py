from __future__ import annotations

import pytest

from turnbuckle.testing import CookieJar, FakeClock, StoredCookie
from turnbuckle.testing.client.cookie_jar import parse_set_cookie

SITE = "http://testserver"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def jar(clock: FakeClock) -> CookieJar:
    return CookieJar(clock)


def test_jar_sends_what_it_received(jar: CookieJar) -> None:
    jar.receive(["a=1; Path=/; HttpOnly", 'b="x=y"; SameSite=Lax', "a=2; path=/"], f"{SITE}/")

    assert jar.pairs_for(f"{SITE}/any") == [("a", "2"), ("b", '"x=y"')]
    assert (jar["a"], jar.get("b"), jar.get("c"), jar.get("c", "d"), len(jar)) == ("2", '"x=y"', None, "d", 2)
    assert ("a" in jar, "c" in jar) == (True, False)


@pytest.mark.parametrize("line", ["no pair", "=value", " = v; Path=/", ""])
def test_jar_drops_a_cookie_without_a_name(jar: CookieJar, line: str) -> None:
    jar.receive([line], SITE)

    assert len(jar) == 0


@pytest.mark.parametrize(
    ("cookie_path", "path", "is_sent"),
    [
        pytest.param("/", "/any/where", True, id="root"),
        pytest.param("/docs", "/docs", True, id="same"),
        pytest.param("/docs", "/docs/", True, id="slash"),
        pytest.param("/docs", "/docs/web", True, id="below"),
        pytest.param("/docs/", "/docs/web", True, id="below-slash"),
        pytest.param("/docs", "/docsweb", False, id="only-begins-alike"),
        pytest.param("/docs", "/", False, id="above"),
    ],
)
def test_jar_sends_by_path(jar: CookieJar, cookie_path: str, path: str, is_sent: bool) -> None:
    jar.receive([f"a=1; Path={cookie_path}"], SITE)

    assert jar.pairs_for(SITE + path) == ([("a", "1")] if is_sent else [])


@pytest.mark.parametrize(
    ("url_path", "path"),
    [
        pytest.param("/docs/web/page", "/docs/web", id="folder"),
        pytest.param("/page", "/", id="root"),
        pytest.param("", "/", id="empty"),
    ],
)
@pytest.mark.parametrize("attribute", ["", "; Path", "; Path=relative"])
def test_jar_keeps_a_cookie_without_path_to_the_folder(
    jar: CookieJar, url_path: str, path: str, attribute: str
) -> None:
    jar.receive([f"a=1{attribute}"], f"{SITE}{url_path}?q=/x/")

    assert [cookie.path for cookie in jar] == [path]


def test_jar_sends_the_longest_path_first(jar: CookieJar) -> None:
    jar.set("a", "root")
    jar.set("a", "deep", path="/x/y")
    jar.set("a", "middle", path="/x")

    assert jar.pairs_for(f"{SITE}/x/y/z") == [("a", "deep"), ("a", "middle"), ("a", "root")]
    assert jar["a"] == "root"


def test_jar_sends_secure_cookies_over_https_alone(jar: CookieJar) -> None:
    jar.receive(["a=1; Secure"], "https://testserver/")

    assert jar.pairs_for("http://testserver/") == []
    assert jar.pairs_for("https://testserver/") == [("a", "1")]


@pytest.mark.parametrize(
    ("attributes", "lifetime"),
    [
        pytest.param("Max-Age=10", 10, id="max-age"),
        pytest.param("Expires=Thu, 01 Jan 2026 00:00:20 GMT", 20, id="expires"),
        pytest.param("Expires=Thu, 01 Jan 2026 00:00:20 GMT; Max-Age=5", 5, id="max-age-before-expires"),
    ],
)
async def test_jar_forgets_a_cookie_in_time(clock: FakeClock, jar: CookieJar, attributes: str, lifetime: float) -> None:
    jar.receive([f"a=1; {attributes}"], SITE)
    await clock.advance(lifetime - 0.5)
    before = len(jar)
    await clock.advance(0.5)

    assert (before, len(jar), jar.pairs_for(SITE)) == (1, 0, [])


@pytest.mark.parametrize("attributes", ["", "Expires=nonsense", "Max-Age=1e3", "Max-Age="])
async def test_jar_keeps_a_cookie_that_does_not_expire(clock: FakeClock, jar: CookieJar, attributes: str) -> None:
    jar.receive([f"a=1; {attributes}"], SITE)
    await clock.advance(1e9)

    assert "a" in jar


@pytest.mark.parametrize("attributes", ["Max-Age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
def test_jar_deletes_a_cookie_that_has_expired(jar: CookieJar, attributes: str) -> None:
    jar.set("a", "1")
    jar.receive([f"a=; Path=/; {attributes}"], f"{SITE}/deep/down")

    assert len(jar) == 0


def test_jar_is_filled_and_emptied_by_hand(jar: CookieJar) -> None:
    jar.update({"a": "1", "b": "2"})
    names = [cookie.name for cookie in jar]
    jar.clear()

    assert (names, list(jar)) == (["a", "b"], [])
    with pytest.raises(KeyError, match="a"):
        jar["a"]


def test_set_cookie_keeps_all_attributes() -> None:
    cookie = parse_set_cookie("a = 1 ; SameSite=Strict; Partitioned; secure ;;Path=/x")

    assert cookie == StoredCookie(
        name="a",
        value="1",
        path="/x",
        is_secure=True,
        attributes={"samesite": "Strict", "partitioned": "", "secure": "", "": "", "path": "/x"},
    )
