"""Tests of ``turnbuckle.testing.differential.differences``."""

from __future__ import annotations

import attrs
import pytest

from turnbuckle.testing.differential.differences import Kind, differ
from turnbuckle.testing.parsing.outcome import ParserOutcome, ReadRequest

GET = ReadRequest(b"GET", b"/")
POST = ReadRequest(b"POST", b"/", content=b"x")
HALF = attrs.evolve(GET, trailers=None)
TAKEN = ParserOutcome(requests=(GET,))
REFUSED = ParserOutcome(status=400)


@pytest.mark.parametrize(
    ("reference", "other", "kind"),
    [
        pytest.param(TAKEN, TAKEN, None, id="same"),
        pytest.param(REFUSED, ParserOutcome(status=431), None, id="same-class-of-status"),
        pytest.param(
            ParserOutcome(requests=(attrs.evolve(HALF, content=b"a"),), status=400),
            ParserOutcome(requests=(attrs.evolve(HALF, content=b"ab"),), status=400),
            None,
            id="content-of-what-is-refused",
        ),
        pytest.param(TAKEN, ParserOutcome(fault="raised"), Kind.FAULT, id="fault"),
        pytest.param(TAKEN, ParserOutcome(requests=(POST,)), Kind.READS, id="another-request"),
        pytest.param(TAKEN, ParserOutcome(requests=(GET, GET)), Kind.READS, id="one-more"),
        pytest.param(REFUSED, TAKEN, Kind.TAKES, id="taken"),
        pytest.param(TAKEN, REFUSED, Kind.REFUSES, id="refused"),
        pytest.param(ParserOutcome(requests=(GET,), status=400), REFUSED, Kind.PLACE, id="refused-before"),
        pytest.param(ParserOutcome(requests=(HALF,), status=400), REFUSED, Kind.MOMENT, id="refused-without-a-head"),
        pytest.param(REFUSED, ParserOutcome(status=501), Kind.STATUS, id="status"),
    ],
)
def test_differ(reference: ParserOutcome, other: ParserOutcome, kind: Kind | None) -> None:
    assert differ(reference, other) is kind
