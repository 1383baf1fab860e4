"""Tests of ``turnbuckle.web.content.multipart``."""

import sys
import types

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
    "boundary", ["", "; boundary=", '; boundary="a\tb"', "; boundary=" + "x" * 1025, '; boundary="x "', "; boundary=é"]
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


@pytest.mark.parametrize(
    "boundary",
    ["*****", "-----------------------------&=dart", "x" * 71, "x" * 1024, "a b", "{id}", "_=_!#$^`|~"],
    ids=lambda boundary: boundary[:10],
)
async def test_multipart_accepts_the_boundaries_of_real_clients(boundary: str) -> None:
    content = FORM.replace(b"--XX", b"--" + boundary.encode())
    form = await form_request(content, boundary=f'; boundary="{boundary}"').form()
    assert (form["title"], form.files["doc"].size) == ("é", 3)


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        pytest.param("filename*=utf-8''%E5%A0%B1.png", "報.png", id="urllib3"),
        pytest.param("FileName*=UTF-8'en'a%20b", "a b", id="language"),
        pytest.param("filename*=iso-8859-1''%E9", "é", id="latin-1"),
        pytest.param("filename*=plain.txt", "plain.txt", id="malformed"),
        pytest.param("filename*=zlib''plain.txt", "zlib''plain.txt", id="no charset"),
        pytest.param("filename*=utf-8''..%2F..%2Fetc%2Fpasswd", "passwd", id="folders"),
        pytest.param("filename*=utf-8''", "", id="empty"),
        pytest.param("filename=\"a\"; filename*=utf-8''b", "a", id="both"),
    ],
)
async def test_multipart_part_with_an_extended_file_name_is_a_file(parameter: str, name: str) -> None:
    content = (
        f'--XX\r\nContent-Disposition: form-data; name="doc"; {parameter}\r\n\r\n'.encode() + b"\xff\x00\r\n" + END
    )
    form = await form_request(content).form()
    assert (form.files["doc"].name, await form.files["doc"].read()) == (name, b"\xff\x00")


async def test_multipart_field_in_the_charset_of_its_part() -> None:
    content = part("a", b"\xe9", None, "Content-Type: text/plain; charset=iso-8859-1") + part("a", "é".encode()) + END
    assert (await form_request(content).form()).get_list("a") == ["é", "é"]


async def test_multipart_fields_in_the_charset_of_the_form() -> None:
    content = part("a", b"\xe9") + part("_charset_", b"windows-1252") + part("b", b"\x80") + END
    assert (await form_request(content).form()).items() == (("a", "é"), ("_charset_", "windows-1252"), ("b", "€"))


@pytest.mark.parametrize("charset", ["utf-8", "zlib", "unknown"])
async def test_multipart_refuses_a_field_that_is_not_in_its_charset(charset: str) -> None:
    content = part("a", b"\xff", None, f"Content-Type: text/plain; charset={charset}") + END
    with pytest.raises(BadRequest, match="charset"):
        await form_request(content).form()


async def test_multipart_with_python_multipart_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "multipart", types.ModuleType("multipart"))
    with pytest.raises(UnsupportedMediaType, match="'python-multipart' is installed in its place"):
        await form_request(FORM).form()
