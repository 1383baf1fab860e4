"""Fetch axe-core, which checks pages for accessibility, from the registry of npm: one version, with its checksum.

``make axe`` runs it, and so does ``make test``. Without a network, the tests that need axe-core are skipped. npm itself
is not needed: a package is an archive, and only one file of it is used.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import Final

__all__ = ["AXE"]

_VERSION: Final = "4.14.1"
_URL: Final = f"https://registry.npmjs.org/axe-core/-/axe-core-{_VERSION}.tgz"
_SHA512: Final = (
    "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b73"
    "4f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5"
)
AXE: Final = Path(__file__).parents[1] / ".axe" / f"axe-core-{_VERSION}.js"
"""The script, if it was fetched."""


def main() -> None:
    """Fetch the archive, check it, and write the script.

    Raises:
        OSError: the registry cannot be reached.
        ValueError: the archive is not the expected one.
    """
    if AXE.exists():
        return
    with urllib.request.urlopen(_URL, timeout=60) as response:
        archive = response.read()
    if hashlib.sha512(archive).hexdigest() != _SHA512:
        raise ValueError(f"the archive from {_URL} is not the expected one")
    with tarfile.open(fileobj=io.BytesIO(archive)) as package:
        script = package.extractfile("package/axe.min.js")
        assert script is not None
        AXE.parent.mkdir(exist_ok=True)
        AXE.write_bytes(script.read())


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"make: axe-core cannot be fetched, and the tests that need it are skipped: {error}")
