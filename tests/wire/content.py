"""Where content ends: lengths, codings, chunks, trailers (RFC 9112, sections 6 and 7; RFC 9110, 6.5 and 8.6)."""

from __future__ import annotations

from tests.wire.cases import NEXT, Case, chunked, each_refused, fields, head, kept, post, refused, waits

__all__ = ["CHUNKS", "CODINGS", "EXTENSIONS", "LENGTHS", "TRAILERS"]


def _length(value: bytes, content: bytes = b"hello") -> bytes:
    return post(b"Content-Length: " + value, content=content)


def _coding(*values: bytes, body: bytes = b"5\r\nhello\r\n0\r\n\r\n") -> bytes:
    return post(*(b"Transfer-Encoding: " + value for value in values), content=body)


LENGTHS = {
    "length": kept(_length(b"5"), b"hello"),
    "zero": kept(_length(b"0", b""), b""),
    "two-zeros": kept(_length(b"00", b""), b""),
    "zeros-before": kept(_length(b"0005"), b"hello"),
    "zeros-before-an-octal": kept(_length(b"0200", b"a" * 200), b"a" * 200),
    "many-zeros-before": kept(_length(b"0" * 200 + b"5"), b"hello"),
    "no-space": kept(post(b"Content-Length:5", content=b"hello"), b"hello"),
    "two-spaces": kept(_length(b" 5"), b"hello"),
    "space-behind": kept(_length(b"5 "), b"hello"),
    "tab-before": kept(post(b"Content-Length:\t5", content=b"hello"), b"hello"),
    "tabs-around": kept(_length(b" \t5\t "), b"hello"),
    "name-in-capitals": kept(post(b"CONTENT-LENGTH: 5", content=b"hello"), b"hello"),
    "name-in-small-letters": kept(post(b"content-length: 5", content=b"hello"), b"hello"),
    "of-a-get": kept(fields(b"Content-Length: 5") + b"hello", b"hello"),
    "of-a-delete": kept(head(b"DELETE / HTTP/1.1", b"Content-Length: 5") + b"hello", b"hello"),
    "of-a-head": kept(head(b"HEAD /next HTTP/1.1", b"Content-Length: 5") + b"hello", b""),
    "of-options": kept(head(b"OPTIONS / HTTP/1.1", b"Content-Length: 5") + b"hello", b"", 204),
    "of-what-is-not-found": kept(head(b"POST /unread HTTP/1.1", b"Content-Length: 5") + b"hello", b"unread"),
    "none": kept(post(), b""),
    "none-before-a-request": Case(post() + NEXT, (200, 200), b""),
    "zero-before-a-request": Case(_length(b"0", b"") + NEXT, (200, 200), b""),
    "content-of-line-ends": kept(_length(b"6", b"\r\n\r\n\r\n"), b"\r\n\r\n\r\n"),
    "content-of-a-request": kept(_length(b"%d" % len(NEXT), NEXT), NEXT),
    "content-of-all-bytes": kept(_length(b"256", bytes(range(256))), bytes(range(256))),
    "content-of-a-get-that-is-a-request": kept(fields(b"Content-Length: %d" % len(NEXT)) + NEXT, NEXT),
    "content-cut-short": waits(_length(b"10")),
    "content-missing": waits(_length(b"5", b"")),
    "zero-before-garbage": Case(_length(b"0", b"") + b"\0", (200, 400), b"", True),
    "of-999999999": refused(_length(b"999999999", b""), 413),
    "beyond-the-limit": refused(_length(b"16777217", b""), 413),
    "of-18-digits": refused(_length(b"9" * 18, b""), 413),
    **{
        name: refused(_length(value))
        for name, value in {
            "of-19-digits": b"9" * 19,
            "of-20-digits": b"9" * 20,
            "beyond-64-bits": b"18446744073709551621",
            "beyond-32-bits-and-more": b"4294967301" * 2,
            "of-5000-digits": b"9" * 5000,
            "empty": b"",
            "space": b" ",
            "plus": b"+5",
            "minus": b"-5",
            "minus-one": b"-1",
            "minus-zero": b"-0",
            "minus-and-many-digits": b"-123456789123456789123456789",
            "hexadecimal": b"0x5",
            "octal": b"0o5",
            "binary": b"0b101",
            "letters": b"five",
            "letters-behind": b"5x",
            "letter-before": b"x5",
            "underscore": b"1_0",
            "space-within": b"1 0",
            "tab-within": b"1\t0",
            "fraction": b"5.0",
            "exponent": b"5e0",
            "comma-behind": b"5,",
            "comma-before": b",5",
            "list-of-equal": b"5, 5",
            "list-of-equal-without-space": b"5,5",
            "list-of-three": b"5, 5, 5",
            "list-that-differs": b"5, 6",
            "semicolon": b"5;a=b",
            "quoted": b'"5"',
            "arabic-digit": "\N{ARABIC-INDIC DIGIT FIVE}".encode(),
            "superscript": "\N{SUPERSCRIPT TWO}".encode(),
            "fullwidth-digit": "\N{FULLWIDTH DIGIT FIVE}".encode(),
            "no-break-space-behind": b"5\xa0",
            "next-line-behind": b"5\x85",
            "vertical-tab-behind": b"5\x0b",
            "form-feed-before": b"\x0c5",
            "nul-behind": b"5\0",
            "cr-behind": b"5\r",
            "infinity": b"inf",
            "nothing-but-a-sign": b"-",
        }.items()
    },
    **each_refused(
        {
            "twice": post(b"Content-Length: 5", b"Content-Length: 5", content=b"hello"),
            "twice-that-differ": post(b"Content-Length: 5", b"Content-Length: 10", content=b"helloworld"),
            "twice-with-zero-first": post(b"Content-Length: 0", b"Content-Length: 5", content=b"hello"),
            "twice-in-other-cases": post(b"Content-Length: 5", b"content-length: 5", content=b"hello"),
            "twice-before-a-request": post(
                b"Content-Length: 4", b"Content-Length: %d" % (4 + len(NEXT)), content=b"PING" + NEXT
            ),
            "twice-with-one-malformed": post(b"Content-Length: 5", b"Content-Length: x", content=b"hello"),
            "space-before-colon": post(b"Content-Length : 5", content=b"hello"),
            "malformed-in-http-1.0": head(b"POST / HTTP/1.0", b"Content-Length: x") + b"hello",
            "malformed-of-a-get": fields(b"Content-Length: -1"),
        }
    ),
}

