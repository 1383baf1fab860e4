"""A folder with files, and an app that serves it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

from turnbuckle import App, Request
from turnbuckle_contrib.static import StaticPlugin, static_url

__all__ = ["STYLE", "fill", "make_app"]

STYLE: Final = "body { margin: 0 }\n" * 20


def fill(folder: Path) -> Path:
    (folder / "docs").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "app.css").write_text(STYLE)
    (folder / "app.css.gz").write_bytes(gzip.compress(STYLE.encode()))
    (folder / "docs" / "index.html").write_text("<title>docs</title>")
    (folder / "big.bin").write_bytes(bytes(range(256)) * 1024)
    (folder / ".env").write_text("SECRET=1")
    (folder / ".well-known").mkdir()
    (folder / ".well-known" / "security.txt").write_text("Contact: mailto:a@example.com")
    return folder


def make_app(folder: Path, /, at: str = "/static", **settings: object) -> App:
    app = App()
    app.install(StaticPlugin(folder), at=at, settings=settings)

    @app.get("/url/{path:path}")
    async def url(request: Request, path: str) -> str:
        return static_url(request, path)

    return app
