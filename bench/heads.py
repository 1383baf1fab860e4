"""Measure what a parser takes for one head that it has never seen, beside llhttp through httptools.

``python -m bench.heads`` prints CPU time in microseconds, all in one process and one run. The heads are those of a
browser, with another target, User-Agent, Referer and Cookie each time. A parser takes a head and returns the head and
the end of the message; httptools calls back, once with callbacks that store their arguments, as a server has to, and
once with callbacks that do nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import count
from typing import Final

from turnbuckle import Limits, Parser
from turnbuckle.http.guard import guarded
from turnbuckle.http.parser import H1ParserFactory

# What the core's parser may take, as a multiple of httptools with callbacks that store.
AT_MOST: Final = 1.2

_HEAD: Final = (
    b"GET /items/%d HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0 Safari/537.36\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    b"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
    b"Referer: https://example.com/lists/%d\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Accept-Language: en-US,en;q=0.5\r\nCookie: session=%032d; theme=dark\r\n\r\n"
)


class _Silent:
    """Callbacks that do nothing."""

    def on_url(self, url: bytes) -> None: ...

    def on_header(self, name: bytes, value: bytes) -> None: ...

    def on_headers_complete(self) -> None: ...

    def on_message_complete(self) -> None: ...


class _Storing(_Silent):
    """Callbacks that store what a server needs."""

    def __init__(self) -> None:
        self.url = b""
        self.fields: list[tuple[bytes, bytes]] = []

    def on_message_begin(self) -> None:
        self.fields = []

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value))


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--heads", type=int, default=2000, help="heads for each parser in each round")
    chosen = options.parse_args()
    readers = dict(_readers())
    samples: dict[str, list[float]] = {name: [] for name in readers}
    heads = _heads()
    for _ in range(chosen.rounds):
        for name, read in readers.items():
            batch = [next(heads) for _ in range(chosen.heads)]
            began = time.process_time()
            for head in batch:
                read(head)
            samples[name].append((time.process_time() - began) / chosen.heads)
    _print(samples)


def _heads() -> Iterator[bytes]:
    for number in count(10**6):
        yield _HEAD % (number, number, number, number)


def _readers() -> Iterator[tuple[str, Callable[[bytes], None]]]:
    import httptools

    yield "httptools, storing", httptools.HttpRequestParser(_Storing()).feed_data
    yield "httptools, silent", httptools.HttpRequestParser(_Silent()).feed_data
    yield "core", _reader(H1ParserFactory()(Limits()))
    from turnbuckle_plugins.httptools_parser import httptools_parser

    yield "httptools_parser", _reader(guarded(httptools_parser)(Limits()))
    if find_spec("zttp"):
        from turnbuckle_plugins.zttp_parser import zttp_parser

        yield "zttp_parser", _reader(guarded(zttp_parser)(Limits()))


def _reader(parser: Parser) -> Callable[[bytes], None]:
    feed, next_event = parser.feed, parser.next_event

    def read(head: bytes) -> None:
        feed(head)
        next_event()
        next_event()

    return read


def _print(samples: dict[str, list[float]]) -> None:
    storing, silent = samples["httptools, storing"], samples["httptools, silent"]
    print(f"one head of {len(next(_heads()))} bytes, CPU time")
    print(f"{'':20}  {'µs':>6}  {'least':>6}  {'÷ storing':>9}  {'÷ silent':>8}")
    for name, values in samples.items():
        ratios = [statistics.median(a / b for a, b in zip(values, other, strict=True)) for other in (storing, silent)]
        figures = (
            f"{statistics.median(values) * 1e6:6.2f}  {min(values) * 1e6:6.2f}  {ratios[0]:9.2f}  {ratios[1]:8.2f}"
        )
        verdict = ("  pass" if ratios[0] <= AT_MOST else "  fail") + f", at most {AT_MOST}" if name == "core" else ""
        print(f"{name:20}  {figures}{verdict}")


if __name__ == "__main__":
    main()
