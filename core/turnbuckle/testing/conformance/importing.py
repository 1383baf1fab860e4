"""Import a plugin's module in a process of its own, and see what that does.

Audit hooks cannot be taken away again, and a module is imported once: hence another process.
"""

from __future__ import annotations

import json
import subprocess
import sys
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

# What every app imports is there beforehand: its time is not the plugin's.
_SCRIPT: Final = """
import importlib, json, sys, threading, time
asked = json.loads(sys.argv[1])
sys.path[:] = asked["path"]
import turnbuckle
for name in turnbuckle.__all__:
    getattr(turnbuckle, name)
for name in asked["beforehand"]:
    importlib.import_module(name)
done, watching = [], [True]
def watch(event, arguments):
    if not watching[0]:
        return
    if event == "open":
        mode, flags = arguments[1] or "", arguments[2] or 0
        if flags & 0x3 or any(letter in mode for letter in "wax+"):
            done.append(f"open {arguments[0]!r} for writing")
    elif event.startswith(tuple(asked["quiet"])):
        done.append(event)
sys.addaudithook(watch)
# The audit event for threads is younger than Python 3.11.
starting = threading.Thread.start
threading.Thread.start = lambda thread: (watching[0] and done.append("start a thread"), starting(thread))[1]
before = set(sys.modules)
start = time.process_time()
importlib.import_module(asked["module"])
seconds = time.process_time() - start
watching[0] = False
print(json.dumps({"seconds": seconds, "done": done}))
"""


@attrs.frozen
class Import:
    """What an import did.

    Attributes:
        seconds: of the processor.
        done: the audit events of what an import should not do.
    """

    seconds: float
    done: tuple[str, ...]


def import_apart(module: str, beforehand: tuple[str, ...] = ()) -> Import:
    """Import a module in another process.

    Args:
        module: its name.
        beforehand: modules whose import does not count.

    Raises:
        AssertionError: it cannot be imported.
    """
    asked = {"module": module, "beforehand": beforehand, "path": [*sys.path, *_roots(module)], "quiet": _QUIET}
    # Without byte code nothing is written that the module did not ask for.
    command = [sys.executable, "-B", "-c", _SCRIPT, json.dumps(asked)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{module} cannot be imported by itself:\n{finished.stderr}"
    reporting_errors = json.loads(finished.stdout.splitlines()[-1])
    return Import(reporting_errors["seconds"], tuple(reporting_errors["done"]))


def _roots(module: str) -> list[str]:
    """Return where the module can be imported from, which need not be on the path of a test run."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return []
    path = Path(file)
    depth = module.count(".") + (path.name == "__init__.py")
    return [str(path.parents[depth])]
