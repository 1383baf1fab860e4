"""Test suites that every plugin of a kind must pass: derive a test class from the suite, and run pytest.

::

    class TestMyParser(ParserConformance):
        def parser_factory(self) -> ParserFactory:
            return my_parser

Each suite is a base class whose name ends in ``Conformance`` and whose methods are tests. The derived class defines a
method that makes the object under test. Class attributes with defaults describe choices that the contract leaves open.
A suite checks the contract of a plugin and nothing else, and each failure names the broken rule.

Needs the extra ``conformance``: ``pip install 'turnbuckle[conformance]'``, or ``'.[conformance]'`` in a clone.
"""

from __future__ import annotations

from turnbuckle.testing.conformance.lifespan import LifespanConformance
from turnbuckle.testing.conformance.middleware import MiddlewareConformance
from turnbuckle.testing.conformance.parser import ParserConformance
from turnbuckle.testing.conformance.plugin import PluginConformance
from turnbuckle.testing.conformance.response_type import ResponseTypeConformance
from turnbuckle.testing.conformance.router import RouterConformance

__all__ = [
    "LifespanConformance",
    "MiddlewareConformance",
    "ParserConformance",
    "PluginConformance",
    "ResponseTypeConformance",
    "RouterConformance",
]
