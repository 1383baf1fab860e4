"""Tests of ``turnbuckle.web.content.formdata``."""

from turnbuckle.web.content.formdata import FormData, FormLimits
from turnbuckle.web.content.uploads import UploadedFile


def test_form_data_keeps_fields_and_files_apart():
    file = UploadedFile("a.txt", "", in_memory=10)
    form = FormData([("a", "1"), ("a", "2")], [("b", file)])
    assert form.get_list("a") == ["1", "2"]
    assert "b" not in form
    assert form.files["b"] is file


def test_form_data_closes_its_files():
    file = UploadedFile("a.txt", "", in_memory=10)
    FormData([], [("b", file)]).close()
    assert file.file.closed


def test_form_limits_bound_everything_by_default():
    assert FormLimits() == FormLimits(
        fields=1000, files=100, text=2**22, part_field_count=8, part_field_line=4096, file_in_memory=2**18
    )