CODINGS = {
    "chunked": kept(_coding(b"chunked"), b"hello"),
    "in-capitals": kept(_coding(b"CHUNKED"), b"hello"),
    "in-mixed-case": kept(_coding(b"Chunked"), b"hello"),
    "name-in-capitals": kept(post(b"TRANSFER-ENCODING: chunked", content=b"0\r\n\r\n"), b""),
    "no-space": kept(post(b"Transfer-Encoding:chunked", content=b"5\r\nhello\r\n0\r\n\r\n"), b"hello"),
    "tab-before": kept(post(b"Transfer-Encoding:\tchunked", content=b"5\r\nhello\r\n0\r\n\r\n"), b"hello"),
    "space-behind": kept(_coding(b"chunked "), b"hello"),
    "whitespace-around": kept(_coding(b"\t chunked \t"), b"hello"),
    "of-a-get": kept(fields(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "of-a-head": Case(
        head(b"HEAD /next HTTP/1.1", b"Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n\r\n", (200,), b"", True
    ),
    "with-underscore-is-another-field": kept(
        post(b"Transfer_Encoding: chunked", b"Content-Length: 5", content=b"hello"), b"hello"
    ),
    "unread": Case(
        head(b"POST /unread HTTP/1.1", b"Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n\r\n",
        content=b"unread",
        is_closed=True,
    ),
    "then-a-request": Case(_coding(b"chunked") + NEXT, (200, 200), b"hello"),
    **{
        name: refused(_coding(*values), 501)
        for name, values in {
            "gzip-before": [b"gzip, chunked"],
            "cow-before": [b"cow, chunked"],
            "identity-before": [b"identity, chunked"],
            "gzip-on-a-line-before": [b"gzip", b"chunked"],
            "gzip-with-parameters-before": [b'gzip;q="1", chunked'],
            "two-before": [b"deflate, gzip, chunked"],
        }.items()
    },
    **{
        name: refused(_coding(*values))
        for name, values in {
            "empty": [b""],
            "gzip": [b"gzip"],
            "deflate": [b"deflate"],
            "identity": [b"identity"],
            "gzip-behind": [b"chunked, gzip"],
            "identity-behind": [b"chunked, identity"],
            "identity-on-a-line-behind": [b"chunked", b"identity"],
            "cow-on-a-line-behind": [b"chunked", b"cow"],
            "empty-line-behind": [b"chunked", b""],
            "empty-line-before": [b"", b"chunked"],
            "twice": [b"chunked, chunked"],
            "twice-in-other-cases": [b"chunked, Chunked"],
            "on-two-lines": [b"chunked", b"chunked"],
            "comma-behind": [b"chunked,"],
            "comma-before": [b",chunked"],
            "commas-before": [b", , chunked"],
            "comma-alone": [b","],
            "prefix": [b"chunke"],
            "suffix": [b"chunked123"],
            "letter-before": [b"xchunked"],
            "parameters": [b"chunked;a=b"],
            "semicolon": [b"chunked;"],
            "quoted": [b'"chunked"'],
            "single-quotes": [b"'chunked'"],
            "brackets": [b"[chunked]"],
            "space-within": [b"chunk ed"],
            "two-words": [b"identity chunked"],
            "colon-before": [b": chunked"],
            "vertical-tab-before": [b"\x0bchunked"],
            "vertical-tab-behind": [b"chunked\x0b"],
            "form-feed-before": [b"\x0cchunked"],
            "nul-behind": [b"chunked\0"],
            "cr-behind": [b"chunked\r"],
            "no-break-space-before": [b"\xa0chunked"],
            "next-line-behind": [b"chunked\x85"],
            "kelvin-sign": ["chun\N{KELVIN SIGN}ed".encode()],
            "zero-width-space-behind": ["chunked\N{ZERO WIDTH SPACE}".encode()],
        }.items()
    },
    **each_refused(
        {
            "before-a-length": post(
                b"Transfer-Encoding: chunked", b"Content-Length: 5", content=b"5\r\nhello\r\n0\r\n\r\n"
            ),
            "behind-a-length": post(b"Content-Length: 4", b"Transfer-Encoding: chunked", content=b"0\r\n\r\n"),
            "beside-a-length-of-zero": post(b"Content-Length: 0", b"Transfer-Encoding: chunked", content=b"0\r\n\r\n"),
            "beside-a-length-and-a-request": post(
                b"Content-Length: %d" % (5 + len(NEXT)), b"Transfer-Encoding: chunked", content=b"0\r\n\r\n" + NEXT
            ),
            "beside-a-malformed-length": post(
                b"Transfer-Encoding: chunked", b"Content-Length: x", content=b"0\r\n\r\n"
            ),
            "unknown-beside-a-length": post(b"Transfer-Encoding: xchunked", b"Content-Length: 5", content=b"hello"),
            "identity-beside-a-length": post(b"Transfer-Encoding: identity", b"Content-Length: 5", content=b"hello"),
            "empty-beside-a-length": post(b"Transfer-Encoding:", b"Content-Length: 5", content=b"hello"),
            "of-a-get-beside-a-length": fields(b"Transfer-Encoding: chunked", b"Content-Length: 5"),
            "space-before-colon": post(b"Transfer-Encoding : chunked", content=b"0\r\n\r\n"),
            "in-http-1.0": head(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
            "in-http-1.0-beside-a-length": head(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked", b"Content-Length: 5")
            + b"hello",
            "in-http-1.0-kept": head(b"POST / HTTP/1.0", b"Connection: keep-alive", b"Transfer-Encoding: chunked")
            + b"0\r\n\r\n",
            "identity-in-http-1.0": head(b"POST / HTTP/1.0", b"Transfer-Encoding: identity"),
        }
    ),
}

_END = b"0\r\n\r\n"

CHUNKS = {
    "one": kept(chunked(b"5\r\nhello\r\n" + _END), b"hello"),
    "two": kept(chunked(b"5\r\nhello\r\n6\r\n world\r\n" + _END), b"hello world"),
    "of-one-byte-each": kept(chunked(b"1\r\nx\r\n" * 200 + _END), b"x" * 200),
    "none": kept(chunked(_END), b""),
    "size-in-capitals": kept(chunked(b"A\r\n0123456789\r\n" + _END), b"0123456789"),
    "size-in-small-letters": kept(chunked(b"a\r\n0123456789\r\n" + _END), b"0123456789"),
    "size-of-two-digits": kept(chunked(b"1a\r\n" + b"x" * 26 + b"\r\n" + _END), b"x" * 26),
    "size-with-zeros-before": kept(chunked(b"0005\r\nhello\r\n" + _END), b"hello"),
    "size-of-sixteen-digits": kept(chunked(b"0000000000000005\r\nhello\r\n" + _END), b"hello"),
    "last-of-many-zeros": kept(chunked(b"5\r\nhello\r\n0000\r\n\r\n"), b"hello"),
    "content-of-line-ends": kept(chunked(b"4\r\n\r\n\r\n\r\n" + _END), b"\r\n\r\n"),
    "content-of-a-last-chunk": kept(chunked(b"5\r\n0\r\n\r\n\r\n" + _END), _END),
    "content-of-a-request": kept(chunked(b"%x\r\n%b\r\n" % (len(NEXT), NEXT) + _END), NEXT),
    "then-crlf-and-a-request": Case(chunked(_END) + b"\r\n" + NEXT, (200, 200), b""),
    "cut-in-the-size": waits(chunked(b"5")),
    "cut-behind-the-size": waits(chunked(b"5\r\n")),
    "cut-in-the-content": waits(chunked(b"5\r\nhel")),
    "cut-behind-the-content": waits(chunked(b"5\r\nhello")),
    "cut-behind-a-chunk": waits(chunked(b"5\r\nhello\r\n")),
    "cut-behind-the-last-size": waits(chunked(b"5\r\nhello\r\n0\r\n")),
    "cut-in-the-last-line-end": waits(chunked(b"5\r\nhello\r\n0\r\n\r")),
    "size-of-sixteen-f": refused(chunked(b"f" * 16 + b"\r\nhello\r\n" + _END), 413),
    "size-beyond-32-bits": refused(chunked(b"100000005\r\nhello\r\n" + _END), 413),
    "size-beyond-the-limit": refused(chunked(b"1000001\r\n"), 413),
    "sizes-beyond-the-limit-together": refused(chunked(b"5\r\nhello\r\nfffffc\r\n"), 413),
    **{
        name: refused(chunked(body))
        for name, body in {
            "size-beyond-64-bits": b"10000000000000005\r\nhello\r\n" + _END,
            "size-of-seventeen-digits": b"FFFFFFFFFFFFFFFF0\r\nhello\r\n" + _END,
            "size-of-seventeen-zeros": b"0" * 17 + b"\r\n\r\n",
            "size-of-300-digits": b"1" * 300 + b"\r\nhello\r\n" + _END,
            "size-empty": b"\r\nhello\r\n" + _END,
            "size-plus": b"+5\r\nhello\r\n" + _END,
            "size-minus": b"-5\r\nhello\r\n" + _END,
            "size-minus-zero": b"-0\r\n\r\n",
            "size-with-prefix": b"0x5\r\nhello\r\n" + _END,
            "size-with-capital-prefix": b"0X5\r\nhello\r\n" + _END,
            "size-with-letter-behind": b"5h\r\nhello\r\n" + _END,
            "size-no-hexadecimal": b"5g\r\nhello\r\n" + _END,
            "size-with-underscore": b"1_0\r\nhello world!!!!!\r\n" + _END,
            "size-with-point": b"5.0\r\nhello\r\n" + _END,
            "size-after-space": b" 5\r\nhello\r\n" + _END,
            "size-after-tab": b"\t5\r\nhello\r\n" + _END,
            "size-before-space": b"5 \r\nhello\r\n" + _END,
            "size-before-tab": b"5\t\r\nhello\r\n" + _END,
            "size-with-space-within": b"1 0\r\nhello world!!!!!\r\n" + _END,
            "size-with-comma": b"5,5\r\nhello\r\n" + _END,
            "size-quoted": b'"5"\r\nhello\r\n' + _END,
            "size-in-other-digits": "\N{ARABIC-INDIC DIGIT FIVE}\r\nhello\r\n".encode() + _END,
            "size-with-nul": b"5\0\r\nhello\r\n" + _END,
            "size-ended-by-lf": b"5\nhello\r\n" + _END,
            "size-ended-by-cr": b"5\rhello\r\n" + _END,
            "size-ended-by-cr-and-an-byte": b"5\rXhello\r\n" + _END,
            "size-ended-by-cr-cr-lf": b"5\r\r\nhello\r\n" + _END,
            "size-then-an-empty-line": b"5\r\n\r\nhello\r\n" + _END,
            "line-end-before-the-first": b"\r\n5\r\nhello\r\n" + _END,
            "content-not-chunked": b"hello",
            "content-longer": b"4\r\nhello\r\n" + _END,
            "content-much-longer": b"5\r\nhello-X\r\n" + _END,
            "content-shorter": b"6\r\nhello\r\n" + _END,
            "without-line-end": b"5\r\nhello" + _END,
            "ended-by-lf": b"5\r\nhello\n" + _END,
            "ended-by-cr": b"5\r\nhello\r" + _END,
            "ended-by-lf-cr": b"5\r\nhello\n\r" + _END,
            "ended-by-two-bytes": b"5\r\nhelloXX" + _END,
            "ended-by-spaces": b"5\r\nhello  " + _END,
            "last-ended-by-lf": b"5\r\nhello\r\n0\n\n",
            "last-minus": b"5\r\nhello\r\n-0\r\n\r\n",
            "last-with-letters": b"5\r\nhello\r\n0x\r\n\r\n",
            "all-lines-ended-by-lf": b"5\nhello\n0\n\n",
            "size-ended-by-lf-and-no-more": b"5\n",
            "request-in-place-of-the-last": b"5\r\nhello\r\n" + NEXT,
        }.items()
    },
}

EXTENSIONS = {
    **{
        name: kept(chunked(b"5" + extension + b"\r\nhello\r\n" + _END), b"hello")
        for name, extension in {
            "name": b";a",
            "name-and-value": b";a=b",
            "two": b";a=b;c=d",
            "quoted-value": b';a="b"',
            "quoted-semicolon": b';a=";"',
            "quoted-line-feed-look-alike": b';a="\\n"',
            "quoted-quote": b';a="\\""',
            "quoted-empty": b';a=""',
            "quoted-bytes-beyond-ascii": b';a="\xe9\xff"',
            "spaces-around-semicolon": b" ; a",
            "tab-before-semicolon": b"\t;a",
            "spaces-around-equals": b"; a = b",
            "of-token-bytes": b";!#$%&'*+-.^_`|~=!#$%&'*+-.^_`|~",
        }.items()
    },
    "on-the-last-chunk": kept(chunked(b"5\r\nhello\r\n0;a=b\r\n\r\n"), b"hello"),
    "on-many-chunks": kept(chunked(b"1;a=b\r\nx\r\n" * 100 + _END), b"x" * 100),
    **{
        name: refused(chunked(b"5" + extension + b"\r\nhello\r\n" + _END))
        for name, extension in {
            "empty": b";",
            "empty-then-another": b";;a",
            "empty-behind": b";a;",
            "without-name": b";=b",
            "without-value": b";a=",
            "space-behind": b";a ",
            "no-token": b";@{}",
            "bracket-in-name": b";bad[=x",
            "no-token-value": b";a=b c",
            "comma": b",a",
            "quote-open": b';a="b',
            "quote-open-by-escape": b';a="b\\"',
            "text-behind-quote": b';a="b"c',
            "quoted-name": b';"a"=b',
            "nul": b";a\0b",
            "nul-quoted": b';a="\0"',
            "delete": b";a\x7f",
            "control-quoted": b';a="\x01"',
            "byte-beyond-ascii": b";\xe9",
            "lf": b";a\nb",
            "lf-alone": b";\n",
            "lf-quoted": b';a="\n"',
            "cr": b";a\rb",
            "cr-quoted": b';a="\r"',
            "line-end-quoted": b';a="b\r\nhello"',
            "of-300-bytes": b";a=" + b"b" * 300,
            "of-100000-bytes": b";a=" + b"b" * 100_000,
        }.items()
    },
    "too-long-together": refused(chunked(b"".join(b"1;a=%b\r\nx\r\n" % (b"b" * 200) for _ in range(30)) + _END)),
}


def _trailers(section: bytes) -> bytes:
    return chunked(b"5\r\nhello\r\n0\r\n" + section + b"\r\n")


TRAILERS = {
    **{
        name: kept(_trailers(section), b"hello")
        for name, section in {
            "one": b"X-Sum: 1\r\n",
            "two": b"X-Sum: 1\r\nX-More: 2\r\n",
            "empty-value": b"X:\r\n",
            "content-length": b"Content-Length: 50\r\n",
            "transfer-encoding": b"Transfer-Encoding: chunked\r\n",
            "host": b"Host: evil.example\r\n",
            "host-that-is-none": b"Host: c]hunked\r\n",
            "host-empty": b"Host:\r\n",
            "content-length-that-is-none": b"Content-Length: x\r\n",
            "authorization": b"Authorization: Bearer evil\r\n",
            "content-type": b"Content-Type: text/evil\r\n",
            "connection": b"Connection: close\r\n",
            "cookie": b"Cookie: a=b\r\n",
            "all-that-must-not-be": b"Content-Length: 50\r\nHost: b\r\nConnection: close\r\nExpect: x\r\n",
        }.items()
    },
    "then-a-request": Case(_trailers(b"X: 1\r\n") + NEXT, (200, 200), b"hello"),
    "unfinished": waits(chunked(b"0\r\nX: 1\r\n")),
    "unfinished-and-malformed": refused(chunked(b"0\r\nGET / HTTP/1.1\r\n")),
    "unfinished-and-no-name": refused(chunked(b"0\r\n\x8f: 1\r\n")),
    "too-many": refused(_trailers(b"".join(b"X-%d: 1\r\n" % number for number in range(40))), 431),
    "too-large": refused(_trailers(b"X: " + b"a" * 9000 + b"\r\n"), 431),
    "of-200000-bytes": refused(_trailers(b"X-Trailer: 123456789\r\n" * 10_000), 431),
    **{
        name: refused(_trailers(section))
        for name, section in {
            "without-colon": b"abc\r\n",
            "without-colon-but-known": b"Host\r\n",
            "without-name": b": a\r\n",
            "space-before-colon": b"X : 1\r\n",
            "space-first": b" X: 1\r\n",
            "fold": b"X: a\r\n b\r\n",
            "lf-behind": b"X: 1\nY: 2\r\n",
            "lf-as-the-empty-line": b"X: 1\r\n\n",
            "all-lines-ended-by-lf": b"X: 1\n\n",
            "cr-within": b"X: a\rb\r\n",
            "nul-in-value": b"X: a\0b\r\n",
            "nul-in-name": b"X\0: a\r\n",
            "no-token-name": b"(X): a\r\n",
            "byte-beyond-ascii-in-name": b"X\xe9: a\r\n",
            "a-request": b"GET /x HTTP/1.1\r\nHost: a\r\n",
        }.items()
    },
}
