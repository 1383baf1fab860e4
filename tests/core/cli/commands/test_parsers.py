"""Tests of ``turnbuckle.cli.commands.parsers``."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from turnbuckle.cli.group import turnbuckle


def diff(*arguments: str) -> Result:
    return CliRunner().invoke(turnbuckle, ["parsers", "diff", "--mutations", "0", *arguments])


def test_parsers_diff_compares_all_parsers() -> None:
    result = diff("--seed", "1")
    assert result.exit_code == 0, result.output
    assert "h11" in result.output.splitlines()[0]
    assert result.output.endswith("unexplained: 0\n")


def test_parsers_diff_prints_data_of_the_parsers_that_are_named() -> None:
    result = diff("--parser", "h11", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["parsers"] == ["h1", "h11"]


def test_parsers_diff_names_a_parser_that_is_not_there() -> None:
    result = diff("--parser", "h12")
    assert result.exit_code == 2
    assert "no installed parser is named 'h12'; there is h1, h11" in result.output
