"""Section A of the bug classes: framing and smuggling, through the whole server, whatever parser it has."""

from __future__ import annotations

import asyncio

import pytest

from tests.security.attacks import CHUNKED, HIDDEN, START, Attack, attacks
from tests.security.serving import PARSERS, Target
from turnbuckle import App, Request, SwitchProtocols
from turnbuckle.testing import Client


@pytest.mark.parametrize("attack", attacks(1))
async def test_row_01_two_different_lengths_are_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(2))
async def test_row_02_two_equal_lengths_are_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(3))
async def test_row_03_content_length_with_coding_closes(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(4))
async def test_row_04_length_is_ascii_digits_alone(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(5))
async def test_row_05_chunk_size_is_hexadecimal_digits_alone(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(6))
async def test_row_06_whitespace_within_a_number_is_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(7))
async def test_row_07_empty_length_is_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(8))
async def test_row_08_negative_length_is_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(9))
async def test_row_09_number_beyond_every_limit_is_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


async def test_row_09_zeros_before_a_number_do_not_count(target: Target) -> None:
    await target.check_serves(START + b"Content-Length: " + b"0" * 15 + b"5\r\n\r\nhello", b"hello")


@pytest.mark.parametrize("attack", attacks(10))
async def test_row_10_coding_that_is_not_there_is_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(11))
async def test_row_11_conflicting_codings_are_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(12))
async def test_row_12_coding_is_compared_as_a_whole(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(13))
async def test_row_13_only_space_and_tab_are_whitespace(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


async def test_row_13_space_and_tab_are_whitespace(target: Target) -> None:
    await target.check_serves(START + b"Content-Length: \t 5 \t\r\n\r\nhello", b"hello")
    await target.check_serves(START + b"Transfer-Encoding:\tchunked \r\n\r\n1\r\nx\r\n0\r\n\r\n", b"x")


@pytest.mark.parametrize("attack", attacks(14))
async def test_row_14_names_fold_within_ascii_alone(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


async def test_row_14_coding_has_no_case(target: Target) -> None:
    await target.check_serves(START + b"TRANSFER-ENCODING: ChunKed\r\n\r\n1\r\nx\r\n0\r\n\r\n", b"x")


@pytest.mark.parametrize("attack", attacks(15))
async def test_row_15_coding_in_http_1_0_closes(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(16))
async def test_row_16_empty_coding_is_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(17))
async def test_row_17_chunk_ends_with_crlf_alone(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(18))
async def test_row_18_lf_ends_no_chunk_line(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(19))
async def test_row_19_cr_ends_no_chunk_line(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(20))
async def test_row_20_quoted_extension_stays_in_its_line(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


async def test_row_20_quoted_extension_is_skipped(target: Target) -> None:
    await target.check_serves(CHUNKED + b'5;a="b;\\"c\\" 0";d=e\r\nhello\r\n0;f\r\n\r\n', b"hello")


@pytest.mark.parametrize("attack", attacks(21))
async def test_row_21_chunk_extensions_are_bounded(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(22))
async def test_row_22_trailers_are_parsed_as_fields(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(23))
async def test_row_23_trailers_are_bounded(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("parser", PARSERS)
async def test_row_23_framing_and_routing_fields_in_trailers_are_dropped(parser: str) -> None:
    app = App(plugins=[] if parser == "core" else [f"{parser}_parser"])

    @app.post("/")
    async def show(request: Request) -> dict[str, object]:
        content = (await request.read()).decode()
        return {"content": content, "trailers": dict(request.trailers.items()), "headers": dict(request.headers)}

    late = b"Content-Length: 50\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nConnection: close\r\nCookie: a=b\r\n"
    async with Client(app) as client:
        exchange = await client.raw(CHUNKED + b"5\r\nhello\r\n0\r\n" + late + b"X-Sum: 1\r\n\r\n")
    assert exchange.response.json() == {
        "content": "hello",
        "trailers": {"x-sum": "1"},
        "headers": {"host": "a", "transfer-encoding": "chunked"},
    }
    assert not exchange.is_closed


@pytest.mark.parametrize("attack", attacks(24))
async def test_row_24_space_before_the_colon_is_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(25))
async def test_row_25_space_before_the_first_field_is_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(26))
async def test_row_26_folded_field_is_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(27))
async def test_row_27_cr_or_lf_ends_no_field(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(28))
async def test_row_28_cr_and_anything_ends_no_header_section(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(29))
async def test_row_29_lf_ends_no_line(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(30))
async def test_row_30_controls_and_odd_names_are_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(31))
async def test_row_31_version_and_method_are_held_to_their_grammar(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("method", [b"GE", b"GETT", b"get", b"POS", b"XGET"])
async def test_row_31_part_of_a_method_is_another_method(target: Target, method: bytes) -> None:
    for exchange in await target.exchanges(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n"):
        assert exchange.statuses[0] == 501


@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"PUT", b"PATCH"])
async def test_row_32_content_belongs_to_its_request_whatever_the_method(target: Target, method: bytes) -> None:
    fields = b" / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN)
    await target.check_serves(method + fields + HIDDEN, HIDDEN)


@pytest.mark.parametrize("method", [b"HEAD", b"OPTIONS", b"TRACE", b"BREW"])
async def test_row_32_content_that_is_not_read_is_no_request(target: Target, method: bytes) -> None:
    fields = b" /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN)
    for exchange in await target.exchanges(method + fields + HIDDEN):
        behind = exchange.sent.count(HIDDEN) - 1
        assert len(exchange.statuses) == 1 + behind


