"""Read and write the messages that are fragmented or compressed, with the library websockets.

The library gets whole frames, one at a time. So it never waits for the rest of a frame, and the connection reads all
other frames itself. Most connections never need it, so it is made with the first such frame.
"""

from __future__ import annotations

import codecs
import logging
from typing import Final, cast, final

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER, Protocol

from turnbuckle_plugins.websocket.frames import Violation
from turnbuckle_plugins.websocket.handshake import COMPRESS_SETTINGS, Compression

__all__ = ["Engine"]

_MAX_EMPTY: Final = 1000

_decoder_of: Final = codecs.getincrementaldecoder("utf-8")
# The library logs the end of each connection, and its frames.
_LOGGER: Final = logging.getLogger("turnbuckle.websocket.library")


@final
class Engine:
    """The library's state of one connection, and the message that is being received.

    Args:
        max_message: largest message.
        max_frame: largest frame.
        compression: the negotiated compression; None for none.

    Attributes:
        is_in_message: whether the rest of a fragmented message is still to come.
    """

    __slots__ = ("_decoder", "_empty", "_parts", "_protocol", "is_in_message")

    def __init__(self, max_message: int, max_frame: int, compression: Compression | None) -> None:
        _LOGGER.setLevel(logging.ERROR)
        self._protocol: Final = Protocol(SERVER, max_size=(max_message, max_frame), logger=_LOGGER)
        if compression is not None:
            deflate = PerMessageDeflate(*compression[:4], compress_settings=COMPRESS_SETTINGS)
            self._protocol.extensions = [deflate]
        self._decoder: codecs.IncrementalDecoder | None = None
        self._parts = bytearray()
        self._empty = 0
        self.is_in_message = False

    def receive(self, data: bytes) -> str | bytes | None:
        """Return the message that a data frame completes, or None if more is to come.

        Args:
            data: one whole frame.

        Raises:
            Violation: 1002, 1007, 1008 or 1009.
        """
        protocol = self._protocol
        protocol.receive_data(data)
        if protocol.parser_exc is not None:
            sent = protocol.close_sent
            raise Violation(int(sent.code), sent.reason) if sent is not None else Violation(1002, "protocol error")
        message: str | bytes | None = None
        for event in protocol.events_received():
            # A server receives no other events.
            message = self._add(cast("Frame", event))
        return message

    def _add(self, received: Frame) -> str | bytes | None:
        payload = bytes(received.data)
        if received.opcode is not Opcode.CONT:
            self._decoder = _decoder_of() if received.opcode is Opcode.TEXT else None
        decoder = self._decoder
        self.is_in_message = not received.fin
        self._count_empty(received)
        try:
            if received.fin and not self._parts:
                return payload if decoder is None else decoder.decode(payload, True)
            self._parts += payload
            if decoder is not None:
                # Invalid text is refused with the first fragment that shows it.
                decoder.decode(payload, received.fin)
        except UnicodeDecodeError as error:
            raise Violation(1007, "the text is not UTF-8") from error
        if not received.fin:
            return None
        parts, self._parts, self._decoder = self._parts, bytearray(), None
        return bytes(parts) if decoder is None else parts.decode()

    def _count_empty(self, received: Frame) -> None:
        """Refuse a message of too many fragments without payload, which have no limit in bytes."""
        if received.fin:
            self._empty = 0
        elif not received.data:
            self._empty += 1
            if self._empty > _MAX_EMPTY:
                raise Violation(1008, f"a message of more than {_MAX_EMPTY} empty fragments")

    def send(self, message: str | bytes) -> bytes:
        """Return the frame of a message, compressed if that was negotiated."""
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        return b"".join(self._protocol.data_to_send())
