"""The options of the test client: misspelt ones, files, settings, and the exceptions of handlers."""

from __future__ import annotations

import io
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from turnbuckle import App, Forbidden, Limits, Request, Settings, StartupError, Timeouts
from turnbuckle.testing import Client, IncompleteResponse

app = App()


@app.get("/fails")
async def fails(request: Request) -> str:
    raise RuntimeError("deep inside")


@app.get("/fails-in-a-thread")
def fails_in_a_thread(request: Request) -> str:
    raise RuntimeError("in a thread")


@app.get("/refused")
async def refused(request: Request) -> str:
    raise Forbidden


@app.get("/handled")
async def handled(request: Request) -> str:
    raise LookupError("taken by an error handler")


@app.get("/breaks-off")
async def breaks_off(request: Request) -> AsyncIterator[str]:
    yield "first"
    raise RuntimeError("in a stream")


@app.error_handler(LookupError)
async def answer_lookup(request: Request, error: LookupError) -> str:
    return "handled"


@app.post("/upload")
async def upload(request: Request) -> list[list[str]]:
    form = await request.form()
    fields = [["field", name, value] for name, value in form.items()]
    files = [[name, file.name, file.content_type, (await file.read()).decode()] for name, file in form.files.items()]
    return [*fields, *files]


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("heders", "did you mean 'headers'?"),
        ("file", "did you mean 'files'?"),
        ("body", "did you mean 'content'?"),
        ("allow_redirects", "did you mean 'follow_redirects'?"),
        ("zzz", "there are headers, params"),
    ],
)
async def test_unknown_option_is_a_type_error(option: str, hint: str) -> None:
    async with Client(app) as client:
        with pytest.raises(TypeError, match=f"a request has no option {option!r}; ") as raised:
            await client.get("/", **{option: {}})  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="a request has no option"):
            async with client.stream("GET", "/", **{option: {}}):  # type: ignore[arg-type]
                pass
    assert hint in str(raised.value)


async def test_files_are_uploaded(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("from disk")
    async with Client(app) as client:
        with (tmp_path / "notes.txt").open("rb") as file:
            response = await client.post(
                "/upload",
                data={"title": "Ada", "tag": ["a", "b"]},
                files=[
                    ("one", b"bytes"),
                    ("two", ('é".html', "<p>", None)),
                    ("three", ("x.bin", io.BytesIO(b"io"), "application/x-own", {"X-Part": "1"})),
                    ("four", file),
                    ("five", (None, "a field")),
                ],
            )
    assert response.json() == [
        ["field", "title", "Ada"],
        ["field", "tag", "a"],
        ["field", "tag", "b"],
        ["field", "five", "a field"],
        ["one", "upload", "application/octet-stream", "bytes"],
        ["two", 'é".html', "text/html", "<p>"],
        ["three", "x.bin", "application/x-own", "io"],
        ["four", "notes.txt", "text/plain", "from disk"],
    ]


async def test_files_exclude_other_content() -> None:
    async with Client(app) as client:
        with pytest.raises(ValueError, match="more than once"):
            await client.post("/upload", files={"a": b""}, json={})
        with pytest.raises(TypeError, match="the content of file 'a' must be bytes"):
            await client.post("/upload", files={"a": 5})  # type: ignore[dict-item]


@pytest.mark.parametrize("path", ["/fails", "/fails-in-a-thread"])
async def test_exception_of_a_handler_is_raised_with_its_traceback(path: str) -> None:
    async with Client(app) as client:
        with pytest.raises(RuntimeError) as raised:
            await client.get(path)
        assert (await client.get("/handled")).text == "handled"
    assert traceback.extract_tb(raised.value.__traceback__)[-1].name in {"fails", "fails_in_a_thread"}


async def test_exceptions_that_have_an_answer_are_not_raised() -> None:
    async with Client(app) as client:
        assert (await client.get("/refused")).status == 403
        assert (await client.get("/handled")).text == "handled"
        assert (await client.get("/nowhere")).status == 404


async def test_exception_in_a_stream_is_raised() -> None:
    async with Client(app) as client:
        with pytest.raises(RuntimeError, match="in a stream"):
            await client.get("/breaks-off")
        with pytest.raises(RuntimeError, match="in a stream"):
            async with client.stream("GET", "/breaks-off") as response:
                await response.read()


async def test_exceptions_are_answered_as_for_real_clients_on_request() -> None:
    async with Client(app, raise_exceptions=False) as client:
        assert (await client.get("/fails")).status == 500
        with pytest.raises(IncompleteResponse):
            await client.get("/breaks-off")


async def test_settings_take_precedence(tmp_path: Path) -> None:
    limited = App(settings={"limits": {"content": 100, "field_count": 50}})
    assert Client(limited, settings={"limits": {"content": 5}}).application.limits.content == 5
    assert Client(limited, settings={"limits": {"content": 5}}).application.limits.field_count == 50
    assert Client(limited).application.limits.content == 100
    (tmp_path / "own.toml").write_text("timeouts.idle = 7\n")
    assert Client(limited, settings=tmp_path / "own.toml").application.timeouts.idle == 7.0
    with pytest.raises(StartupError, match="1 problem stops"):
        Client(App(), settings={"limits": {"contnt": 5}})
    with pytest.raises(TypeError, match="compiled already"):
        Client(App().compile(), settings={})
    assert isinstance(limited.plan.settings, Settings)


@pytest.mark.parametrize(("size", "status"), [(5, 413), (1000, 200)])
async def test_limits_replace_the_content_limit_of_requests(size: int, status: int) -> None:
    app = App(settings={"limits": {"content": 100}})

    @app.post("/")
    async def limit(request: Request) -> list[int]:
        await request.read()
        return [request.content_limit]

    async with Client(app, limits=Limits(content=size)) as client:
        assert (await client.post("/", content=b"12345")).json() == [size]
        assert (await client.post("/", content=bytes(101))).status == status
    async with Client(app, timeouts=Timeouts(head=1)) as client:
        assert (await client.post("/", content=b"1")).json() == [100]
