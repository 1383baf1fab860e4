"""Middleware that is wrong, each in another way, must fail the suite, and fail it for that."""

from __future__ import annotations

import pytest

from tests.core.testing.conformance import broken_middleware as broken
from tests.core.testing.conformance.running import failures
from turnbuckle import Middleware
from turnbuckle.testing import ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance


def suite_of(middleware: Middleware, **attributes: object) -> type[MiddlewareConformance]:
    body = {"app_options": lambda self: {"middleware": [middleware]}, **attributes}
    return type("Suite", (MiddlewareConformance,), body)


@pytest.mark.parametrize(
    "middleware",
    [
        pytest.param(broken.sound, id="sound"),
        pytest.param(broken.buffers_and_says_so, id="buffers-and-says-so"),
        pytest.param(broken.reads_ahead_and_says_so, id="reads-ahead-and-says-so"),
        pytest.param(broken.adds_cookies_to_a_copy, id="adds-cookies-to-a-copy"),
    ],
)
def test_sound_middleware_passes(middleware: Middleware) -> None:
    assert failures(suite_of(middleware)) == {}


@pytest.mark.parametrize(
    ("middleware", "test", "message"),
    [
        pytest.param(broken.retries, "test_calls_next_once", "/nothing calls the next handler 2 times", id="retries"),
        pytest.param(broken.answers_itself, "test_calls_next_once", "calls the next handler 0 times", id="answers"),
        pytest.param(broken.makes_another_response, "test_keeps_the_response", "of two cookies there", id="response"),
        pytest.param(broken.eats_content, "test_keeps_the_content", "content became", id="eats-content"),
        pytest.param(broken.needs_a_route, "test_runs_whatever_the_answer", "must be 404, and is 500", id="route"),
        pytest.param(broken.swallows_exceptions, "test_lets_exceptions_pass", "was swallowed", id="exceptions"),
        pytest.param(broken.replaces_exceptions, "test_lets_exceptions_pass", "became HTTPError", id="replaced"),
        pytest.param(broken.swallows_cancellation, "test_lets_cancellation_pass", "was swallowed", id="cancellation"),
        pytest.param(broken.shields, "test_lets_cancellation_pass", "handler was not cancelled", id="shields"),
        pytest.param(broken.runs_in_a_task, "test_lets_context_variables_flow", "is lost outside", id="task"),
        pytest.param(broken.buffers, "test_keeps_streams_streams", "waited in vain for the first piece", id="buffers"),
        pytest.param(broken.leaves_streams_open, "test_closes_streams", "to be closed once", id="open"),
        pytest.param(broken.reads_ahead, "test_keeps_content_a_stream", "it is read ahead", id="reads-ahead"),
        pytest.param(broken.remembers_the_latest, "test_keeps_requests_apart", "concurrent request has", id="latest"),
        pytest.param(broken.shares_state, "test_keeps_requests_apart", "requests share state", id="state"),
        pytest.param(
            broken.adds_cookies_to_the_response,
            "test_keeps_responses_apart",
            "field set-cookie seen of request 2",
            id="cookies",
        ),
        pytest.param(
            broken.keeps_the_first_secret,
            "test_keeps_responses_apart",
            "field x-secret of request 2 (GET /repeated/plain",
            id="secret",
        ),
        pytest.param(
            broken.permits_the_origin,
            "test_keeps_responses_apart",
            "is ['https://two.example'] instead of []",
            id="origin",
        ),
        pytest.param(broken.keeps_the_first_app(), "test_keeps_apps_apart", "handed to the other", id="apps"),
    ],
)
def test_broken_middleware_fails(
    middleware: Middleware, test: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnbuckle.testing.conformance.middleware._TIMEOUT", 0.5)
    failed = failures(suite_of(middleware), test)
    assert message in "".join(failed.get(test, [])), failed


def test_middleware_that_passes_over_errors() -> None:
    def has_run(self: object, response: ClientResponse) -> bool:
        return "x-seen" in response.headers

    test = "test_runs_whatever_the_answer"
    failed = failures(suite_of(broken.skips_errors, has_run=has_run), test)
    assert "the middleware did not deal with GET /nothing, which is 404" in failed[test][0]
