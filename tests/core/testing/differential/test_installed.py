"""Tests of ``turnbuckle.testing.differential.installed``."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint

import attrs

from tests.core.testing.conformance.broken_parsers import Sound
from turnbuckle import Limits, Parser, ParserProvider, Plugin, PluginInfo, Setup
from turnbuckle.testing.differential import installed_parsers


@attrs.frozen
class Config:
    """Settings of ``Offering``."""

    name: str = "sound"


class Offering(Plugin):
    """Offers a parser under the name in its settings."""

    info = PluginInfo(name="offering", config=Config)

    def provide_parsers(self, setup: Setup) -> Iterable[ParserProvider]:
        """Offer it."""
        assert isinstance(setup.config, Config)
        yield ParserProvider(setup.config.name, make)


class WithoutParsers(Plugin):
    """Has none."""

    info = PluginInfo(name="without")


class Failing(Plugin):
    """Cannot say which."""

    info = PluginInfo(name="failing")

    def provide_parsers(self, setup: Setup) -> Iterable[ParserProvider]:
        """Fail."""
        raise LookupError("lost")


def make(limits: Limits) -> Parser:
    return Sound(limits)


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "turnbuckle.plugins")


def test_installed_parsers_are_those_of_all_plugins() -> None:
    installed = installed_parsers()
    assert {"h11", "httptools"} <= set(installed.parsers)


def test_installed_parsers_are_asked_for_with_their_settings() -> None:
    installed = installed_parsers(
        [point("offering", f"{__name__}:Offering"), point("no", f"{__name__}:WithoutParsers")]
    )
    assert (installed.parsers, installed.notes) == ({"sound": make}, {})


def test_installed_parsers_that_fail_are_noted() -> None:
    installed = installed_parsers(
        [point("failing", f"{__name__}:Failing"), point("gone", "turnbuckle_no_such_module:Gone [extra]")]
    )
    assert installed.parsers == {}
    assert installed.notes["failing"] == "LookupError: lost"
    assert installed.notes["gone"].endswith("'.[extra]' in a clone")
