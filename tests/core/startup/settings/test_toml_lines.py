"""Keys of TOML files are found on their lines."""

from __future__ import annotations

import pytest

from turnbuckle.startup.settings.toml_lines import line_of, locate

_TEXT = '''debug = true
[server]
port = 1
  host = "a" # port = 9

["plugin"."cors"]
origins = [
  "x",
]
inline = { a = 1 }
a.b . 'c d' = 2
text = """
no = 1
[nor.this]
"""
after = 1
one = """x""" # '\''
single = \'\'\'
hidden = 2
\'\'\'
last = 1
[[list]]
item = 1
'''.replace("'\\''", "'''x'''")


@pytest.mark.parametrize(
    ("key", "line"),
    [
        pytest.param("debug", 1, id="top"),
        pytest.param("server", 2, id="table"),
        pytest.param("server.port", 3, id="in-table"),
        pytest.param("server.host", 4, id="indented"),
        pytest.param("plugin.cors.origins", 7, id="quoted-table"),
        pytest.param("plugin.cors.inline.a", 10, id="inline-table-falls-back"),
        pytest.param("plugin.cors.a.b.c d", 11, id="dotted-key"),
        pytest.param("plugin.cors.after", 16, id="after-multi-line-string"),
        pytest.param("plugin.cors.last", 21, id="after-literal-string"),
        pytest.param("list.item", 23, id="list-of-tables"),
        pytest.param("nowhere.at.all", None, id="unknown"),
    ],
)
def test_line_of(key: str, line: int | None) -> None:
    assert line_of(locate(_TEXT), tuple(key.split("."))) == line


@pytest.mark.parametrize("key", ["plugin.cors.no", "nor.this", "plugin.cors.hidden"])
def test_what_is_in_strings_is_no_key(key: str) -> None:
    assert tuple(key.split(".")) not in locate(_TEXT)
