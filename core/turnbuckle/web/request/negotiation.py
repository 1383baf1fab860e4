"""Choose the representation that a client accepts: media type, language, charset and coding (RFC 9110, section 12)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TypeVar, cast

from turnbuckle.errors import NotAcceptable
from turnbuckle.web.content.codecs import JSON_TYPE
from turnbuckle.web.content.negotiation import best_charset, best_coding, best_language, best_media_type
from turnbuckle.web.headers import HeaderPairs
from turnbuckle.web.request.content import ReadableRequest
from turnbuckle.web.response.response import FormattedResponse, Response

__all__ = ["NegotiatingRequest"]

T = TypeVar("T")


class NegotiatingRequest(ReadableRequest):
    """A request with its preferences.

    Each method adds its field to ``vary``, because the response then depends on it (RFC 9110, section 12.5.5).
    """

    __slots__ = ("vary",)

    vary: tuple[str, ...]

    def accepts(self, *media_types: str) -> str | None:
        """Return the media type that the client likes best, or None if it accepts none of them.

        The client states its preferences in ``Accept``; without that field it accepts all types.

        Args:
            media_types: the available types, such as ``"text/html"``; the first of equal ones is preferred.

        Raises:
            ValueError: an argument is no media type.
        """
        return self._best("Accept", best_media_type, media_types)

    def accepts_language(self, *tags: str) -> str | None:
        """Return the language that the client likes best, or None if it accepts none of them.

        ``de`` in ``Accept-Language`` also matches ``de-AT``, and ``de-AT`` matches ``de`` if there is nothing closer.
        Without the field, the client accepts all languages.

        Args:
            tags: the available languages, such as ``"en"`` and ``"pt-BR"``; the first of equal ones is preferred.
        """
        return self._best("Accept-Language", best_language, tags)

    def accepts_charset(self, *names: str) -> str | None:
        """Return the charset that the client likes best, or None if it accepts none of them.

        Browsers do not send ``Accept-Charset``, and accept all charsets then.

        Args:
            names: the available charsets, such as ``"utf-8"``; the first of equal ones is preferred.
        """
        return self._best("Accept-Charset", best_charset, names)

    def accepts_encoding(self, *codings: str) -> str | None:
        """Return the content coding that the client likes best, or None if content must be sent without a coding.

        Args:
            codings: the available codings, such as ``"gzip"``; the first of equal ones is preferred.
        """
        return self._best("Accept-Encoding", best_coding, codings)

    def negotiate(self, offers: Mapping[str, Callable[[], T]]) -> T:
        """Call the function of the media type that the client likes best, and return its result.

        Args:
            offers: a function for each available type; the first of equal ones is preferred. Await the result if the
                functions are async.

        Raises:
            NotAcceptable: the client accepts none of the types.
            TypeError: a function returned a ``str`` for another type than ``text/plain``, which a ``str`` is sent as.
            ValueError: a key is no media type, or there are none.
        """
        best = self.accepts(*offers)
        if best is None:
            raise NotAcceptable(tuple(offers))
        result = offers[best]()
        if inspect.iscoroutine(result):
            return cast(T, _checked_later(best, result))
        return _checked(best, result)

    def encode(self, value: object, status: int = 200, headers: HeaderPairs | None = None) -> Response:
        """Return a response with a value in the format that the client likes best: JSON, or a format of a plugin.

        A value that a handler returns is encoded in the same way. This method is for another status or fields.

        Raises:
            NotAcceptable: the client accepts none of the formats.
            TypeError: the value contains an object that has no form in the format.
            ValueError: it contains a value that the format cannot express.
        """
        codecs = self._app.codecs
        best = self.accepts(*codecs.types)
        if best is None:
            raise NotAcceptable(codecs.types)
        return FormattedResponse(codecs.encode(value, best), status, headers, best)

    def _formats(self) -> Sequence[str]:
        """Return the media types of which the request selects one; only that one if it reads."""
        codecs = self._app.codecs
        if not codecs.others or self.method not in {"GET", "HEAD"}:
            return codecs.types
        return (self.accepts(*codecs.types) or JSON_TYPE,)

    def _best(
        self, name: str, choose: Callable[[Sequence[str], Sequence[str]], str | None], offers: Sequence[str]
    ) -> str | None:
        if not offers:
            raise ValueError(f"nothing is available to choose from by {name}")
        if name not in self.vary:
            self.vary += (name,)
        return choose(self.headers.get_list(name), offers)


def _checked(media_type: str, result: T) -> T:
    if isinstance(result, str) and not media_type.lower().startswith("text/plain"):
        html = "HTML(text), or " if media_type == "text/html" else ""
        raise TypeError(
            f"the function for {media_type!r} returned a str, which is sent as text/plain; "
            f"return {html}Response(text, content_type={media_type!r})"
        )
    return result


async def _checked_later(media_type: str, result: Coroutine[object, object, T]) -> T:
    return _checked(media_type, await result)
