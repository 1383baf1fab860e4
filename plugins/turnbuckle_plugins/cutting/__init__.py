"""Cut the bytes of a connection into pieces for a library.

The libraries behind the parsers of this package read lines well. But each of them ends lines, limits sizes and stops
after a message in its own way, or not at all. Therefore the cutting is done here, once and strictly: heads, chunk
lines, content and trailers are cut, checked against the limits, and passed to the library piece by piece.
"""

from __future__ import annotations

from turnbuckle_plugins.cutting.head import Head
from turnbuckle_plugins.cutting.parser import CutParser, MessageReader

__all__ = ["CutParser", "Head", "MessageReader"]
