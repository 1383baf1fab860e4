"""One request on a stream, from its head to the end of its response: its task, content, deadlines and state.

The carrier owns the stream and its framing; the server owns this object, and decides everything that does not depend on
the framing. Each side calls the other: the carrier reports content and the end of the stream to ``StreamRun``, and the
server sends through the carrier's ``StreamChannel``.

``HTTPExchange`` and ``HTTPConnection`` do the same for HTTP/1.1, where a connection serves one request at a time, and
where each call counts.

Sources: RFC 9110, sections 10.1.1, 15.5.9, 15.5.14 and 15.6.4.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextvars import Context, copy_context
from typing import Final, final

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import Data, EndOfMessage, RawFields, RequestHead
from turnbuckle.server.connection.base import wake
from turnbuckle.server.connection.content import IncomingContent
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.connection_state import ANSWERING, ConnectionState
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.streams.answer import answer
from turnbuckle.server.streams.base import BaseRun
from turnbuckle.server.streams.feed import StreamFeed
from turnbuckle.server.streams.fields import check_request_head, encode_pairs
from turnbuckle.web.request.request import Request
from turnbuckle.web.request.response_work import Work
from turnbuckle.web.streams.stream_context import STREAM_CONTEXT

__all__ = ["StreamRun"]

_HANDLING: Final = ConnectionState.HANDLING
_CLOSED: Final = ConnectionState.CLOSED

_TASK_NAME: Final = "turnbuckle request"
_STARTS_AT_ONCE: Final = sys.version_info >= (3, 12)


@final
class StreamRun(BaseRun):
    """One request on a stream, as ``ProtocolLink.run()`` and ``HostedApplication.run()`` return it.

    A carrier calls ``content_received``, ``content_ended``, ``content_failed``, ``resume_writing`` and ``disconnect``,
    and reads ``is_done``; it may await ``finished``. All other methods are called by the server. ``BaseRun`` has the
    attributes.
    """

    __slots__ = ()

    # -- calls of the carrier ------------------------------------------------------------------------------------------

    def content_received(self, data: bytes) -> None:
        """Take content. The carrier bounds how much it passes on before ``StreamChannel.content_consumed``."""
        if not data:
            return
        if self.feed is None or self.state not in ANSWERING:
            self.channel.content_consumed(len(data))
        else:
            self.feed.add(Data(data))

    def content_ended(self, trailers: RawFields = ()) -> None:
        """Take the end of the content, and its trailer fields."""
        if self.feed is not None:
            self.feed.add(EndOfMessage(trailers))

    def content_failed(self, error: ProtocolError) -> None:
        """Make the handler's reading of the content fail; the response has the status of the error."""
        if self.feed is not None:
            self.feed.fail(error)

    def resume_writing(self) -> None:
        """Continue to write, or note that the whole response was passed on."""
        if self.state is ConnectionState.FLUSHING:
            if not self.channel.unsent_size:
                self._end()
        else:
            wake(self._sender)

    async def finished(self) -> None:
        """Wait until the task of the request, and the functions after its response, have ended.

        For hosts that stop the process after a request. Cancelling the wait does not cancel them.
        """
        if self.task is not None:
            await self.server.response_work.finished(self.task)

    # -- the start -----------------------------------------------------------------------------------------------------

    def begin(self, *, has_content: bool, is_checked: bool = False) -> None:
        """Check the head, and start the task of the request, or refuse it.

        Args:
            has_content: whether content, or its end, will follow.
            is_checked: whether an equal head was checked before, and has its ``content_length``.
        """
        server, head = self.server, self.head
        application = server.application
        if not is_checked:
            try:
                check_request_head(head, application.limits, has_content=has_content)
            except ProtocolError as error:
                self._refuse_head(error)
                return
        if has_content:
            feed = self.feed = StreamFeed(self)
            self.content = IncomingContent(feed, head, application.content_limit)
        request = Request(head, self.content, self.peer, server.app_context)
        request.exchange = self
        if server.tracks_requests and not self._track(request):
            return
        self.is_running = True
        coroutine = answer(self, request)
        context = server.context.copy() if self.owner.peer is not None else _context_of_host(server)
        if _STARTS_AT_ONCE:
            task = asyncio.Task(coroutine, loop=server.loop, name=_TASK_NAME, context=context, eager_start=True)  # type: ignore[call-arg]
        else:
            task = asyncio.Task(coroutine, loop=server.loop, name=_TASK_NAME, context=context)
        self.task = task

    def _refuse_head(self, error: ProtocolError) -> None:
        if self.server.access is not None:
            self.unlogged = Request(self.head, None, self.peer, self.server.app_context)
        self.refuse(error.status, str(error))
        self._leave()

    def _track(self, request: Request) -> bool:
        """Record the start of a request for the log and the limits; return False if it was refused."""
        server = self.server
        if server.access is not None:
            self.unlogged = request
        self.use_timeouts(server.application.timeouts)
        if not server.application.capacity.concurrent_requests:
            return True
        self._has_slot = server.admission.begin_request()
        if not self._has_slot:
            self.refuse(503, "too many requests at a time")
            self._leave()
        return self._has_slot

    # -- calls of the application --------------------------------------------------------------------------------------

    def use_timeouts(self, timeouts: Timeouts) -> None:
        """Replace the deadlines of a request that is being handled; they count from its start."""
        if self.state is _HANDLING:
            self.timeouts = timeouts
            self.deadlines.start(self.started, timeouts)
            self._arm_next()

    def send_early_hints(self, head: RequestHead, links: Sequence[str]) -> bool:
        """Send 103 before the response; return whether it was sent.

        Raises:
            ValueError: a value cannot be sent.
            RuntimeError: the head of the response was sent.
        """
        fields = encode_pairs([("link", link) for link in links])
        if self.state is _CLOSED:
            return False
        if self.state is not _HANDLING:
            raise RuntimeError("early hints precede the response, whose head was sent")
        if not self.head.minor_version or self.channel.is_writing_paused:
            return False
        return self.channel.send_interim(103, fields)

    def run_after(self, head: RequestHead, work: Work) -> None:
        """Run work after the response.

        Raises:
            RuntimeError: the response was sent.
            ServiceUnavailable: there is too much work.
        """
        task = self.task
        if self.state not in ANSWERING:
            task = None
        elif task is None:
            # A task that starts at once is not stored before its first wait; no other task runs then.
            task = asyncio.current_task()
        if task is None or task.done():
            raise RuntimeError("the response is sent; request.after_response() is called while the request is served")
        self.server.response_work.add(task, work, self.timeouts.after_response)


def _context_of_host(server: ServerState) -> Context:
    """Return the context of the caller, in which middleware of a host may have set variables, for a request."""
    context = copy_context()
    context.run(STREAM_CONTEXT.set, server.context[STREAM_CONTEXT])
    return context
