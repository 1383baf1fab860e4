"""Check the factories of the parser and of the shadow parser, and guard the parsers that they make."""

from __future__ import annotations

from typing import Final

from turnbuckle.http.events import ParserFactory
from turnbuckle.http.guard import guarded
from turnbuckle.plan import Choice, Plan
from turnbuckle.records import ParserProvider
from turnbuckle.startup.compile.components import Components, shadow_combiner
from turnbuckle.startup.compile.factories import ReportFailure
from turnbuckle.startup.model.diagnostics import Diagnostics

__all__ = ["parser_factory"]

_PARSER_METHODS: Final = ("feed", "feed_eof", "next_event", "trailing_data")


def parser_factory(
    plan: Plan, components: Components, diagnostics: Diagnostics, report: ReportFailure
) -> ParserFactory:
    """Return the factory of the parsers of connections.

    Args:
        plan: the plan of the app.
        components: its components; one of them combines a parser with a shadow parser.
        diagnostics: where a component that cannot be used is reported.
        report: reports a factory that failed.
    """
    factory, shadow = _guarded(plan, plan.parser, report), plan.shadow
    if shadow is None:
        return factory
    combine = shadow_combiner(components, diagnostics)
    if combine is None:
        return factory
    sample = plan.settings.parser.shadow_sample
    return combine(factory, _guarded(plan, shadow, report), name=shadow.name, sample=sample)


def _guarded(plan: Plan, choice: Choice[ParserProvider], report: ReportFailure) -> ParserFactory:
    factory = choice.provider.factory
    try:
        parser = factory(plan.settings.limits)
        missing = [name for name in _PARSER_METHODS if not callable(getattr(parser, name, None))]
        if missing:
            raise TypeError(f"{parser!r} has no {', '.join(missing)}")
    except Exception as error:  # noqa: BLE001  # a factory may raise anything
        report("TB503", f"parser {choice.name!r}", choice.origin, error)
    # The connection is responsible for the framing of messages, so every parser is guarded.
    return guarded(factory)
