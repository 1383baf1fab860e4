"""Tests of ``turnbuckle.web.content.forms``."""

import pytest

from tests.core.web.requests import ListSource, make_request
from turnbuckle import App
from turnbuckle.errors import BadRequest, ContentTooLarge, UnsupportedMediaType
from turnbuckle.testing import Client
from turnbuckle.web.content.forms import FormData, FormLimits, read_form
from turnbuckle.web.content.uploads import UploadedFile
from turnbuckle.web.request.request import Request

URLENCODED = "application/x-www-form-urlencoded"


def form_request(*pieces: bytes, content_type: str = URLENCODED) -> Request:
    return make_request("/", method="POST", headers=[("content-type", content_type)], content=ListSource(*pieces))


@pytest.mark.parametrize(
    "content_type", [URLENCODED, f"{URLENCODED}; charset=utf-8", f"{URLENCODED.upper()};charset=UTF-8"]
)
async def test_urlencoded_form(content_type: str) -> None:
    form = await read_form(form_request(b"name=J%C3%A9&tag=", b"a&tag=b+c", content_type=content_type), FormLimits())
    assert form["name"] == "Jé"
    assert form.get_list("tag") == ["a", "b c"]
    assert len(form.files) == 0


async def test_urlencoded_form_in_its_charset() -> None:
    form = await read_form(form_request(b"a=%E9", content_type=f"{URLENCODED}; charset=latin-1"), FormLimits())
    assert form["a"] == "é"
    with pytest.raises(BadRequest, match="unknown charset"):
        await read_form(form_request(b"a=1", content_type=f"{URLENCODED}; charset=zlib"), FormLimits())


async def test_urlencoded_form_without_content() -> None:
    form = await read_form(make_request(headers=[("content-type", URLENCODED)]), FormLimits())
    assert len(form) == 0


async def test_urlencoded_form_after_read() -> None:
    request = form_request(b"a=1")
    await request.read()
    assert (await request.form())["a"] == "1"


async def test_urlencoded_form_is_bounded() -> None:
    with pytest.raises(BadRequest, match="1001 fields exceed 1000"):
        await form_request(b"&" * 1000).form()
    with pytest.raises(BadRequest, match="3 fields exceed 2"):
        await form_request(b"a&b&c").form(FormLimits(fields=2))
    with pytest.raises(ContentTooLarge, match="text of the form exceeds 3 bytes"):
        await form_request(b"a=", b"12").form(FormLimits(text=3))
    with pytest.raises(BadRequest, match="a name of the form exceeds 3 characters"):
        await form_request(b"abc&%41%41%41%41").form(FormLimits(name=3))


@pytest.mark.parametrize(
    ("content_type", "message"),
    [
        pytest.param("application/json", "'application/json' is not a form", id="another type"),
        pytest.param("multipart/mixed; boundary=x", "'multipart/mixed' is not a form", id="another multipart"),
        pytest.param("", "content without a type is not a form", id="no type"),
    ],
)
async def test_form_of_another_type(content_type: str, message: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=message):
        await form_request(b"a=1", content_type=content_type).form()


def test_form_data_keeps_fields_and_files_apart() -> None:
    file = UploadedFile("a.txt", "", in_memory=10)
    form = FormData([("a", "1"), ("a", "2")], [("b", file)])
    assert form.get_list("a") == ["1", "2"]
    assert "b" not in form
    assert form.files["b"] is file


def test_form_data_closes_its_files() -> None:
    file = UploadedFile("a.txt", "", in_memory=10)
    FormData([], [("b", file)]).close()
    assert file.file.closed


def test_form_limits_bound_everything_by_default() -> None:
    assert FormLimits() == FormLimits(
        fields=1000,
        files=100,
        name=1024,
        text=2**22,
        file_size=0,
        file_in_memory=2**18,
        part_field_count=8,
        part_field_line=4096,
    )


async def test_form_limits_are_settings() -> None:
    app = App(settings={"forms": {"fields": 2, "name": 3}})

    @app.post("/")
    async def read(request: Request) -> dict[str, str]:
        return dict((await request.form()).items())

    @app.post("/own")
    async def read_with_own_limits(request: Request) -> dict[str, str]:
        return dict((await request.form(FormLimits())).items())

    async with Client(app) as client:
        content_type = {"Content-Type": URLENCODED}
        for content, path, status in [
            (b"a=1&b=2", "/", 200),
            (b"a&b&c", "/", 400),
            (b"long=1", "/", 400),
            (b"a&b&c&long=1", "/own", 200),
        ]:
            assert (await client.post(path, content=content, headers=content_type)).status == status
        refused = await client.post("/", content=b"{}", headers={"Content-Type": "application/json"})
    assert (refused.status, refused.headers["accept"]) == (415, f"{URLENCODED}, multipart/form-data")


@pytest.mark.parametrize("field", [b"_charset_=", b"_charset_=+", b"_charset_=utf%2D8", b"_charset_=UTF-8+"])
async def test_urlencoded_form_with_a_charset_field_that_changes_nothing(field: bytes) -> None:
    form = await read_form(form_request(field + b"&a=%C3%A4"), FormLimits())
    assert form["a"] == "ä"


async def test_urlencoded_form_in_the_charset_of_its_field() -> None:
    form = await read_form(form_request(b"a=%E9&_charset_=windows-1252&b=%80"), FormLimits())
    assert (form["a"], form["b"]) == ("é", "€")
    with pytest.raises(BadRequest, match="unknown charset"):
        await read_form(form_request(b"_charset_=zlib"), FormLimits())
