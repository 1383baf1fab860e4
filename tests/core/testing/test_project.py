from __future__ import annotations

import pytest

from turnbuckle.testing import Project

APP = """
from turnbuckle import App

app = App(plugins=[{plugins}])

@app.get("/here")
async def here() -> str:
    return "here"
"""


def test_command_sees_the_files(turnbuckle_project: Project) -> None:
    turnbuckle_project.write({"shop/main.py": APP.replace("{plugins}", ""), "shop/__init__.py": ""})
    done = turnbuckle_project.run("routes", "shop.main:app")
    assert (done.status, "/here" in done.stdout) == (0, True), str(done)


def test_problems_are_identified_by_their_codes(turnbuckle_project: Project) -> None:
    turnbuckle_project.write({"main.py": APP.replace("{plugins}", "'nothing', 'nowhere'")})
    done = turnbuckle_project.run("check", "main:app")
    assert (done.status, done.codes) == (3, ["TB101", "TB101"]), str(done)


def test_environment_is_that_of_the_test(turnbuckle_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNBUCKLE_DEBUG", "of the developer")
    script = "import os; print({name: value for name, value in os.environ.items() if name.startswith('TURNBUCKLE_')})"
    done = turnbuckle_project.run_python("-c", script, environ={"TURNBUCKLE_PORT": "1"})
    assert done.stdout.strip() == "{'TURNBUCKLE_PORT': '1'}"


def test_input_is_read(turnbuckle_project: Project) -> None:
    done = turnbuckle_project.run_python("-c", "print(input())", stdin="words\n")
    assert (done.status, done.stdout, str(done)) == (0, "words\n", "-c print(input()) ended with 0\nwords\n")


@pytest.mark.parametrize("name", ["../outside.py", "/outside.py"])
def test_files_stay_in_the_project(turnbuckle_project: Project, name: str) -> None:
    with pytest.raises(ValueError, match="is outside of the project"):
        turnbuckle_project.write({name: ""})
