"""Cut the octets of a connection into pieces that a library can read.

The libraries behind the parsers of this package read lines well, but they end lines, limit sizes and stop after a
message each in a way of its own, or not at all. So the cutting is done here, once and strictly: heads, chunk lines,
content and trailers are cut out of the octets, held against the limits, and given to the library piece by piece.
"""

from __future__ import annotations

from turnbuckle_plugins.cutting.head import Head
from turnbuckle_plugins.cutting.parser import CutParser, MessageReader

__all__ = ["CutParser", "Head", "MessageReader"]
