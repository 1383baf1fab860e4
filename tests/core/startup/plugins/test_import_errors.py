"""A failed import is reported with the plugin's own line and the line that raised."""

from pathlib import Path

from tests.core.startup.finding import Site, error_of
from turnbuckle import App


def test_own_line_and_the_innermost(site: Site) -> None:
    (site.path / "installed_library.py").write_text("\n\nraise OSError('no file')\n")
    module = site.install("it", "import os\nimport installed_library\n")
    found = error_of(App(plugins=["it"]), "TB103")
    assert found.origins[0].location.endswith(f"{module}.py:2")
    assert "; the import fails at" in found.why
    assert found.why.endswith("installed_library.py:3")


def test_library_that_cannot_be_parsed(site: Site) -> None:
    (site.path / "installed_library.py").write_text("def x(:\n")
    module = site.install("it", "import installed_library\n")
    found = error_of(App(plugins=["it"]), "TB103")
    assert found.origins[0].location.endswith(f"{module}.py:1")
    assert found.why.endswith("installed_library.py:1")


def test_failure_in_the_plugin_itself_is_reported_once(site: Site) -> None:
    site.install("it", "1 / 0")
    assert "what failed" not in error_of(App(plugins=["it"]), "TB103").why


def test_module_that_is_not_there_has_no_line(site: Site) -> None:
    module = site.install("it", "")
    (site.path / f"{module}.py").unlink()
    found = error_of(App(plugins=["it"]), "TB103")
    assert found.origins[0].location == f"{module}:It"
    assert "what failed" not in found.why


def test_line_within_a_package(site: Site) -> None:
    module = site.install("it", "")
    Path(site.path / f"{module}.py").unlink()
    folder = site.path / module
    folder.mkdir()
    (folder / "__init__.py").write_text("from . import inner\n")
    (folder / "inner.py").write_text("\n1 / 0\n")
    found = error_of(App(plugins=["it"]), "TB103")
    assert found.origins[0].location.endswith("inner.py:2")
    assert "what failed" not in found.why
