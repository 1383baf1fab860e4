"""Real apps answer the same requests in the same way under Turnbuckle as under another server.

``make test-apps`` runs these tests with an environment that has the frameworks; see ``requirements.txt``.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[2]
_BIN: Final = os.environ.get("TEST_APPS", "")
# Sites have so many requests at least.
_LEAST: Final = 10

pytestmark = pytest.mark.skipif(not _BIN, reason="make test-apps has the frameworks")

_SITES: Final = [
    pytest.param("starlette_site", "app", id="starlette"),
    pytest.param("fastapi_site", "app", id="fastapi"),
    pytest.param("litestar_site", "app", id="litestar"),
    pytest.param("django_site", "app", id="django"),
    pytest.param("datasette_site", "app", id="datasette"),
    pytest.param("quart_site", "app", id="quart"),
    pytest.param("flask_site", "wsgi", id="flask-wsgi"),
    pytest.param("django_site", "wsgi", id="django-wsgi"),
]


@pytest.mark.parametrize(("module", "name"), _SITES)
def test_site_answers_as_under_another_server(module: str, name: str) -> None:
    command = [f"{_BIN}/python", "-m", "tests.apps.comparison", module, name]
    environ = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=_ROOT, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["compared"] >= _LEAST
    assert result["different"] == {}
