"""Explain exceptions of the code of an app or a plugin: the reason, and a way to solve the problem.

The explanations cover the usual mistakes in declarations. Other exceptions are explained by their line only.
"""

from __future__ import annotations

import builtins
import inspect
import linecache
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from turnbuckle.diagnostics import file_location
from turnbuckle.errors import AppFrozen
from turnbuckle.plugin import Plugin
from turnbuckle.startup.model.diagnostics import nearest
from turnbuckle.startup.model.locations import is_of_core
from turnbuckle.web.foreign_names import IMPORTED_NAMES

__all__ = ["close_coroutines", "explain_error"]

_DISTRIBUTIONS: Final = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "Crypto": "pycryptodome",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "jwt": "PyJWT",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "Pillow",
    "psycopg2": "psycopg2-binary",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}
_KEYWORD: Final = re.compile(r"([\w.<>]+)\(\) got an unexpected keyword argument '(\w+)'")
_ARGUMENTS: Final = re.compile(r"([\w.<>]+)\(\) (?:takes|missing) .*(?:argument|arguments)")
_CIRCULAR: Final = re.compile(r"partially initialized module '([\w.]+)'")
_FROM: Final = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
_OPTION: Final = re.compile(r"has no option '(\w+)'(?:; did you mean '(\w+)')?")
_INSTEAD: Final = re.compile(r"'(\w+)'; instead: (.+)")
_CHOICE: Final = re.compile(r"'(\w+)' must be in \((.*)\) \(got '(\w*)'\)")
_ADVICE: Final = re.compile(r"; ((?:write|pass|add|return|use|remove|decorate|call|name|make|give) .+)")
_LOOP: Final = re.compile(r"no running event loop|asyncio\.run\(\) cannot be called|no current event loop")
_STARS: Final = {
    inspect.Parameter.POSITIONAL_ONLY: "",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "",
    inspect.Parameter.KEYWORD_ONLY: "",
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}

_SPELLING: Final = re.compile(r"(?:^|[;:,] |but |(?=must))((?:write|pass|must take) .+)")

Hint = tuple[str, str]
"""The reason and the fix; an empty text for an unknown one."""


def explain_error(error: BaseException, location: str) -> Hint:
    """Return why an exception was raised, and how to solve the problem.

    Args:
        error: the exception.
        location: the line at fault.
    """
    why, fix = _hint(error)
    where = location or "the line that raises it"
    line = _source_line(location)
    shown = f" ({line})" if line else ""
    if not fix and (advice := _ADVICE.search(str(error))):
        fix = advice[1]
    return why or f"{where}{shown} raises {type(error).__name__}", fix or f"change {where}{shown} so that it does not"


def close_coroutines(error: BaseException) -> None:
    """Close the coroutines that an exception left unstarted, because Python would warn about them in another place."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for value in list(frame.f_locals.values()):
            if inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
                value.close()


def _hint(error: BaseException) -> Hint:
    notes = _notes(error)
    if notes != ("", ""):
        return notes
    if fix := _own_fix(error):
        return "", fix
    for kind, explain in _EXPLANATIONS:
        if isinstance(error, kind):
            return explain(error)
    return "", ""


def _own_fix(error: BaseException) -> str:
    """Return the right spelling in a message of Turnbuckle itself; "" for other exceptions."""
    found = _SPELLING.search(str(error))
    frames = list(traceback.walk_tb(error.__traceback__)) if found is not None else []
    if found is None or not frames or not is_of_core(frames[-1][0].f_code.co_filename):
        return ""
    return re.sub(r"\Amust take", "let it take", found[1])


def _notes(error: BaseException) -> Hint:
    # Exceptions of the core carry their explanation as notes, which a plain traceback shows as well.
    found = {"why": "", "fix": ""}
    for note in getattr(error, "__notes__", ()):
        key, _, text = str(note).partition(": ")
        if key in found:
            found[key] = text
    return found["why"], found["fix"]


def _missing_module(error: BaseException) -> Hint:
    name = getattr(error, "name", None) or ""
    top = name.partition(".")[0]
    if top in sys.modules and name != top:
        folders = getattr(sys.modules[top], "__path__", ())
        near = nearest(name, [module.name for module in pkgutil.iter_modules(folders, f"{top}.")])
        return f"package {top!r} has no such module", f"import {near}" if near else f"correct the name after {top!r}"
    near = nearest(top, [path.stem for path in Path().iterdir() if path.suffix == ".py"], 0.75)
    if near:
        return "neither a file nor an installed distribution has this name", f"write {near!r}, the name of a file here"
    distribution = _DISTRIBUTIONS.get(top, top.replace("_", "-"))
    return f"{top!r} is not installed for {sys.executable}", f"install it: pip install {distribution}"


def _import_error(error: BaseException) -> Hint:
    text = str(error)
    if circle := _CIRCULAR.search(text):
        return _circular(error, circle[1])
    if (found := _FROM.search(text)) is None:
        return "", ""
    name, module = found[1], sys.modules.get(found[2])
    if _is_being_imported(getattr(error, "path", None), error):
        return _circular(error, found[2])
    if found[2] == "turnbuckle" and name in IMPORTED_NAMES:
        return "it is a name of another framework", IMPORTED_NAMES[name]
    near = nearest(name, [known for known in dir(module) if not known.startswith("_")])
    why = f"module {found[2]!r} defines no {name!r}"
    return why, f"import {near!r} instead" if near else f"define {name!r} there, or remove the import"


def _circular(error: BaseException, module: str) -> Hint:
    files = [
        frame.filename for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")
    ]
    own = getattr(error, "path", None) or getattr(sys.modules.get(module), "__file__", None)
    path = own or next((file for file in files if Path(file).stem == module.rpartition(".")[2]), "")
    inside = files[files.index(path) :] if path in files else files[-1:]
    names = list(dict.fromkeys(Path(file).name for file in inside))
    circle = " -> ".join([*names, names[0]]) if names else module
    return (
        f"the modules import each other: {circle}; the import runs before {module!r} has defined the name",
        "move the shared names into a third module that both import, or import inside the function that uses them",
    )


def _is_being_imported(path: str | None, error: BaseException) -> bool:
    """Return whether the import of a file led to an exception. Python's message does not say so for files of apps."""
    return any(
        frame.name == "<module>" and frame.filename == path for frame in traceback.extract_tb(error.__traceback__)[:-1]
    )


