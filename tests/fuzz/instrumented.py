"""Import what is fuzzed so that libFuzzer sees which of its code is reached; to be imported before anything else."""

from __future__ import annotations

from contextlib import nullcontext

try:
    import atheris
except ImportError:
    atheris = None

__all__ = ["HAS_ATHERIS"]

HAS_ATHERIS = atheris is not None

_INSTRUMENTED = ["turnbuckle.http", "turnbuckle.server", "turnbuckle_plugins", "h11"]

with atheris.instrument_imports(include=_INSTRUMENTED) if atheris is not None else nullcontext():
    import turnbuckle_plugins.h11_parser
    import turnbuckle_plugins.httptools_parser  # noqa: F401
