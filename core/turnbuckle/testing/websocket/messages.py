"""Assemble frames into messages, and compress them (RFC 6455, section 5.4; RFC 7692), without I/O."""

from __future__ import annotations

import re
import zlib
from typing import Final, final

from turnbuckle.testing.websocket.frames import CONTINUATION, TEXT, Frame, MalformedFrame

__all__ = ["Deflate", "MessageAssembler", "close_payload", "read_close"]

# The end of a deflated block that a sender removes (RFC 7692, section 7.2.1).
_TAIL: Final = b"\x00\x00\xff\xff"
_WINDOW_BITS: Final = re.compile(r"(client|server)_max_window_bits=(\"?)(8|9|1[0-5])\2")
# Section 7.4: codes that may be sent in a close frame, besides 3000 to 4999.
_CODES: Final = frozenset({*range(1000, 1004), *range(1007, 1015)})


@final
class Deflate:
    """The client's side of permessage-deflate.

    Args:
        parameters: the parameters of the extension in the server's response.

    Raises:
        MalformedFrame: a parameter is unknown, malformed or repeated.
    """

    def __init__(self, parameters: list[str]) -> None:
        bits = {"client": 15, "server": 15}
        self._keeps: Final = {"client": True, "server": True}
        names = [parameter.partition("=")[0] for parameter in parameters]
        for parameter in parameters:
            found = _WINDOW_BITS.fullmatch(parameter)
            side, _, rest = parameter.partition("_")
            if names.count(parameter.partition("=")[0]) > 1:
                raise MalformedFrame(f"permessage-deflate has the parameter {parameter!r} more than once")
            if found is not None:
                bits[found[1]] = int(found[3])
            elif side in bits and rest == "no_context_takeover":
                self._keeps[side] = False
            else:
                raise MalformedFrame(f"permessage-deflate has the unknown parameter {parameter!r}")
        # zlib cannot compress with a window of 256 bytes, and a client may use a smaller window than it must.
        self._client_bits: Final = -max(9, bits["client"])
        self._server_bits: Final = -bits["server"]
        self._compressor = zlib.compressobj(wbits=self._client_bits)
        self._decompressor = zlib.decompressobj(wbits=self._server_bits)

    def compress(self, payload: bytes) -> bytes:
        """Return the compressed payload of the next message."""
        if not self._keeps["client"]:
            self._compressor = zlib.compressobj(wbits=self._client_bits)
        data = self._compressor.compress(payload) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return data.removesuffix(_TAIL)

    def decompress(self, payload: bytes) -> bytes:
        """Return the payload of a received message.

        Raises:
            MalformedFrame: it is not compressed as negotiated.
        """
        if not self._keeps["server"]:
            self._decompressor = zlib.decompressobj(wbits=self._server_bits)
        try:
            return self._decompressor.decompress(payload + _TAIL)
        except zlib.error as error:
            raise MalformedFrame(f"message is not compressed as negotiated: {error}") from error


@final
class MessageAssembler:
    """Assemble the data frames of a server into messages.

    Args:
        deflate: the decompression, if it was negotiated.
    """

    def __init__(self, deflate: Deflate | None = None) -> None:
        self._deflate: Final = deflate
        self._first: Frame | None = None
        self._payload: Final = bytearray()

    def take(self, frame: Frame) -> str | bytes | None:
        """Add a data frame; return the message if it is complete.

        Raises:
            MalformedFrame: the frame must not follow the frames before it, or the message is malformed.
        """
        if (frame.opcode == CONTINUATION) == (self._first is None):
            raise MalformedFrame(f"data frame with opcode {frame.opcode:#x} is out of order")
        first = self._first = self._first or frame
        self._payload.extend(frame.payload)
        if not frame.is_final:
            return None
        payload = bytes(self._payload)
        self._payload.clear()
        self._first = None
        if first.reserved and self._deflate is not None:
            payload = self._deflate.decompress(payload)
        return _text(payload) if first.opcode == TEXT else payload


def close_payload(code: int, reason: str = "") -> bytes:
    """Return the payload of a close frame; 1005 stands for a frame without code."""
    return b"" if code == 1005 else code.to_bytes(2, "big") + reason.encode()


def read_close(frame: Frame) -> tuple[int, str]:
    """Return code and reason of a server's close frame; the code is 1005 if there is none (section 7.1.5).

    Raises:
        MalformedFrame: the payload has one byte, a code that must not be sent, or a reason that is not UTF-8.
    """
    if not frame.payload:
        return 1005, ""
    code = int.from_bytes(frame.payload[:2], "big")
    if len(frame.payload) == 1 or (code not in _CODES and not 3000 <= code <= 4999):
        raise MalformedFrame(f"close frame has the payload {frame.payload!r}")
    return code, _text(frame.payload[2:])


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise MalformedFrame(f"text is not UTF-8: {error}") from error
