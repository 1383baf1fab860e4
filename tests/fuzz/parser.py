"""Fuzz the parsers, each behind the guard, and compare them with one another and with other splits.

``python -m tests.fuzz.parser --minutes 30``
"""

from __future__ import annotations

import random
import sys
import zlib
from importlib.util import find_spec

from tests.fuzz.driver import Check, Disagreement, fuzz
from turnbuckle.http.guard import guarded
from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.testing.differential.differences import Kind, Question, differ, permission_for
from turnbuckle.testing.parsing.outcome import ParserOutcome, read
from turnbuckle.testing.parsing.variants import byte_by_byte, cut
from turnbuckle_plugins.h11_parser import h11_parser
from turnbuckle_plugins.httptools_parser import httptools_parser

__all__ = ["make_check"]

_MAX_DRIP = 300


def make_check() -> Check:
    """Return the check."""
    core = H1ParserFactory()
    others = {"httptools": guarded(httptools_parser), "h11": guarded(h11_parser)}
    if find_spec("zttp"):
        from turnbuckle_plugins.zttp_parser import zttp_parser

        others["zttp"] = guarded(zttp_parser)

    def strict(data: bytes) -> ParserOutcome:
        return read(core, [data], at_end=True)

    def check(data: bytes) -> list[str]:
        expected = strict(data)
        if expected.fault:
            raise Disagreement(f"h1: {expected}")
        permitted = []
        cuts = _cuts(data)
        for name, factory in {"h1": core, **others}.items():
            found = read(factory, [data], at_end=True)
            kind = differ(expected, found)
            if kind is not None:
                question = Question(kind=kind, data=data, reference=expected, other=found, strict=strict)
                permission = permission_for(question)
                if permission is None:
                    raise Disagreement(f"{name} {kind.value}\nh1: {expected}\n{name}: {found}")
                permitted.append(f"{name}: {permission.name}")
            for pieces in cuts:
                split = read(factory, pieces, at_end=True)
                if differ(found, split) not in (None, Kind.STATUS):
                    raise Disagreement(f"{name} depends on the cut {pieces!r}\nwhole: {found}\ncut: {split}")
        return permitted

    return check


def _cuts(data: bytes) -> list[list[bytes]]:
    if len(data) < 2:
        return []
    # Seeded by the input only, so that findings are reproducible.
    chance = random.Random(zlib.crc32(data))
    cuts = [cut(data, [chance.randrange(1, len(data)) for _ in range(chance.randint(1, 4))])]
    return [*cuts, byte_by_byte(data)] if len(data) <= _MAX_DRIP and chance.random() < 0.3 else cuts


if __name__ == "__main__":
    sys.exit(fuzz(make_check))
