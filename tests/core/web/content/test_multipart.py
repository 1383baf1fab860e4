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


async def test_multipart_bounds_the_size_of_a_file() -> None:
    form = await form_request(part("a", b"12345", "a"), part("b", b"123456"), END).form(FormLimits(file_size=5))
    assert form.files["a"].size == 5
    with pytest.raises(ContentTooLarge, match="a file of the form exceeds 5 bytes"):
        await form_request(part("a", b"1", "a"), part("a", b"123456", "a"), END).form(FormLimits(file_size=5))


async def test_multipart_bounds_names() -> None:
    with pytest.raises(BadRequest, match="a name of the form exceeds 3 characters"):
        await form_request(part("abcd", b"1", "a"), END).form(FormLimits(name=3))


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
        pytest.param("filename=\"=?utf-8?B?w6kudHh0?=\"; filename*=utf-8''%C3%A9.txt", "é.txt", id="dotnet"),
        pytest.param('filename="=?utf-8?B?w6kudHh0?="', "=?utf-8?B?w6kudHh0?=", id="encoded-word-alone"),
    ],
)
async def test_multipart_part_with_an_extended_file_name_is_a_file(parameter: str, name: str) -> None:
    content = (
        f'--XX\r\nContent-Disposition: form-data; name="doc"; {parameter}\r\n\r\n'.encode() + b"\xff\x00\r\n" + END
    )
    form = await form_request(content).form()
    assert (form.files["doc"].name, await form.files["doc"].read()) == (name, b"\xff\x00")


def _with_disposition(disposition: bytes, value: bytes = b"v") -> bytes:
    return b"--XX\r\nContent-Disposition: form-data; " + disposition + b"\r\n\r\n" + value + b"\r\n"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        pytest.param(b"name*=utf-8''%C3%A4", "ä", id="extended"),
        pytest.param(b"NAME*=UTF-8'de'a%20b", "a b", id="language"),
        pytest.param(b"name*=iso-8859-1''%E4", "ä", id="latin-1"),
        pytest.param(b"name*=\"utf-8''%C3%A4\"", "ä", id="quoted"),
        pytest.param(b"name*=utf-8''%FF", "\ufffd", id="invalid"),
        pytest.param(b"name*=zlib''x", "zlib''x", id="no charset"),
        pytest.param(b"name*=plain", "plain", id="malformed"),
        pytest.param(b"name*=utf-8''", "", id="empty"),
        pytest.param(b"name=\"a\"; name*=utf-8''%C3%A4", "a", id="both"),
        pytest.param(b"name*=utf-8''%C3%A4; name=\"a\"", "a", id="both turned"),
        pytest.param(b"name=\"\"; name*=utf-8''%C3%A4", "ä", id="both, one empty"),
        pytest.param(b'name="a%22b%0D%0Ac"', 'a"b\r\nc', id="escapes of browsers"),
        pytest.param(b'name="a\\"b"', 'a"b', id="escapes with backslashes"),
        pytest.param(b'name="a%20b%C3"', "a%20b%C3", id="other escapes"),
        pytest.param('name="ä€"'.encode(), "ä€", id="utf-8"),
        pytest.param(b'name="\xe4"', "\ufffd", id="not utf-8"),
    ],
)
async def test_multipart_name_of_a_part(disposition: bytes, name: str) -> None:
    form = await form_request(_with_disposition(disposition), END).form()
    assert form.items() == ((name, "v"),)
    form = await form_request(_with_disposition(disposition + b'; filename="f"'), END).form()
    assert list(form.files) == [name]


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        pytest.param(b'filename="a%22b%0Ac.txt"', 'a"bc.txt', id="escapes of browsers"),
        pytest.param(b'filename="C:\\dir\\a.txt"', "a.txt", id="folders of Windows"),
        pytest.param('filename="ä€.txt"'.encode(), "ä€.txt", id="utf-8"),
        pytest.param(b'filename="\xe4.txt"', "\ufffd.txt", id="not utf-8"),
        pytest.param(b"filename=\"\xe4.txt\"; filename*=utf-8''b", "\ufffd.txt", id="both"),
    ],
)
async def test_multipart_name_of_a_file(parameter: bytes, name: str) -> None:
    form = await form_request(_with_disposition(b'name="doc"; ' + parameter), END).form()
    assert form.files["doc"].name == name


@pytest.mark.parametrize("first", [True, False])
async def test_multipart_names_in_the_charset_of_the_form(first: bool) -> None:
    charset = part("_charset_", b" windows-1252 ")
    content = _with_disposition(b'name="\x80"', b"\xe4")
    form = await form_request(*([charset, content] if first else [content, charset]), END).form()
    assert form["€"] == "ä"


async def test_multipart_file_name_in_the_charset_of_the_form() -> None:
    file = _with_disposition(b'name="doc"; filename="\x80.txt"')
    form = await form_request(part("_charset_", b"windows-1252"), file, END).form()
    assert form.files["doc"].name == "€.txt"


@pytest.mark.parametrize("charset", [b"", b" ", b"utf-8", b"UTF8"])
async def test_multipart_with_a_charset_field_that_changes_nothing(charset: bytes) -> None:
    form = await form_request(part("a", "ä".encode()), part("_charset_", charset), END).form()
    assert form["a"] == "ä"


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
