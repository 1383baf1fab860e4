"""A page with the files of a folder, for the setting ``listing``.

Names are escaped, and links are percent-encoded. Files that would not be served are left out: hidden and special files,
and symbolic links that lead out of the folder.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final
from urllib.parse import quote

from turnbuckle import HTML, Response
from turnbuckle_contrib.static.config import StaticConfig
from turnbuckle_contrib.static.names import is_safe_name, real_path

__all__ = ["list_folders"]

_MAX_NAMES: Final = 10_000
_STYLE: Final = (
    ":root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;margin:0 auto;max-width:50rem;padding:1rem}"
    "h1{font-size:1.3rem;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}"
    "td,th{padding:.2rem .5rem;text-align:left}td:first-child{overflow-wrap:anywhere}"
    "td:nth-child(n+2){text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "th:nth-child(n+2){text-align:right}"
)
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<table>
<thead><tr><th scope="col">Name</th><th scope="col">Size</th><th scope="col">Changed</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>{more}
</main>
</body>
</html>
"""


def list_folders(path: str, folders: Sequence[tuple[str, str]], config: StaticConfig) -> Response:
    """Return the page for a folder; this blocks.

    Args:
        path: the decoded path of the request, for the title.
        folders: the roots that have the folder, and its paths in them, the preferred one first.
        config: the settings.
    """
    found: dict[str, os.stat_result] = {}
    is_complete = True
    for root, folder in folders:
        for name, status in _entries(root, folder, config):
            if len(found) >= _MAX_NAMES:
                is_complete = False
                break
            found.setdefault(name, status)
    ordered = sorted(found.items(), key=lambda item: (not stat.S_ISDIR(item[1].st_mode), item[0].casefold(), item[0]))
    rows = "\n".join(_row(name, status) for name, status in ordered)
    parent = '<tr><td><a href="../">..</a></td><td></td><td></td></tr>\n'
    more = "" if is_complete else f"\n<p>Only {_MAX_NAMES} files are listed.</p>"
    return HTML(
        _PAGE.format(title=escape(f"Files in {path}"), style=_STYLE, rows=parent + rows, more=more), headers=_HEADERS
    )


def _entries(root: str, folder: str, config: StaticConfig) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not is_safe_name(entry.name, config.dotfiles) or not _is_text(entry.name):
                    continue
                try:
                    status = entry.stat()
                    is_visible = not entry.is_symlink() or real_path(root, entry.path, config.dotfiles) is not None
                except OSError:
                    continue
                if is_visible and (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                    yield entry.name, status
    except OSError:
        return


def _is_text(name: str) -> bool:
    # A name that is no UTF-8 has no URL here.
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _row(name: str, status: os.stat_result) -> str:
    is_folder = stat.S_ISDIR(status.st_mode)
    slash = "/" if is_folder else ""
    changed = datetime.fromtimestamp(int(status.st_mtime), UTC).strftime("%Y-%m-%d %H:%M")
    size = "" if is_folder else f"{status.st_size:,}"
    # "./" keeps a name with a colon from being read as a scheme.
    return (
        f'<tr><td><a href="./{escape(quote(name))}{slash}">{escape(name)}{slash}</a></td>'
        f"<td>{size}</td><td>{changed}</td></tr>"
    )
