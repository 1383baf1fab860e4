"""The content of a request: read as a whole, as text, JSON or a form, or as a stream (RFC 9110, section 6.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

import attrs

from turnbuckle.errors import BadRequest, ContentTooLarge, UnsupportedMediaType
from turnbuckle.web.content.charsets import decode_text
from turnbuckle.web.content.codecs import JSON_TYPE, Codecs
from turnbuckle.web.content.content import NO_CONTENT, ContentReader, ContentSource, decode_json
from turnbuckle.web.content.forms import FormData, FormLimits, read_form
from turnbuckle.web.content.ndjson import NDJSON_TYPES, decode_lines
from turnbuckle.web.content.transform import ContentTransform, TransformedContent
from turnbuckle.web.headers import Headers, check_field_name, check_field_value
from turnbuckle.web.media_type import MediaType, parse_media_type
from turnbuckle.web.request.base import BaseRequest
from turnbuckle.web.request.context import AppContext
from turnbuckle.web.request.sync import SyncContent

__all__ = ["ReadableRequest"]


class ReadableRequest(BaseRequest):
    """A request with its content."""

    __slots__ = ("_app", "_content_source", "_form", "_json_limit", "_media_type", "_reader", "_sync")

    _app: AppContext
    _content_source: ContentSource | None
    _form: FormData | None
    _json_limit: int | None
    _media_type: MediaType | None
    _reader: ContentReader | None

    @property
    def media_type(self) -> MediaType:
        """Return the Content-Type with its parameters; its ``essence`` is ``""`` if there is none, or more than one."""
        media_type = self._media_type
        if media_type is None:
            media_type = self._media_type = parse_media_type(", ".join(self.headers.get_list("content-type")))
        return media_type

    @property
    def content_type(self) -> str:
        """Return the media type of the content in lower case, without parameters; ``""`` if there is none."""
        return self.media_type.essence

    @property
    def content_length(self) -> int | None:
        """Return the number of bytes of content, or None if it is only known at the end of the content."""
        return self.head.content_length

    @property
    def content_limit(self) -> int:
        """The maximum number of bytes of content; more are answered with 413. It may be set until reading begins."""
        return (self._content_source or NO_CONTENT).limit

    @content_limit.setter
    def content_limit(self, limit: int) -> None:
        if self._content_source is not None:
            self._content_source.limit = limit

    @property
    def json_limit(self) -> int:
        """The maximum number of bytes that a codec decodes; more are answered with 413.

        It applies to JSON, to one line of NDJSON, and to the formats of plugins, and may be set until content is read.
        """
        limit = self._json_limit
        return self._app.json_limit if limit is None else limit

    @json_limit.setter
    def json_limit(self, limit: int) -> None:
        self._json_limit = limit

    async def read(self) -> bytes:
        """Return the complete content. It is stored, so this method may be called again.

        Raises:
            ContentTooLarge: the content exceeds the limit.
            ConnectionLost: the client disconnected before the end of the content.
            RuntimeError: the content was streamed.
        """
        content = self.received()
        return await self._content_reader().read() if content is None else content

    def received(self) -> bytes | None:
        """Return the complete content if it has arrived, and None if it is still to be read.

        Raises:
            ContentTooLarge: the content exceeds the limit.
        """
        if self._reader is not None:
            return self._reader.received()
        source = self._content_source or NO_CONTENT
        content = source.take()
        self._reader = ContentReader(source, content)
        return content

    async def text(self) -> str:
        """Return the content as text, decoded with the charset of its Content-Type, or else as UTF-8.

        Raises:
            BadRequest: the charset is unknown, or the content is not valid in it.
        """
        return decode_text(await self.read(), self.media_type.charset or "utf-8")

    async def json(self) -> object:
        """Return the content decoded as JSON.

        A request from a web page has an ``Origin`` field, and must then have a JSON media type. Browsers let any page
        send plain text to any site together with the site's cookies, but ask the site for permission before they send
        ``application/json`` (Fetch, section 3.2). A request without ``Origin`` may have any media type.

        Raises:
            BadRequest: the content is not JSON.
            ContentTooLarge: the content exceeds ``json_limit``, or the limit on content.
            UnsupportedMediaType: the request has an ``Origin`` field, and its Content-Type is not a JSON type.
        """
        lines = self.head.lines
        # A look at the lines costs less than at the fields; hardly any program that sends JSON sends the field.
        is_possible = not lines or b"origin:" in lines.lower()
        if is_possible and "origin" in self.headers and not self.media_type.is_json:
            raise UnsupportedMediaType("send JSON as application/json", accept=[JSON_TYPE])
        limit = self._json_limit
        if limit is None:
            limit = self._app.json_limit
        content = self.received()
        if content is None:
            content = await self._read_limited(limit)
        if len(content) > limit:
            raise ContentTooLarge(f"JSON of {len(content)} bytes exceeds {limit}")
        return decode_json(content, self._app.codecs.json)

    async def _read_limited(self, limit: int) -> bytes:
        source = self._content_source
        if source is not None and source.limit > limit:
            # The smaller limit applies while the content arrives, so that it is not stored beyond the limit.
            source.limit = limit
        return await self._content_reader().read()

    async def decode(self) -> object:
        """Return the content decoded by its media type: as JSON, or in the format of a plugin.

        Raises:
            BadRequest: the content does not have the format.
            ContentTooLarge: the content exceeds ``json_limit``, or the limit on content.
            UnsupportedMediaType: no codec has the Content-Type, or there is none; ``Accept`` lists the types.
        """
        media_type, codecs = self.media_type, self._app.codecs
        codec = codecs.find(media_type)
        if codec is None:
            essence = media_type.essence
            problem = f"{essence!r} is not accepted" if essence else "the content has no type"
            raise UnsupportedMediaType(problem, accept=codecs.types)
        if codec is codecs.json:
            return await self.json()
        limit = self.json_limit
        content = await self._read_limited(limit)
        if len(content) > limit:
            raise ContentTooLarge(f"content of {len(content)} bytes exceeds {limit}")
        try:
            return codec.decode(content)
        except (ValueError, RecursionError) as error:
            raise BadRequest(f"the content is not {media_type.essence}") from error

    def ndjson(self) -> AsyncIterator[object]:
        """Return an iterator over the values of newline-delimited JSON, which are decoded as they arrive.

        Each line may have ``json_limit`` bytes; all lines together may have the limit on content. As for ``json()``, a
        request from a web page must have one of the media types of NDJSON, such as ``application/x-ndjson``.

        Raises:
            UnsupportedMediaType: the request has an ``Origin`` field, and its Content-Type is none of these types.
            BadRequest: a line is not JSON; raised by the iterator, with the number of the line.
            ContentTooLarge: a line exceeds the limit; raised by the iterator.
        """
        if "origin" in self.headers and self.media_type.essence not in NDJSON_TYPES:
            raise UnsupportedMediaType(f"send lines of JSON as {NDJSON_TYPES[0]}", accept=NDJSON_TYPES)
        return decode_lines(self.stream(), self._app.codecs.json.decode, self.json_limit)

    async def form(self, limits: FormLimits | None = None) -> FormData:
        """Return the fields and files of a form. A file exists while the form or the file object is referenced.

        Args:
            limits: the limits of this form; by default, those in the settings ``forms``.

        Raises:
            BadRequest: the form is malformed, or has more fields or files, or a longer name, than the limits allow.
            ContentTooLarge: the text of the form, or a file, exceeds the limit.
            UnsupportedMediaType: the content is not a form, or it is multipart and the extra ``forms`` is missing.
        """
        if self._form is None:
            self._form = await read_form(self, limits or self._app.form_limits)
        return self._form

    @property
    def loaded_form(self) -> FormData | None:
        """The form, if it was read already; else None."""
        return self._form

    @loaded_form.setter
    def loaded_form(self, form: FormData) -> None:
        self._form = form

    @property
    def codecs(self) -> Codecs:
        """Return the codecs of the app, which decode content by its media type."""
        return self._app.codecs

    def stream(self) -> AsyncIterator[bytes]:
        """Return an iterator over the content as it arrives. The content can be streamed once.

        Raises:
            RuntimeError: the content was streamed already; raised by the first step of the iterator.
        """
        return self._content_reader().stream()

    async def next_piece(self) -> bytes:
        """Return the next piece of the content as it arrives; ``b""`` at its end, and on every later call.

        This is for adapters that pass the content on to another framework: a call that is cancelled loses nothing.

        Raises:
            RuntimeError: the content was streamed or read before.
        """
        return await self._content_reader().next_piece()

    @property
    def sync(self) -> SyncContent:
        """The methods for content without ``await``, for a plain ``def`` handler, which runs in a thread."""
        # Few requests use it. Initializing the slot would cost time on every request.
        sync = getattr(self, "_sync", None)
        if sync is None:
            sync = self._sync = SyncContent(self, self._app.loop)
        return sync

    def transform_content(self, transform: ContentTransform, *, replaced: Collection[str] = ()) -> None:
        """Replace the content by the output of a transform, which is read instead from now on; for middleware.

        ``content_length`` becomes None, the field Content-Length is removed, and the limits count transformed bytes.
        Without content, only the fields are removed. Middleware may have read the content with ``read()`` before, for
        example to verify a signature.

        Args:
            transform: a new object, which ``ContentTransform`` describes.
            replaced: names of further fields that do not describe the transformed content.

        Raises:
            RuntimeError: the content was streamed, or is being read.
        """
        source = self._content_source
        if source is not None and self._reader is not None:
            source = self._reader.release()
        removed = {"content-length", *(name.lower() for name in replaced)}
        head = self.head
        fields = [pair for pair in head.fields if pair[0].decode("latin-1") not in removed]
        length = None if source is not None else head.content_length
        self.head = attrs.evolve(head, fields=fields, content_length=length)
        self._headers = None
        if "content-type" in removed:
            self._media_type = None
        if source is not None:
            self._content_source, self._reader = TransformedContent(source, transform), None

    def replace_header(self, name: str, value: str | None) -> None:
        """Replace all lines of a field by one line with a value, or remove them if the value is None; for middleware.

        The fields of framing, such as Content-Length, keep their effect, because the content was framed before.

        Raises:
            ValueError: the field could not have been received.
        """
        lower_name = check_field_name(name).lower().encode("ascii")
        fields = [pair for pair in self.head.fields if pair[0] != lower_name]
        if value is not None:
            fields.append((lower_name, check_field_value(name, value).encode("latin-1")))
        self.head = attrs.evolve(self.head, fields=fields)
        self._headers = self._cookies = self._media_type = None

    def _content_reader(self) -> ContentReader:
        reader = self._reader
        if reader is None:
            reader = self._reader = ContentReader(self._content_source or NO_CONTENT)
        return reader

    @property
    def trailers(self) -> Headers:
        """Return the trailer fields. They are complete once all content was read."""
        return Headers((self._content_source or NO_CONTENT).trailers)
