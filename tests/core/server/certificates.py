"""Make certificates for tests: a certificate authority and the certificates that it signs, as files."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import attrs
import trustme

__all__ = ["Authority"]


@attrs.frozen
class Authority:
    """An authority of one test, whose files are in a folder."""

    folder: Path
    ca: trustme.CA = attrs.field(factory=trustme.CA)

    @property
    def file(self) -> str:
        """Its certificate in PEM."""
        path = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(path)
        return str(path)

    def issue(
        self, *names: str, to: str = "server", common_name: str | None = None, not_after: datetime | None = None
    ) -> tuple[str, str]:
        """Write a certificate and its key; return their paths."""
        signed = self.ca.issue_cert(*names, common_name=common_name, not_after=not_after)
        cert, key = self.folder / f"{to}.pem", self.folder / f"{to}.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in signed.cert_chain_pems))
        signed.private_key_pem.write_to_path(key)
        return str(cert), str(key)

    def client_context(self, cert: tuple[str, str] | None = None, alpn: Sequence[str] = ()) -> ssl.SSLContext:
        """Return the context of a client that trusts the authority."""
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        if cert is not None:
            context.load_cert_chain(*cert)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context
