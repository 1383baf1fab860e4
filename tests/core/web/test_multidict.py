"""Tests of ``turnbuckle.web.multidict``."""

import pytest

from turnbuckle.web.multidict import MultiMapping
from turnbuckle.web.request.query import QueryParams

PAIRS = [("a", "1"), ("b", "2"), ("a", "3")]


def test_multi_mapping_gives_first_and_all_values():
    multi = MultiMapping(PAIRS)
    assert multi["a"] == multi.get("a") == "1"
    assert multi.get_list("a") == ["1", "3"]
    assert multi.items() == tuple(PAIRS)


def test_multi_mapping_sees_each_name_once():
    multi = MultiMapping(PAIRS)
    assert list(multi) == list(multi.keys()) == ["a", "b"]
    assert len(multi) == 2
    assert "a" in multi
    assert dict(multi) == {"a": "1", "b": "2"}


def test_multi_mapping_without_a_name():
    multi = MultiMapping(PAIRS)
    assert "c" not in multi
    assert multi.get("c") is None
    assert multi.get("c", 5) == 5
    assert multi.get_list("c") == []
    with pytest.raises(KeyError, match="c"):
        multi["c"]


def test_multi_mapping_cannot_be_changed_through_its_lists():
    multi = MultiMapping(PAIRS)
    multi.get_list("a").append("4")
    assert multi.get_list("a") == ["1", "3"]


def test_multi_mapping_compares_pairs():
    assert MultiMapping(PAIRS) == MultiMapping(iter(PAIRS))
    assert MultiMapping(PAIRS) != MultiMapping(PAIRS[:2])
    assert MultiMapping(PAIRS) != PAIRS
    assert len({MultiMapping(PAIRS), MultiMapping(PAIRS)}) == 1


def test_multi_mapping_shows_itself():
    assert repr(QueryParams([("a", "1")])) == "QueryParams([('a', '1')])"
