"""Import the module or file of an app, and distinguish a missing module from a broken one."""

from __future__ import annotations

import importlib
import importlib.util
import site
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

from turnbuckle.cli.reporting import CommandFailed
from turnbuckle.diagnostics import Diagnostic, Origin, file_location
from turnbuckle.errors import StartupError
from turnbuckle.startup.model.diagnostics import did_you_mean, format_error
from turnbuckle.startup.plugins.error_hints import close_coroutines, explain_error

__all__ = ["import_file", "import_module", "reporting_app_errors"]

_PACKAGE: Final = str(Path(__file__).resolve().parent.parent)


def import_module(name: str) -> ModuleType:
    """Import a module by name; the current folder is searched first.

    Raises:
        CommandFailed: 3; the module does not exist, or it raised an exception.
    """
    _make_importable(Path.cwd())
    with reporting_app_errors(f"{name!r} cannot be imported", module=name):
        return importlib.import_module(name)


def import_file(path: Path) -> ModuleType:
    """Import a file, and make the modules in its folder importable.

    Raises:
        CommandFailed: 3; the file does not exist, or it raised an exception.
    """
    if path.suffix != ".py" or not path.is_file():
        if path.suffix == ".py" and path.exists():
            raise CommandFailed(f"error: {str(path)!r} is not a regular file")
        hint = "" if path.suffix == ".py" else ", or not a Python file"
        raise CommandFailed(f"error: no file {str(path)!r}{hint}{_file_hint(path)}")
    path = path.resolve()
    folder, packages = _home(path)
    _make_importable(path.parent)
    if folder != path.parent:
        _make_importable(folder)
    with reporting_app_errors(f"{file_location(str(path), None)!r} cannot be imported"):
        if packages:
            return importlib.import_module(".".join(packages))
        return _load(path, path.stem)


def _file_hint(path: Path) -> str:
    try:
        names = [file.name for file in path.parent.iterdir() if file.suffix == ".py"]
    except OSError:
        return ""
    return did_you_mean(path.name, names)


def _home(path: Path) -> tuple[Path, list[str]]:
    """Return the folder above the packages of a file, and the dotted name as parts; empty outside of a package."""
    folder: Path = path.parent
    names = [path.stem] if path.stem != "__init__" else []
    while (folder / "__init__.py").is_file() and folder.name.isidentifier() and path.stem.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    return folder, names if folder != path.parent else []


def _load(path: Path, name: str) -> ModuleType:
    # A file may have the name of an imported module, which must not be replaced.
    if not name.isidentifier() or name in sys.modules or name in sys.stdlib_module_names:
        name = f"turnbuckle_target_{name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{str(path)!r} is not a file that Python can import")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _make_importable(folder: Path) -> None:
    entry = str(folder)
    if entry in sys.path:
        sys.path.remove(entry)
    sys.path.insert(0, entry)
    importlib.invalidate_caches()


@contextmanager
def reporting_app_errors(what: str, *, module: str = "") -> Iterator[None]:
    """Report any exception of the app's code as a problem, with its location, the reason and a fix.

    Args:
        what: the failed action, for the message.
        module: the imported module, which may be missing.

    Raises:
        CommandFailed: 3; a ``StartupError`` propagates unchanged.
    """
    try:
        yield
    except (CommandFailed, StartupError):
        raise
    except ModuleNotFoundError as error:
        if error.name is None or f"{module}.".startswith(f"{error.name}.") is False:
            raise CommandFailed(_describe_failure(what, error)) from error
        raise CommandFailed(f"error: {what}: no module {error.name!r}{_module_hint(error.name)}") from error
    except SystemExit as error:
        raise CommandFailed(_describe_failure(what, error, f"it exits with {error.code!r}")) from error
    except Exception as error:
        raise CommandFailed(_describe_failure(what, error)) from error


def _module_hint(name: str) -> str:
    if "." in name:
        return ""
    found = [path.stem for path in Path().iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()]
    return did_you_mean(name, found)


def _describe_failure(what: str, error: BaseException, reason: str = "") -> str:
    close_coroutines(error)
    if not reason:
        reason = f"{type(error).__name__}: {error.msg}" if isinstance(error, SyntaxError) else format_error(error)
    location = _location(error)
    why, fix = explain_error(error, location)
    problem = Diagnostic(
        level="error",
        code="TB701",
        text=f"{what}: {' '.join(reason.split())}",
        why=why,
        fix=fix,
        origins=(Origin(plugin="app", location=location),),
    )
    return f"error: {problem}"


def _location(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return file_location(error.filename, error.lineno)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    foreign = (_PACKAGE, sysconfig.get_path("stdlib"), *site.getsitepackages())
    own = [frame for frame in frames if not frame.filename.startswith(foreign)]
    # The line in the author's code is more useful than the line in a library.
    nearest = (own or frames)[-1:]
    return "".join(file_location(frame.filename, frame.lineno) for frame in nearest)
