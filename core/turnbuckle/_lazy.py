"""Import the public names of a package when they are first used.

The stub beside the package (``__init__.pyi``) is the one list of its names: type checkers read it, and so does
``lazy_names``. Each import of the stub has the form ``from module import Name as Name``.

Only built-in functions are used here, because ``import turnbuckle`` must cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping

__all__ = ["lazy_names"]


def lazy_names(
    package: str, file: str, namespace: MutableMapping[str, object]
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` for a package.

    Args:
        package: its name, for messages.
        file: path of its ``__init__.py``; the stub has the same path with the suffix ``.pyi``.
        namespace: its globals, where each name is stored after its first use.
    """
    homes = dict(_names_of(file.removesuffix("c") + "i"))

    def get_attribute(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        value = namespace[name] = getattr(import_module(home), name)
        return value

    return get_attribute, lambda: sorted(homes), sorted(homes)


def _names_of(stub: str) -> Iterator[tuple[str, str]]:
    module = ""
    with open(stub, encoding="utf-8") as lines:
        for line in lines:
            names = line
            if line.startswith("from "):
                module, _, names = line.removeprefix("from ").partition(" import ")
            for part in names.split(","):
                name, is_name, _ = part.strip(" ()\n").partition(" as ")
                if is_name:
                    yield name, module