def _name_error(error: BaseException) -> Hint:
    turnbuckle = sys.modules["turnbuckle"]  # the layer of the public names is above this one

    name = getattr(error, "name", None) or ""
    frame = _last_frame(error)
    if name in dir(turnbuckle):
        return f"{name!r} is not imported", f"write 'from turnbuckle import {name}'"
    known = [*(frame.f_globals if frame else ()), *(frame.f_locals if frame else ()), *dir(builtins)]
    if near := nearest(name, [other for other in known if not other.startswith("_")], 0.75):
        return f"nothing above this line defines {name!r}", f"write {near!r}"
    if name in sys.stdlib_module_names:
        return f"{name!r} is not imported", f"write 'import {name}'"
    return f"nothing above this line defines {name!r}", f"define or import {name!r} above this line"


def _attribute_error(error: BaseException) -> Hint:
    text, name = str(error), getattr(error, "name", None) or ""
    if circle := _CIRCULAR.search(text):
        return _circular(error, circle[1])
    value = getattr(error, "obj", None)
    if value is None or not name:
        return "", ""
    if inspect.ismodule(value) and _is_being_imported(getattr(value, "__file__", None), error):
        return _circular(error, value.__name__)
    if isinstance(value, Plugin) and name in {"config", "settings", "setup"}:
        what = "setup" if name == "setup" else f"setup.{name}"
        return (
            f"a plugin has no {name!r}; its hooks receive the setup",
            f"write {what} in the hook, instead of self.{name}",
        )
    if instead := _INSTEAD.search(text):
        return f"{type(value).__name__} has no {name!r}", f"instead of {name}: {instead[2]}"
    public = [known for known in dir(value) if not known.startswith("_")]
    near = nearest(name, public)
    kind = type(value).__name__ if not inspect.ismodule(value) else value.__name__
    return f"{kind} has no {name!r}", f"write {near!r}" if near else ""


def _type_error(error: BaseException) -> Hint:
    text = str(error)
    if found := _INSTEAD.search(text):
        return "an unknown option would have no effect", f"instead of {found[1]}: {found[2]}"
    if found := _OPTION.search(text):
        return "an unknown option would have no effect", f"write {found[2]}=" if found[2] else f"remove {found[1]}="
    if found := _KEYWORD.match(text):
        function = _function(found[1], error)
        return _unknown_keyword(found[1], found[2], _parameters(function) if function is not None else [])
    if found := _ARGUMENTS.match(text):
        function = _function(found[1], error)
        if function is None:
            return "", ""
        return f"{_called(found[1])} is defined as {_form(found[1], function)}", f"write {_example(found[1], function)}"
    return "", ""


def _unknown_keyword(qualname: str, name: str, parameters: Sequence[inspect.Parameter]) -> Hint:
    """Return the hint for a call with a keyword that does not exist, or whose parameter is passed by position."""
    shown = [f"*{known.name}" if known.kind is known.VAR_POSITIONAL else known.name for known in parameters]
    why = f"{_called(qualname)} takes {', '.join(shown) or 'no such argument'}"
    by_position = {known.name for known in parameters if known.kind in {known.POSITIONAL_ONLY, known.VAR_POSITIONAL}}
    if name in by_position:
        return why, f"pass the value by position, without {name}="
    near = nearest(name, [known.name for known in parameters if known.name not in by_position])
    return why, f"write {near}=" if near else f"remove {name}="


