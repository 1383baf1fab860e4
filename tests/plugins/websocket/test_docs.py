"""docs/learn/websockets.md lists every setting with its default."""

from __future__ import annotations

import json
import re
from pathlib import Path

import attrs

from turnbuckle_plugins.websocket.config import WebSocketConfig


def test_page_lists_every_setting_with_its_default() -> None:
    page = (Path(__file__).parents[3] / "docs" / "learn" / "websockets.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `plugin\.websocket\.(\w+)` \| `([^`]*)` \|", page, re.MULTILINE)
    config = attrs.asdict(WebSocketConfig())
    expected = {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()}
    assert {name: json.loads(value) for name, value in rows} == expected
