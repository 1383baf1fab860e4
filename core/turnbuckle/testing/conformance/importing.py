"""Import a plugin's module in a separate process, and record the effects of the import.

A separate process is needed because audit hooks cannot be removed and a module is imported only once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Final

import attrs

__all__ = ["Import", "import_apart"]

_QUIET: Final = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "shutil.",
    "tempfile.",
    "signal.",
    "urllib.",
    "sqlite3.connect",
    "webbrowser.",
)

# Modules that every app imports are imported before, so their time does not count.
_SCRIPT: Final = """
import importlib, json, sys, threading, time
job = json.loads(sys.argv[1])
sys.path[:] = job["path"]
import turnbuckle
for name in turnbuckle.__all__:
    getattr(turnbuckle, name)
for name in job["beforehand"]:
    importlib.import_module(name)
done, watching = [], [True]
def watch(event, arguments):
    if not watching[0]:
        return
    if event == "open":
        mode, flags = arguments[1] or "", arguments[2] or 0
        if flags & 0x3 or any(letter in mode for letter in "wax+"):
            done.append(f"open {arguments[0]!r} for writing")
    elif event.startswith(tuple(job["quiet"])):
        done.append(event)
sys.addaudithook(watch)
# The audit event for threads is younger than Python 3.11.
starting = threading.Thread.start
threading.Thread.start = lambda thread: (watching[0] and done.append("start a thread"), starting(thread))[1]
before = set(sys.modules)
start = time.process_time()
importlib.import_module(job["module"])
seconds = time.process_time() - start
watching[0] = False
print(json.dumps({"seconds": seconds, "done": done}))
"""


@attrs.frozen
class Import:
    """The effects of an import.

    Attributes:
        seconds: processor time.
        done: audit events that an import should not cause.
    """

    seconds: float
    done: tuple[str, ...]


def import_apart(module: str, beforehand: tuple[str, ...] = (), *, again: bool = False) -> Import:
    """Import a module in another process, once for several tests.

    Args:
        module: the name of the module.
        beforehand: modules that are imported before and do not count.
        again: import it in a new process even if the effects are known.

    Raises:
        AssertionError: the module cannot be imported.
    """
    job = {"module": module, "beforehand": beforehand, "path": [*sys.path, *_roots(module)], "quiet": _QUIET}
    run = _run.__wrapped__ if again else _run
    return run(module, json.dumps(job))


@lru_cache
def _run(module: str, job: str) -> Import:
    # Without byte code, Python itself writes no files.
    command = [sys.executable, "-B", "-c", _SCRIPT, job]
    # Coverage would write files, and take a part of the time.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    finished = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{module} cannot be imported by itself:\n{finished.stderr}"
    effects = json.loads(finished.stdout.splitlines()[-1])
    return Import(effects["seconds"], tuple(effects["done"]))


def _roots(module: str) -> list[str]:
    """Return the folder that the module is imported from, which may be missing on the path of a test run."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return []
    path = Path(file)
    depth = module.count(".") + (path.name == "__init__.py")
    return [str(path.parents[depth])]
