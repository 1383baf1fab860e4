"""Routers that are wrong, each in another way, must fail the suite, and fail it for that."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

import pytest

from tests.core.testing.conformance import broken_routers as broken
from tests.core.testing.conformance.running import failures
from turnbuckle import Router, TreeRouter
from turnbuckle.testing.conformance import RouterConformance


def suite_of(router: type[Router], order: Literal["specific", "first", "any"] = "any") -> type[RouterConformance]:
    class Suite(RouterConformance):
        prefers: ClassVar[Literal["specific", "first", "any"]] = order
        many = 500

        def make_router(self) -> Router:
            return router()

    return Suite


def test_sound_router_passes() -> None:
    assert failures(suite_of(broken.Sound, "specific")) == {}


@pytest.mark.parametrize(
    ("router", "test", "message"),
    [
        pytest.param(broken.TakesTheFirstOfTwo, "test_refuses_the_same_route_twice", "DID NOT RAISE", id="duplicates"),
        pytest.param(broken.ForgetsHead, "test_head_follows_get", "HEAD must be answered", id="head"),
        pytest.param(broken.ForgetsOptions, "test_names_what_is_allowed", "MethodNotAllowed", id="options"),
        pytest.param(broken.AnswersMissesWith404, "test_names_what_all_routes_allow", "name all methods", id="404"),
        pytest.param(broken.AnswersMissesWith404, "test_serves_an_app", "answered with 405, not 404", id="404-in-app"),
        pytest.param(broken.DecodesFirst, "test_compares_text", "'/a%2Fb' is not the path", id="decodes-first"),
        pytest.param(broken.DecodesFirst, "test_reads_parameter", "must give 'a%2Fb'", id="decodes-twice"),
        pytest.param(broken.HasNoCase, "test_names_what_is_allowed", "get '/a' has no route", id="case"),
        pytest.param(broken.WrapsHandlers, "test_hands_back_the_handler_untouched", "the handler of the", id="wraps"),
        pytest.param(broken.SharesParameters, "test_keeps_matches_apart", "matches share state", id="parameters"),
        pytest.param(broken.SharesRoutes, "test_keeps_routers_apart", "found in another", id="routes"),
        pytest.param(broken.LeavesTextAsItIs, "test_reads_parameter", "must give 42, not", id="text"),
        pytest.param(broken.FailsOnEscapes, "test_raises_nothing_but_http_errors", "ValueError", id="escapes"),
        pytest.param(broken.MergesSlashes, "test_compares_text", "'/a//b' is not the path", id="slashes"),
        pytest.param(broken.MergesSlashes, "test_finds_what_the_model_finds", "AssertionError", id="slashes-in-model"),
        pytest.param(broken.Grows, "test_refuses_routes_once_frozen", "DID NOT RAISE", id="late"),
        pytest.param(broken.Remembers, "test_finds_what_the_model_finds", "AssertionError", id="remembers"),
        pytest.param(broken.TriesInReverse, "test_looks_on_for_the_method", "hides one for", id="stops"),
        pytest.param(broken.FreezesOnce, "test_may_be_frozen_twice", "frozen already", id="freezes-once"),
        pytest.param(broken.LosesRoutes, "test_takes_many_routes", "lost among 500", id="loses"),
        pytest.param(broken.WritesWithoutEscapes, "test_writes_what_it_reads", "leads nowhere", id="links"),
    ],
)
def test_broken_router_fails(router: type[Router], test: str, message: str) -> None:
    failed = failures(suite_of(router), test)
    assert any(re.search(re.escape(message), text) for text in failed.get(test, [])), failed


@pytest.mark.parametrize(
    ("router", "test", "message"),
    [
        pytest.param(
            broken.RedirectsWithoutEscapes, "test_treats_the_last_slash_by_its_policy", "'/e/a/b/'", id="escapes"
        ),
        pytest.param(
            broken.AlwaysRedirects, "test_treats_the_last_slash_by_its_policy", "policy 'strict'", id="not-strict"
        ),
        pytest.param(
            broken.AlwaysRedirects, "test_policies_find_nothing_where_nothing_is", "leads nowhere", id="always"
        ),
    ],
)
def test_broken_policy_fails(router: type[broken.RedirectsWithoutEscapes], test: str, message: str) -> None:
    class Suite(RouterConformance):
        policies = ("strict", "redirect")

        def make_router(self) -> Router:
            return router()

        def make_router_with(self, policy: Literal["strict", "redirect", "ignore"]) -> Router:
            return router(policy)

    failed = failures(Suite, test)
    assert any(message in text for text in failed.get(test, [])), failed


def test_policy_that_is_claimed_and_not_made_fails() -> None:
    class Suite(RouterConformance):
        policies = ("strict", "ignore")

        def make_router(self) -> Router:
            return TreeRouter()

    test = "test_treats_the_last_slash_by_its_policy"
    assert "override make_router_with()" in str(failures(Suite, test))


@pytest.mark.parametrize(
    ("router", "order"),
    [
        pytest.param(TreeRouter, "first", id="tree-is-not-first"),
        pytest.param(broken.TriesInReverse, "specific", id="reverse"),
    ],
)
def test_other_preference_fails(router: type[Router], order: Literal["specific", "first"]) -> None:
    test = "test_finds_what_the_model_finds"
    failed = failures(suite_of(router, order), test)
    assert failed.get(test), "the suite does not look at the order"
