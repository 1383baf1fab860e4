"""Suites that every plugin of a kind must pass: derive a test class from the one of its kind, and run pytest.

::

    class TestMyParser(ParserConformance):
        def parser_factory(self) -> ParserFactory:
            return my_parser

Each suite is a base class whose name ends in ``Conformance`` and whose methods are tests. What it tests is made by a
method that the derived class gives; what the kind leaves open is a class attribute with a default. A suite holds a
plugin to its contract and to nothing else, and each of its failures says which rule was broken.

Needs the extra ``conformance``: ``pip install 'turnbuckle[conformance]'``.
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
