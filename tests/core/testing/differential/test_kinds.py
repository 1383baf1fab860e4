"""Tests of ``turnbuckle.testing.differential.kinds``."""

from __future__ import annotations

import attrs
import pytest

from turnbuckle.testing.differential.kinds import Kind, differ
from turnbuckle.testing.parsing.outcome import Outcome, ReadRequest

GET = ReadRequest(b"GET", b"/")
POST = ReadRequest(b"POST", b"/", content=b"x")
HALF = attrs.evolve(GET, trailers=None)
TAKEN = Outcome(requests=(GET,))
REFUSED = Outcome(status=400)


@pytest.mark.parametrize(
    ("reference", "other", "kind"),
    [
        pytest.param(TAKEN, TAKEN, None, id="same"),
        pytest.param(REFUSED, Outcome(status=431), None, id="same-class-of-status"),
        pytest.param(
            Outcome(requests=(attrs.evolve(HALF, content=b"a"),), status=400),
            Outcome(requests=(attrs.evolve(HALF, content=b"ab"),), status=400),
            None,
            id="content-of-what-is-refused",
        ),
        pytest.param(TAKEN, Outcome(fault="raised"), Kind.FAULT, id="fault"),
        pytest.param(TAKEN, Outcome(requests=(POST,)), Kind.READS, id="another-request"),
        pytest.param(TAKEN, Outcome(requests=(GET, GET)), Kind.READS, id="one-more"),
        pytest.param(REFUSED, TAKEN, Kind.TAKES, id="taken"),
        pytest.param(TAKEN, REFUSED, Kind.REFUSES, id="refused"),
        pytest.param(Outcome(requests=(GET,), status=400), REFUSED, Kind.PLACE, id="refused-before"),
        pytest.param(Outcome(requests=(HALF,), status=400), REFUSED, Kind.MOMENT, id="refused-without-a-head"),
        pytest.param(REFUSED, Outcome(status=501), Kind.STATUS, id="status"),
    ],
)
def test_differ(reference: Outcome, other: Outcome, kind: Kind | None) -> None:
    assert differ(reference, other) is kind