def _value_error(error: BaseException) -> Hint:
    if found := _CHOICE.search(str(error)):
        choices = re.findall(r"'(\w+)'", found[2])
        near = nearest(found[3], choices, 0.4)
        return f"{found[1]} is one of {', '.join(choices)}", f"write {found[1]}={near or choices[-1]!r}"
    return "", ""


def _called(qualname: str) -> str:
    return qualname.removesuffix(".__init__")


def _form(qualname: str, function: Callable[..., object]) -> str:
    parts: list[str] = []
    is_keyword_only = False
    for parameter in _parameters(function):
        if parameter.kind is parameter.KEYWORD_ONLY and not is_keyword_only:
            is_keyword_only = True
            parts.append("*")
        default = "=..." if parameter.default is not parameter.empty else ""
        prefix = _STARS[parameter.kind]
        is_keyword_only = is_keyword_only or parameter.kind is parameter.VAR_POSITIONAL
        parts.append(prefix + parameter.name + default)
    return f"{_called(qualname).rpartition('.')[2]}({', '.join(parts)})"


def _example(qualname: str, function: Callable[..., object]) -> str:
    needed = [
        f"{parameter.name}=..."
        for parameter in _parameters(function)
        if parameter.default is parameter.empty
        and parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    ]
    return f"{_called(qualname).rpartition('.')[2]}({', '.join(needed)}), with further arguments by name"


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    return [parameter for parameter in inspect.signature(function).parameters.values() if parameter.name != "self"]


def _function(qualname: str, error: BaseException) -> Callable[..., object] | None:
    """Return the function that an exception names: a public one of Turnbuckle, or one that the calling line sees."""
    turnbuckle = sys.modules["turnbuckle"]  # the layer of the public names is above this one

    first, *rest = qualname.split(".")
    frame = _last_frame(error)
    value = getattr(turnbuckle, first, None) if first in dir(turnbuckle) else None
    if value is None and frame is not None:
        value = frame.f_locals.get(first, frame.f_globals.get(first))
    for name in rest:
        value = getattr(value, name, None)
    return value if callable(value) else None


def _syntax_error(error: BaseException) -> Hint:
    assert isinstance(error, SyntaxError)
    line = " ".join((error.text or "").split())
    where = file_location(error.filename or "", error.lineno)
    return f"Python cannot read the file: {error.msg}", f"correct line {where}" + (f" ({line})" if line else "")


def _exit(error: BaseException) -> Hint:
    return (
        "the module is imported, not run, and its code ends the program",
        "put this call under 'if __name__ == \"__main__\":', or remove it",
    )


def _runtime_error(error: BaseException) -> Hint:
    if isinstance(error, AppFrozen):
        return (
            f"the app is {error.phase}, and a change would have no effect",
            "make all declarations before the app is resolved",
        )
    if not _LOOP.search(str(error)):
        return "", ""
    return (
        "this code runs before the server has an event loop",
        "write a lifespan, and await in it; start tasks in it with setup.background(function)",
    )


def _file_error(error: BaseException) -> Hint:
    name = getattr(error, "filename", None)
    if name is None:
        return "", ""
    return (
        f"there is no such file, seen from the current folder {Path.cwd()}",
        "create it, or build its path from the module: Path(__file__).parent / ...",
    )


def _key_error(error: BaseException) -> Hint:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or Path(frames[-1].filename).name not in {"<frozen os>", "os.py"}:
        return "", ""
    name = error.args[0] if error.args else ""
    return f"the environment has no variable {name!r}", f"set ${name}, or give a default: os.environ.get({name!r}, ...)"


def _last_frame(error: BaseException) -> FrameType | None:
    found: FrameType | None = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        found = frame
    return found


def _source_line(location: str) -> str:
    path, _, number = location.rpartition(":")
    linecache.checkcache(path)  # a relative path may have been read in another folder
    return " ".join(linecache.getline(path, int(number)).split())[:80] if path and number.isdigit() else ""


_EXPLANATIONS: Final[tuple[tuple[type[BaseException], Callable[[BaseException], Hint]], ...]] = (
    (ModuleNotFoundError, _missing_module),
    (ImportError, _import_error),
    (NameError, _name_error),
    (AttributeError, _attribute_error),
    (TypeError, _type_error),
    (SyntaxError, _syntax_error),
    (SystemExit, _exit),
    (ValueError, _value_error),
    (RuntimeError, _runtime_error),
    (FileNotFoundError, _file_error),
    (KeyError, _key_error),
)
