"""Records that describe a connection secured with TLS, and the client's certificate. Pure data."""

from __future__ import annotations

import base64
import textwrap
from datetime import datetime
from typing import TypeAlias

import attrs

__all__ = ["ClientCertificate", "TLSInfo"]

Names: TypeAlias = tuple[tuple[str, str], ...]


@attrs.frozen(kw_only=True)
class ClientCertificate:
    """The certificate that a client sent, verified against ``tls.client_ca``.

    Attributes:
        subject: the subject, as pairs such as ``("commonName", "alice")``, in order.
        issuer: the issuer, in the same form.
        alternative_names: pairs such as ``("DNS", "alice.example")``, ``("email", "a@b.example")`` or
            ``("URI", "spiffe://...")``.
        serial_number: in hexadecimal.
        not_before: the start of its validity.
        not_after: the end of its validity.
        der: the complete certificate in DER.
    """

    subject: Names
    issuer: Names
    alternative_names: Names = ()
    serial_number: str
    not_before: datetime
    not_after: datetime
    der: bytes = attrs.field(repr=False)

    @property
    def common_name(self) -> str:
        """The last common name of the subject; ``""`` if it has none."""
        return next((value for name, value in reversed(self.subject) if name == "commonName"), "")

    @property
    def pem(self) -> str:
        """The certificate in PEM."""
        lines = textwrap.wrap(base64.b64encode(self.der).decode("ascii"), 64)
        return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))


@attrs.frozen(kw_only=True)
class TLSInfo:
    """How a connection is secured.

    Attributes:
        version: such as ``"TLSv1.3"``.
        cipher: such as ``"TLS_AES_256_GCM_SHA384"``.
        alpn: the protocol that both sides agreed on, such as ``"http/1.1"``; "" for none.
        client_certificate: None if the server did not ask for one, or the client has none.
    """

    version: str
    cipher: str
    alpn: str = ""
    client_certificate: ClientCertificate | None = None
