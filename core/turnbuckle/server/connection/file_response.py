"""Send a file from the kernel's memory to a socket with ``sendfile``, without copying it through Python (Linux).

This works if nothing has to see the bytes: no TLS, no middleware that changes the content, and no framing of pieces. In
all other cases ``response.py`` reads the file and writes its pieces.

Why this is hard: the transport owns the socket, and may close it at any time, after which its number can mean another
connection. So a duplicate of the descriptor is used until the end. And ``sendfile`` waits for the disk if a page is not
in memory, which must not happen on the loop: such pages are read in a thread first.
"""

from __future__ import annotations

import asyncio
import errno
import os
from typing import Final, Protocol

from turnbuckle.errors import ConnectionLost
from turnbuckle.http.serializer import BodyFraming, BodyWriter
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.response.file_body import FileBody, is_in_memory

__all__ = ["FileSink", "send_file"]

# Bytes that are sent before other connections get a turn.
_WINDOW: Final = 512 * 1024

# Errors of ``sendfile`` for file systems and sockets that it does not know.
_UNSUPPORTED: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})


class FileSink(Protocol):
    """The connection that a file is sent on."""

    is_writing_paused: bool
    """Whether the transport's write buffer, or the kernel's, is full."""

    @property
    def transport(self) -> asyncio.Transport:
        """The transport."""

    @property
    def clock(self) -> Clock:
        """The server's clock."""

    @property
    def timeouts(self) -> Timeouts:
        """The timeouts of the request."""

    @property
    def is_sending(self) -> bool:
        """Whether the head was sent, and the rest may follow."""

    def resume_writing(self) -> None:
        """Continue to write."""

    async def flush(self) -> None:
        """Wait until the transport can take more data.

        Raises:
            ConnectionLost: the connection is gone.
        """

    def abort(self) -> None:
        """Cut the connection off."""


async def send_file(connection: FileSink, writer: BodyWriter, body: FileBody) -> bool:
    """Send the content of an open file, or a part of it, from the kernel's memory, except if that is not possible.

    The content is shorter than announced if the file shrank; ``writer.end`` then raises.

    Returns:
        Whether it was possible; if not, nothing was sent.

    Raises:
        ConnectionLost: the connection is gone, or the peer reads too slowly.
        OSError: the file cannot be read.
    """
    number, file = _socket_number(connection.transport), body.fileno()
    if number is None or file < 0 or writer.framing is not BodyFraming.LENGTH or writer.length != body.size:
        return False
    socket = os.dup(number)
    try:
        # The head may still be in the transport's buffer, and must not be overtaken.
        if connection.transport.get_write_buffer_size():
            await asyncio.sleep(0)
        if connection.transport.get_write_buffer_size():
            return False
        await _Sending(connection, writer, socket, file, body.start).run()
    except OSError as error:
        if error.errno not in _UNSUPPORTED or writer.written:
            raise
        return False
    finally:
        os.close(socket)
    return True


def _socket_number(transport: asyncio.Transport) -> int | None:
    """Return the descriptor of a plain socket; None if there is none, or if the content has to be encrypted."""
    if not hasattr(os, "RWF_NOWAIT") or transport.get_extra_info("sslcontext") is not None:
        return None
    socket = transport.get_extra_info("socket")
    number = -1 if socket is None else socket.fileno()
    return number if number >= 0 else None


class _Sending:
    """One file on its way.

    Args:
        connection: the connection.
        writer: counts the bytes, and knows how many were announced.
        socket: a duplicate of the connection's descriptor.
        file: the descriptor of the file.
        start: position of the first byte in the file.
    """

    __slots__ = ("_connection", "_file", "_socket", "_start", "_waited", "_waited_from", "_writer")

    def __init__(self, connection: FileSink, writer: BodyWriter, socket: int, file: int, start: int) -> None:
        self._connection: Final = connection
        self._writer: Final = writer
        self._socket: Final = socket
        self._file: Final = file
        self._start: Final = start
        # Seconds of waiting for the peer, and the number of bytes that were sent before them.
        self._waited = 0.0
        self._waited_from = 0

    async def run(self) -> None:
        """Send the announced number of bytes, or all up to the end of the file."""
        length = self._writer.length or 0
        while remaining := length - self._writer.written:
            size, offset = min(_WINDOW, remaining), self._start + self._writer.written
            if not is_in_memory(self._file, offset, size):
                await asyncio.to_thread(os.pread, self._file, size, offset)
            sent = await self._send(size)
            if not sent:
                return
            self._writer.count(sent)
            if sent == size and remaining > size:
                # The kernel takes all, so nothing else has a turn without this.
                await asyncio.sleep(0)

    async def _send(self, size: int) -> int:
        """Return the number of bytes that the kernel has taken; 0 at the end of the file."""
        while True:
            if not self._connection.is_sending:
                raise ConnectionLost("the peer went away")
            try:
                return os.sendfile(self._socket, self._file, self._start + self._writer.written, size)
            except BlockingIOError:
                await self._wait()
            except (ConnectionError, TimeoutError) as error:
                raise ConnectionLost("the peer went away") from error

    async def _wait(self) -> None:
        """Wait until the socket has room, under the same deadline and minimum rate as ``flush``."""
        connection, loop = self._connection, asyncio.get_running_loop()
        began = connection.clock.monotonic()
        connection.is_writing_paused = True
        loop.add_writer(self._socket, connection.resume_writing)
        try:
            await connection.flush()
        finally:
            loop.remove_writer(self._socket)
        self._waited += connection.clock.monotonic() - began
        timeouts, sent = connection.timeouts, self._writer.written - self._waited_from
        if timeouts.write and self._waited >= timeouts.write:
            if sent < timeouts.write * timeouts.write_rate:
                connection.abort()
                raise ConnectionLost("the peer reads too slowly")
            self._waited, self._waited_from = 0.0, self._writer.written
