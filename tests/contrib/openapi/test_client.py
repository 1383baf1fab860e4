"""A client that is generated from the document of the example ``notes_api`` talks to it."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.contrib.openapi.documents import document_in
from turnbuckle import App, HTTPServer

_EXAMPLES = Path(__file__).parents[3] / "examples"
_GENERATE = "from openapi_python_client.cli import app; app()"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.syspath_prepend(str(_EXAMPLES))
    yield importlib.import_module("notes_api").app
    del sys.modules["notes_api"]


@pytest.fixture
def client(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Generate the package ``notes_client``."""
    (tmp_path / "openapi.json").write_text(json.dumps(document_in(app.resolve())))
    # Without formatting the code, which takes most of the time.
    (tmp_path / "config.yml").write_text("post_hooks: []\n")
    options = ["--path", "openapi.json", "--output-path", "notes_client", "--config", "config.yml", "--meta", "none"]
    command = [sys.executable, "-c", _GENERATE, "generate", *options]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (finished.returncode, "WARNING" in finished.stdout) == (0, False), finished.stdout + finished.stderr
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("notes_client")
    for name in [name for name in sys.modules if name.partition(".")[0] == "notes_client"]:
        del sys.modules[name]


async def _call(name: str, *args: Any, client: Any, **arguments: Any) -> tuple[int, Any]:
    module: Any = importlib.import_module(f"notes_client.api.notes.{name}")
    response = await module.asyncio_detailed(*args, client=client, **arguments)
    return response.status_code.value, response.parsed


async def test_generated_client_talks_to_the_app(app: App, client: Any) -> None:
    models: Any = importlib.import_module("notes_client.models")
    async with HTTPServer(app.compile(), port=0) as server:
        url = server.addresses[0].url
        owner, stranger = client.AuthenticatedClient(url, "secret"), client.AuthenticatedClient(url, "wrong")
        note = models.NewNote(title="Milk", tags=["shop"], colour=models.NewNoteColour.GREEN)
        async with owner, stranger:
            status, created = await _call("create_note", client=owner, body=note)
            assert (status, type(created), created.title, created.author) == (201, models.Note, "Milk", "owner")
            assert await _call("get_note", created.id, client=owner) == (200, created)
            assert await _call("list_notes", client=owner, tag=["shop"], limit=5) == (200, [created])
            assert await _call("list_notes", client=owner, q="bread") == (200, [])
            status, problem = await _call("list_notes", client=owner, limit=101)
            assert (status, problem.errors[0].parameter, problem.errors[0].in_.value) == (422, "limit", "query")
            status, problem = await _call("create_note", client=owner, body=models.NewNote(title=""))
            assert (status, problem.errors[0].pointer) == (422, "/title")
            assert (await _call("create_note", client=stranger, body=note))[0] == 401
            assert (await _call("get_note", 99, client=owner))[0] == 404
            assert await _call("delete_note", created.id, client=owner) == (204, None)
            assert (await _call("get_note", created.id, client=owner))[0] == 404