async def test_row_32_unread_content_beyond_the_limit_closes(target: Target) -> None:
    raw = b"OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n"
    for exchange in await target.exchanges(raw):
        assert (exchange.statuses, exchange.is_closed) == ([204], True)


async def test_row_32_unread_chunks_close(target: Target) -> None:
    exchange = await target.client.raw(b"OPTIONS / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + HIDDEN)

    assert (exchange.statuses, exchange.is_closed) == ([204], True)


class _Listening(asyncio.Protocol):
    """A protocol that takes over the transport and echoes its input."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(b"got " + data)  # type: ignore[attr-defined]  # a transport of both directions


def _switching(parser: str, *, reads: bool) -> App:
    app = App(plugins=[] if parser == "core" else [f"{parser}_parser"])

    @app.post("/")
    async def switch(request: Request) -> SwitchProtocols:
        if reads:
            await request.read()
        return SwitchProtocols("chat", _Listening)

    return app


_UPGRADE = b"Connection: Upgrade\r\nUpgrade: chat\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN)


@pytest.mark.parametrize("split", ["whole", "bytewise"])
@pytest.mark.parametrize("parser", PARSERS)
async def test_row_33_content_comes_before_an_upgrade(parser: str, split: str) -> None:
    async with Client(_switching(parser, reads=True)) as client:
        connection = client.connect()
        raw = START + _UPGRADE + HIDDEN + b"chat"
        await (connection.send(raw) if split == "whole" else connection.send_bytewise(raw))
        exchange = connection.exchange()

    assert exchange.statuses == [101]
    assert exchange.switched.replace(b"got ", b"") == b"chat"


@pytest.mark.parametrize("parser", PARSERS)
async def test_row_33_upgrade_with_unread_content_is_refused(parser: str) -> None:
    async with Client(_switching(parser, reads=False)) as client:
        exchange = await client.raw(START + _UPGRADE + HIDDEN)

    assert (exchange.statuses, exchange.is_closed) == ([400], True)


@pytest.mark.parametrize("parser", PARSERS)
async def test_row_34_http_1_0_is_not_upgraded(parser: str) -> None:
    fields = b"Connection: upgrade, keep-alive\r\nUpgrade: chat\r\nContent-Length: 0\r\n\r\n"
    async with Client(_switching(parser, reads=True), raise_exceptions=False) as client:
        exchange = await client.raw(b"POST / HTTP/1.0\r\n" + fields)

    assert (exchange.statuses, exchange.is_closed) == ([500], True)


@pytest.mark.parametrize("parser", PARSERS)
async def test_row_35_answers_keep_the_order_of_the_requests(parser: str) -> None:
    app, go = App(plugins=[] if parser == "core" else [f"{parser}_parser"]), asyncio.Event()

    @app.get("/slow")
    async def slow(request: Request) -> str:
        await go.wait()
        return "slow"

    @app.get("/{number:int}")
    async def quick(request: Request, number: int) -> str:
        return str(number)

    async with Client(app) as client:
        connection = client.connect()
        quick_ones = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(50))
        await connection.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + quick_ones)
        before = connection.received
        go.set()
        await connection.until(51)
        texts = [response.text for response in connection.responses]

    assert (before, texts) == (b"", ["slow", *map(str, range(50))])


@pytest.mark.parametrize("attack", attacks(36))
async def test_row_36_nothing_is_served_after_an_invalid_request(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack._replace(raw=attack.raw + HIDDEN * 3))


async def test_row_36_what_came_before_an_invalid_request_is_answered(target: Target) -> None:
    exchange = await target.client.raw(HIDDEN + b"GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n" + HIDDEN)

    assert (exchange.statuses, exchange.is_closed) == ([200, 400], True)


@pytest.mark.parametrize("parser", PARSERS)
async def test_row_37_pipeline_is_bounded(parser: str) -> None:
    app, go, served = App(plugins=[] if parser == "core" else [f"{parser}_parser"]), asyncio.Event(), []

    @app.get("/")
    async def slow(request: Request) -> str:
        served.append(1)
        await go.wait()
        return ""

    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    async with Client(app) as client:
        connection = client.connect()
        for _ in range(100):
            await connection.send(request * 1000)
        # The server holds one read and its bound; the rest waits in the transport, whose reading is paused.
        assert (len(served), connection.received) == (1, b"")
        assert connection.undelivered > len(request) * 95_000
        await connection.close()
        go.set()


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(b"Connection: keep-alive, close\r\n", id="in-a-list"),
        pytest.param(b"Connection: close,keep-alive\r\n", id="before-its-opposite"),
        pytest.param(b"Connection: keep-alive\r\nConnection: close\r\n", id="on-a-second-line"),
        pytest.param(b"Connection: CLOSE,x\r\n", id="in-upper-case"),
        pytest.param(b"Connection:, ,\tclose ,\r\n", id="among-empty-members"),
    ],
)
async def test_row_38_close_is_an_option_among_others(target: Target, fields: bytes) -> None:
    await target.check_serves(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n", b"", is_closed=True)


@pytest.mark.parametrize("value", [b"closed", b"x-close", b"close;x", b"keep-alive"])
async def test_row_38_what_only_looks_like_close_keeps_the_connection(target: Target, value: bytes) -> None:
    await target.check_serves(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: " + value + b"\r\n\r\n", b"")
