"""Tests of ``turnbuckle.web.content.multipart``."""

import sys

import pytest
from hypothesis import given, strategies as st

from tests.core.web.requests import ListSource, make_request
from turnbuckle.errors import BadRequest, ContentTooLarge, UnsupportedMediaType
from turnbuckle.web.content.forms import FormLimits
from turnbuckle.web.request.request import Request

END = b"--XX--\r\n"


def part(name: str, value: bytes, filename: str | None = None, *extra: str) -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    return "\r\n".join(["--XX", disposition, *extra, "", ""]).encode() + value + b"\r\n"


def form_request(*pieces: bytes, boundary: str = "; boundary=XX") -> Request:
    headers = [("content-type", f"multipart/form-data{boundary}")]
    return make_request("/", method="POST", headers=headers, content=ListSource(*pieces))


FORM = part("title", "é".encode()) + part("doc", b"abc", "a.txt", "Content-Type: text/plain") + part("title", b"") + END


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000], ids=str)
async def test_multipart_split_anywhere(size: int) -> None:
    pieces = [FORM[start : start + size] for start in range(0, len(FORM), size)]
    form = await form_request(*pieces).form()
    assert form.items() == (("title", "é"), ("title", ""))
    file = form.files["doc"]
    assert (file.name, file.content_type, file.size) == ("a.txt", "text/plain", 3)
    assert await file.read() == file.file.seek(0) * b"" + file.file.read() == b"abc"


async def test_multipart_with_other_text_around() -> None:
    form = await form_request(b"preamble\r\n" + FORM + b"epilogue").form()
    assert form["title"] == "é"


async def test_multipart_file_beyond_memory() -> None:
    limits = FormLimits(file_in_memory=10)
    form = await form_request(part("doc", b"x" * 30_000, "a"), END).form(limits)
    assert await form.files["doc"].read() == b"x" * 30_000
    form.close()
    assert form.files["doc"].file.closed


async def test_multipart_leaves_out_a_file_input_left_empty() -> None:
    form = await form_request(part("doc", b"", ""), part("other", b"x", ""), part("empty", b"", "a"), END).form()
    assert list(form.files) == ["other", "empty"]


async def test_multipart_text_that_is_not_utf_8() -> None:
    form = await form_request(part("a", b"\xff"), END).form()
    assert form["a"] == "\ufffd"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(FORM[:-8], id="no end"),
        pytest.param(b"--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nabc", id="cut in a part"),
        pytest.param(b"--XX\r\nno colon\r\n\r\n" + END, id="no field"),
        pytest.param(b"--XX\r\nX: y\r\n\r\n\r\n" + END, id="no disposition"),
        pytest.param(b"--XX\r\nContent-Disposition: form-data; name=\xff\r\n\r\n\r\n" + END, id="name not utf-8"),
        pytest.param(part("a", b"x", None, *["X: y"] * 9) + END, id="fields of a part"),
        pytest.param(part("a", b"x", None, "X: " + "y" * 5000) + END, id="long field of a part"),
        pytest.param(b"--XX\r\nX: " + b"y" * 5000, id="endless field of a part"),
        pytest.param(part("a", b"x") * 1001 + END, id="parts"),
    ],
)
async def test_multipart_refuses(content: bytes) -> None:
    with pytest.raises(BadRequest, match="malformed or has too many parts"):
        await form_request(content).form()


async def test_multipart_bounds_files() -> None:
    with pytest.raises(BadRequest, match="more than 2 files"):
        await form_request(part("a", b"x", "a") * 3, END).form(FormLimits(files=2))


async def test_multipart_bounds_text_over_all_parts() -> None:
    with pytest.raises(ContentTooLarge, match="text of the form exceeds 5 bytes"):
        await form_request(part("a", b"123"), part("a", b"456"), END).form(FormLimits(text=5))


@pytest.mark.parametrize(
    "boundary", ["", "; boundary=", '; boundary="a\tb"', "; boundary=" + "x" * 71, '; boundary="x "', "; boundary=é"]
)
async def test_multipart_refuses_boundary(boundary: str) -> None:
    with pytest.raises(BadRequest, match="boundary of the multipart form is missing or malformed"):
        await form_request(FORM, boundary=boundary).form()


async def test_multipart_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "multipart", None)
    with pytest.raises(UnsupportedMediaType, match=r"pip install 'turnbuckle\[forms\]'"):
        await form_request(FORM).form()


@given(st.lists(st.tuples(st.text("abc_"), st.binary(max_size=200).filter(lambda value: b"--XX" not in value))))
async def test_multipart_round_trips(files: list[tuple[str, bytes]]) -> None:
    content = b"".join(part(name, value, "f") for name, value in files) + END
    form = await form_request(content).form()
    assert [(name, await file.read()) for name, file in form.files.items()] == files
