"""Tests of ``turnbuckle.web.response.upgrade``."""

import asyncio

import pytest

from turnbuckle.web.response.upgrade import SwitchProtocols


def test_switch_protocols() -> None:
    response = SwitchProtocols("websocket", asyncio.Protocol, {"Sec-WebSocket-Accept": "x"})
    assert response.status == 101
    assert response.body == b""
    assert response.fields() == [
        ("Sec-WebSocket-Accept", "x"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
    ]
    assert (response.protocol, response.factory) == ("websocket", asyncio.Protocol)


def test_switch_protocols_refuses_injection() -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        SwitchProtocols("a\r\nb", asyncio.Protocol)
