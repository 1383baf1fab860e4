"""Compare parsers on the same bytes, and explain every difference by a rule of an RFC.

::

    report = compare_parsers({"mine": my_parser}, mutations=20, seed=1)
    assert not report.unexplained, report

The reference is the core's own parser. Every other parser runs behind the guard, as in a server. A difference is either
permitted, and the report then names the rule, or a fault of one of the two parsers.
"""

from __future__ import annotations

from turnbuckle.testing.differential.installed import InstalledParsers, installed_parsers
from turnbuckle.testing.differential.report import ParserDifference, Report
from turnbuckle.testing.differential.runner import REFERENCE, compare_parsers

__all__ = ["REFERENCE", "InstalledParsers", "ParserDifference", "Report", "compare_parsers", "installed_parsers"]
