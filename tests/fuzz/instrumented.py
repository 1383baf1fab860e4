"""Import the fuzzed modules with instrumentation for libFuzzer; this module must be imported first."""

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
