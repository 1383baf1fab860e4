"""Import a project's own ``turnbuckle_plugin.py``, which counts as enabled."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

from turnbuckle.plugin import Plugin

__all__ = ["FILE_NAME", "local_plugins"]

FILE_NAME: Final = "turnbuckle_plugin.py"


def local_plugins(path: Path) -> list[type[Plugin]]:
    """Return the plugin classes that a file defines, in the order in which it defines them.

    Raises:
        Exception: whatever running the file raises.
    """
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file", path=str(path))
    module = module_from_spec(spec)
    # attrs and pickle look classes up by their module, so it must be there while it runs.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return [each for each in vars(module).values() if _is_plugin_of(each, path.stem)]


def _is_plugin_of(value: object, module: str) -> bool:
    return isinstance(value, type) and issubclass(value, Plugin) and value.__module__ == module
