"""Answer requests for files, folders, and pages that only the browser knows."""

from __future__ import annotations

import asyncio
import difflib
import fnmatch
import logging
import os
import re
import stat
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from turnbuckle import File, NotFound, Redirect, Request, Response
from turnbuckle_contrib.static.config import StaticConfig
from turnbuckle_contrib.static.listing import list_folders
from turnbuckle_contrib.static.names import real_path, relative_path
from turnbuckle_contrib.static.store import FileStore, Representation, StoredFile, state_of

__all__ = ["StaticSite"]

_log: Final = logging.getLogger("turnbuckle.static")

_FOREVER: Final = "max-age=31536000, immutable"
# A setting that says already which caches may store a response.
_NAMES_CACHES: Final = re.compile("private|public|no-store")
# A slash or backslash that is no separator for the router, but may be one for a file system or a proxy.
_ENCODED_SEPARATOR: Final = re.compile("%(?:2f|5c)", re.IGNORECASE)
_TRIES: Final = 3


@attrs.define(eq=False)
class StaticSite:
    """The files of one prefix.

    Attributes:
        roots: the folders; the first that has a file takes precedence.
        config: the settings.
        store: the files that were read.
        debug: whether a URL of a file that does not exist is an error.
        is_guarded: whether guards protect the files, so that caches of several users must not store them.
    """

    roots: Sequence[str]
    config: StaticConfig
    store: FileStore
    debug: bool
    is_guarded: bool = False
    _immutable: re.Pattern[str] | None = attrs.field(init=False)

    @_immutable.default
    def _compile_immutable(self) -> re.Pattern[str] | None:
        patterns = self.config.immutable
        return re.compile("|".join(map(fnmatch.translate, patterns))) if patterns else None

    async def serve(self, request: Request, path: str) -> Response:
        """Return the response for a path."""
        name = relative_path(path, self.config.dotfiles)
        if name is None or ("%" in request.raw_path and _ENCODED_SEPARATOR.search(request.raw_path)):
            raise NotFound
        folders: list[tuple[str, str]] = []
        for root in self.roots:
            location = f"{root}/{name}"
            status = _status_of(location)
            if status is None:
                continue
            if stat.S_ISREG(status.st_mode):
                response = await self._file(request, root, location, name, status)
                if response is not None:
                    return response
            elif stat.S_ISDIR(status.st_mode) and real_path(root, location, self.config.dotfiles) is not None:
                folders.append((root, location))
        response = await self._folder(request, name, folders) if folders else None
        return response or await self._fallback(request)

    # -- files

    async def _file(
        self, request: Request, root: str, location: str, name: str, status: os.stat_result
    ) -> Response | None:
        file = self.store.get(location, status) or await asyncio.to_thread(self.store.load, root, location)
        for _ in range(_TRIES):
            if file is None:
                return None
            chosen = self._chosen(request, file)
            cache_control = self._cache_control(request, file, name)
            if chosen.body is not None:
                return _with_fields(Response(chosen.body, 200, chosen.headers), cache_control)
            response = self._large(chosen)
            if response is not None:
                return _with_fields(response, cache_control)
            file = await asyncio.to_thread(self.store.load, root, location)
        return None

    def _chosen(self, request: Request, file: StoredFile) -> Representation:
        if not file.codings or self.config.untrusted:
            return file.plain
        coding = request.accepts_encoding(*file.codings)
        return file.plain if coding is None else file.coded[coding]

    def _large(self, chosen: Representation) -> File | None:
        """Return the response with a file that is not in memory; None if it has changed since it was read."""
        try:
            response = File(
                chosen.path,
                200,
                chosen.headers,
                chosen.content_type,
                etag=chosen.version,
                untrusted=self.config.untrusted,
            )
            # The fields that File derives belong to the state in between.
            return response if state_of(os.stat(chosen.path)) == chosen.state else None
        except OSError:
            return None

    def _cache_control(self, request: Request, file: StoredFile, name: str) -> str:
        """Return the Cache-Control of a response; "" for the one of the settings."""
        query = request.query
        # A page that was made by another version of the app may name an older or newer file.
        is_fixed = bool(query) and query == f"v={file.plain.version}"
        if is_fixed or (self._immutable is not None and self._immutable.match(name)):
            return f"private, {_FOREVER}" if self.is_guarded else _FOREVER
        usual = self.config.cache_control
        return f"private, {usual}" if self.is_guarded and usual and not _NAMES_CACHES.search(usual) else ""

    # -- folders

    async def _folder(self, request: Request, name: str, folders: Sequence[tuple[str, str]]) -> Response | None:
        index = f"{name}/{self.config.index}" if name and not name.endswith("/") else f"{name}{self.config.index}"
        has_index = bool(self.config.index) and self._location(index) is not None
        if not has_index and not self.config.listing:
            return None
        if not request.raw_path.endswith("/"):
            # Relative links in the page begin at the folder.
            return Redirect(request.with_prefix(f"{request.raw_path}/", request.query), 308)
        if has_index:
            return await self._inner(request, index)
        return await asyncio.to_thread(list_folders, request.path, folders, self.config)

    async def _inner(self, request: Request, name: str) -> Response | None:
        """Return the response with a file that the settings name."""
        found = self._location(name)
        if found is None:
            return None
        root, location, status = found
        return await self._file(request, root, location, name, status)

    def _location(self, name: str) -> tuple[str, str, os.stat_result] | None:
        """Return the first root that has a file, the path of the file, and its status."""
        for root in self.roots:
            location = f"{root}/{name}"
            status = _status_of(location)
            if status is not None and stat.S_ISREG(status.st_mode):
                return root, location, status
        return None

    async def _fallback(self, request: Request) -> Response:
        if not self.config.fallback:
            raise NotFound
        # Scripts, styles and pictures that do not exist are not replaced by a page.
        request.vary += ("Accept", "Sec-Fetch-Mode")
        if _opens_page(request):
            response = await self._inner(request, self.config.fallback)
            if response is not None:
                return response
        raise NotFound

    # -- URLs

    def version_query(self, params: Mapping[str, object]) -> str:
        """Return the query for the URL of a file: its version, so that it can be cached for a long time.

        Raises:
            LookupError: there is no such file; only in debug mode, otherwise a warning is logged.
        """
        path = str(params.get("path", ""))
        if not path or path.endswith("/"):
            return ""
        name = relative_path(path, self.config.dotfiles)
        found = self._location(name) if name is not None else None
        if found is not None:
            root, location, status = found
            file = self.store.get(location, status) or self.store.load(root, location)
            if file is not None:
                return f"v={file.plain.version}"
        text = f"there is no static file {path!r}{self._did_you_mean(name) if name else ''}"
        if self.debug:
            raise LookupError(text)
        _log.warning("%s; its URL has no version", text)
        return ""

    def _did_you_mean(self, path: str) -> str:
        folder, slash, _ = path.rpartition("/")
        names: set[str] = set()
        for root in self.roots:
            try:
                names.update(folder + slash + name for name in os.listdir(f"{root}/{folder}"))
            except (OSError, ValueError):
                continue
        near = difflib.get_close_matches(path, sorted(names), n=1)
        return f"; did you mean {near[0]!r}?" if near else ""


def _status_of(location: str) -> os.stat_result | None:
    try:
        return os.stat(location)
    except (OSError, ValueError):
        # ValueError: the name has no encoding on this system.
        return None


def _with_fields(response: Response, cache_control: str) -> Response:
    if cache_control:
        response.headers.set("Cache-Control", cache_control)
    return response


def _opens_page(request: Request) -> bool:
    """Return whether a browser opens a page, and does not load a part of one."""
    mode = request.headers.get("sec-fetch-mode", "navigate")
    return mode == "navigate" and "text/html" in request.headers.get("accept", "").lower()
