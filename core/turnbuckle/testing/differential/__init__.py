"""Run parsers side by side over the same octets, and account for every difference by a rule of an RFC.

::

    report = compare_parsers({"mine": my_parser}, mutations=20, seed=1)
    assert not report.unexplained, report

The reference is the core's own parser. Every other one is judged as a server would have it, behind the guard. What
differs is either permitted, and then the report names the rule that permits it, or it is a fault of one of the two.
"""

from __future__ import annotations

from turnbuckle.testing.differential.installed import InstalledParsers, installed_parsers
from turnbuckle.testing.differential.report import ParserDifference, Report
from turnbuckle.testing.differential.runner import REFERENCE, compare_parsers

__all__ = ["REFERENCE", "InstalledParsers", "ParserDifference", "Report", "compare_parsers", "installed_parsers"]
