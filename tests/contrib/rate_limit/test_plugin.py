"""Limited requests: by which key, with which fields, and on which routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest

from tests.contrib.auth.conftest import cheap_hashes  # noqa: F401  # a fixture
from turnbuckle import App, HTTPError, Plugin, Request, Response, StartupError, Unauthorized
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.auth import AuthPlugin, Credentials, User, UserSource, hash_password
from turnbuckle_contrib.rate_limit import RateLimitPlugin, Rule

_PROBLEM = "https://iana.org/assignments/http-problem-types#quota-exceeded"


class TestRateLimitPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return RateLimitPlugin()


class TestRateLimitMiddleware(MiddlewareConformance):
    plugin = RateLimitPlugin
    config: ClassVar[dict[str, object]] = {"rules": ["100000/minute"]}


class _Limited:
    """An app with limits, and its clock."""

    def __init__(self, *rules: str | Rule, plugins: tuple[object, ...] = (), **config: object) -> None:
        self.now = 0.0
        plugin = RateLimitPlugin(rules or None, clock=lambda: self.now)
        self.app = App(plugins=[*plugins, (plugin, config)])  # type: ignore[list-item]  # App checks its arguments
        self.calls: list[str] = []
        self._compiled: Any = None

        async def handle(request: Request) -> str:
            self.calls.append(request.path)
            return "x"

        self.app.get("/")(handle)
        self.app.get("/other")(handle)
        self.app.get("/free", options={"rate_limit": False})(handle)
        self.app.post("/login", options={"rate_limit": "2/minute"})(handle)
        self.app.get("/both", options={"rate_limit": ["2/second", "3/minute"]})(handle)
        self.app.get("/items/{number}", options={"rate_limit": "2/minute"})(handle)

    def client(self, **options: Any) -> Client:
        """Return a client of the app, which is compiled once, so that its counters stay."""
        if self._compiled is None:
            self._compiled = self.app.compile()
        return Client(self._compiled, **options)


async def _statuses(limited: _Limited, path: str, times: int, method: str = "GET", **fields: str) -> list[int]:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    async with limited.client() as client:
        return [(await client.request(method, path, headers=headers)).status for _ in range(times)]


async def _get(limited: _Limited, path: str = "/") -> ClientResponse:
    async with limited.client() as client:
        return await client.get(path)


async def test_responses_have_the_fields_of_the_draft() -> None:
    limited = _Limited("2/minute", "10/hour")
    policy = '"2/60s by address";q=2;w=60, "10/3600s by address";q=10;w=3600'
    async with limited.client() as client:
        first = await client.get("/")
        assert first.headers["ratelimit-policy"] == policy
        assert first.headers["ratelimit"] == '"2/60s by address";r=1;t=60, "10/3600s by address";r=9;t=3600'
        limited.now = 15.5
        await client.get("/")
        refused = await client.get("/")
    assert (refused.status, refused.headers["content-type"]) == (429, "application/problem+json")
    assert refused.headers["retry-after"] == "45"
    assert refused.headers["ratelimit-policy"] == policy
    assert refused.headers["ratelimit"] == '"2/60s by address";r=0;t=45, "10/3600s by address";r=8;t=3585'
    assert refused.json() == {
        "type": _PROBLEM,
        "title": "Request cannot be satisfied as assigned quota has been exceeded",
        "status": 429,
        "detail": "too many requests; try again in 45 s",
        "violated-policies": ["2/60s by address"],
    }
    assert limited.calls == ["/", "/"]


async def test_fields_may_be_left_out() -> None:
    limited = _Limited("1/minute", fields=False)
    responses = [await _get(limited), await _get(limited)]
    assert [response.status for response in responses] == [200, 429]
    for response in responses:
        assert not {"ratelimit", "ratelimit-policy"} & set(response.headers)
    assert "retry-after" in responses[1].headers


async def test_rules_of_the_settings() -> None:
    assert await _statuses(_Limited(rules=["2/minute"]), "/", 3) == [200, 200, 429]


async def test_requests_without_a_route_count() -> None:
    limited = _Limited("2/minute")
    assert await _statuses(limited, "/nowhere", 3) == [404, 404, 429]
    assert await _statuses(limited, "/", 1, "DELETE") == [429]


async def test_time_gives_requests_back() -> None:
    limited = _Limited("1/minute")
    assert await _statuses(limited, "/", 2) == [200, 429]
    limited.now = 121
    assert await _statuses(limited, "/", 2) == [200, 429]


# -- routes ------------------------------------------------------------------------------------------------------------


async def test_option_replaces_the_rules_for_its_route() -> None:
    limited = _Limited("1/minute")
    assert await _statuses(limited, "/free", 5) == [200] * 5
    assert await _statuses(limited, "/login", 3, "POST") == [200, 200, 429]
    assert await _statuses(limited, "/", 2) == [200, 429]
    assert "ratelimit" not in (await _get(limited, "/free")).headers


async def test_option_may_have_several_rules() -> None:
    limited = _Limited()
    assert await _statuses(limited, "/both", 3) == [200, 200, 429]
    limited.now = 2.5
    assert await _statuses(limited, "/both", 2) == [200, 429]


async def test_route_counts_all_its_paths_together() -> None:
    limited = _Limited()
    async with limited.client() as client:
        statuses = [(await client.get(f"/items/{number}")).status for number in range(3)]
    assert statuses == [200, 200, 429]


async def test_option_of_a_scope_holds_for_each_of_its_routes() -> None:
    app = App(plugins=["rate_limit"])
    api = app.scope("/api", options={"rate_limit": "1/minute"})

    async def handle(request: Request) -> str:
        return "x"

    api.get("/a")(handle)
    api.get("/b")(handle)
    async with Client(app) as client:
        assert [(await client.get(path)).status for path in ("/api/a", "/api/a", "/api/b")] == [200, 429, 200]


@pytest.mark.parametrize("value", ["5", 5, True, "5/minute by nobody", ["5/minute", "x"]])
def test_option_is_checked(value: object) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=["rate_limit"], options={"rate_limit": value}).resolve()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB439"]


# -- clients -----------------------------------------------------------------------------------------------------------


async def _from(limited: _Limited, *addresses: str | None) -> list[int]:
    statuses = []
    for address in addresses:
        async with limited.client(client=None if address is None else (address, 1234)) as client:
            statuses.append((await client.get("/")).status)
    return statuses


async def test_clients_count_by_their_address() -> None:
    limited = _Limited("1/minute")
    assert await _from(limited, "192.0.2.1", "192.0.2.2", "192.0.2.1") == [200, 200, 429]


async def test_network_of_ipv6_counts_as_one_client() -> None:
    limited = _Limited("1/minute")
    addresses = ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1", "::ffff:192.0.2.1", "192.0.2.1")
    assert await _from(limited, *addresses) == [200, 429, 200, 200, 429]


async def test_address_of_a_trusted_proxy_is_replaced() -> None:
    limited = _Limited("1/minute", plugins=(("proxy_headers", {"trusted": ["127.0.0.1"]}),))
    assert await _statuses(limited, "/", 2, x_forwarded_for="203.0.113.1") == [200, 429]
    assert await _statuses(limited, "/", 1, x_forwarded_for="203.0.113.2") == [200]


async def test_forwarding_field_of_a_client_does_not_help() -> None:
    limited = _Limited("1/minute")
    assert await _statuses(limited, "/", 1, x_forwarded_for="203.0.113.1") == [200]
    assert await _statuses(limited, "/", 1, x_forwarded_for="203.0.113.2") == [429]


async def test_exempt_clients_are_not_limited() -> None:
    limited = _Limited("1/minute", exempt=["192.0.2.0/24"])
    assert await _from(limited, *["192.0.2.7"] * 3, *["198.51.100.1"] * 2) == [200, 200, 200, 200, 429]


async def test_header_field_counts_and_its_absence_counts_for_the_address() -> None:
    limited = _Limited("1/minute by header X-API-Key")
    assert await _statuses(limited, "/", 2, x_api_key="a" * 5000) == [200, 429]
    assert await _statuses(limited, "/", 2, x_api_key="b") == [200, 429]
    assert await _statuses(limited, "/", 2) == [200, 429]


async def test_function_of_the_app_counts() -> None:
    async def tenant(request: Request) -> str | None:
        return request.query_params.get("tenant")

    limited = _Limited(Rule("1/minute", by=tenant))
    assert await _statuses(limited, "/?tenant=a", 2) == [200, 429]
    assert await _statuses(limited, "/?tenant=b", 2) == [200, 429]
    assert await _statuses(limited, "/", 3) == [200, 200, 200]


@pytest.mark.usefixtures("cheap_hashes")
async def test_user_counts_at_any_address() -> None:
    hashes = {name: hash_password(name) for name in ("ada", "bob")}

    async def find(request: Request, name: str) -> Credentials | None:
        return Credentials(User(name, name), hashes[name]) if name in hashes else None

    auth = (AuthPlugin(UserSource(get_credentials=find)), {"schemes": ["basic"]})
    limited = _Limited("1/minute by user", plugins=("sessions", auth))
    ada, bob = "Basic YWRhOmFkYQ==", "Basic Ym9iOmJvYg=="
    assert await _statuses(limited, "/", 2, authorization=ada) == [200, 429]
    assert await _statuses(limited, "/", 2, authorization=bob) == [200, 429]
    assert await _statuses(limited, "/", 2) == [200, 429]


async def test_user_is_not_looked_for_if_the_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for: list[str] = []

    async def refuse(request: Request) -> None:
        looked_for.append(request.path)
        raise Unauthorized("wrong password")

    monkeypatch.setattr("turnbuckle_contrib.auth.current_user", refuse)
    limited = _Limited("1/minute by user", "2/minute", plugins=("sessions", "auth"))
    assert await _statuses(limited, "/", 4, authorization="Basic x") == [200, 429, 429, 429]
    assert len(looked_for) == 2


def test_rule_by_user_needs_auth() -> None:
    with pytest.raises(StartupError) as caught:
        _Limited(rules=["1/minute by user"]).app.resolve()
    assert "auth" in str(caught.value.problems[0])


async def test_client_without_an_address_is_not_limited_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    limited = _Limited("1/minute")
    assert await _from(limited, None, None, None) == [200, 200, 200]
    assert caplog.text.count("a client has no address, so rate limits by address do not apply to it") == 1


# -- with others -------------------------------------------------------------------------------------------------------


async def test_refusal_has_the_fields_of_other_middleware() -> None:
    limited = _Limited(
        "1/minute",
        plugins=("request_id", "security_headers", "compress", ("cors", {"origins": ["https://app.example"]})),
    )
    async with limited.client(headers={"Origin": "https://app.example"}) as client:
        responses = [await client.get("/") for _ in range(2)]
    assert responses[1].status == 429
    for name in ("x-request-id", "x-content-type-options", "access-control-allow-origin"):
        assert name in responses[1].headers


async def test_stream_is_limited_before_it_begins() -> None:
    limited = _Limited("1/minute")

    @limited.app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[str]:
        yield "piece"

    assert await _statuses(limited, "/stream", 2) == [200, 429]


async def test_shared_response_has_the_figures_of_each_request() -> None:
    limited = _Limited("5/minute")
    shared = Response(b"x")

    @limited.app.get("/shared")
    async def answer(request: Request) -> Response:
        return shared

    for remaining in (4, 3):
        found = (await _get(limited, "/shared")).headers.get_list("ratelimit")
        assert found == [f'"5/60s by address";r={remaining};t=60']


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"rules": ["5"]}, "rate '5' is malformed; write it like '100/minute' or '5 per 10 seconds'"),
        ({"exempt": ["nowhere"]}, "nowhere"),
        ({"max_keys": 0}, "max_keys"),
        ({"on_failure": "panic"}, "on_failure"),
        # The value may contain a password, so the message has nothing of it.
        ({"url": "http://127.0.0.1"}, "setting 'plugin.rate_limit.url': the URL of Redis begins with redis:"),
    ],
)
def test_settings_are_checked(config: dict[str, object], message: str) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[("rate_limit", config)]).resolve()
    assert message in str(caught.value.problems[0])


async def test_error_page_of_the_app_answers() -> None:
    limited = _Limited("1/minute")

    @limited.app.error_handler(HTTPError)
    async def page(request: Request, error: HTTPError) -> Response:
        return Response(f"<h1>{error.status}</h1>", error.status, error.headers, "text/html")

    async with limited.client() as client:
        answers = [await client.get("/") for _ in range(2)]
    assert (answers[1].text, "retry-after" in answers[1].headers) == ("<h1>429</h1>", True)
