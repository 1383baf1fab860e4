"""Make the TLS context from settings and files, and make it again when the files change.

A context is never modified: connections keep the context they started with, and later ones get the new context. If the
changed files cannot be used, the old context stays in force until they change again.

A resumed session skips the check of the client's certificate: it may have expired, or its issuer may have been removed
from ``client_ca``. So no session tickets are issued if client certificates are requested. Clients of TLS 1.2 can still
resume by session ID, because Python cannot turn that off; ``handshake.py`` checks the dates of their certificates.

Sources: RFC 7301 (ALPN), RFC 8446, section 2.2 (resumption), RFC 9325 (versions and ciphers).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, final

import attrs

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import TLSError

if TYPE_CHECKING:
    import ssl

__all__ = ["TLS", "Certificates"]

_log: Final = SafeLogger("turnbuckle.server")

# The TLS 1.2 ciphers with forward secrecy and without known weakness (RFC 9325, section 4.2).
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"

_FileStamps = tuple[tuple[int, int, int] | None, ...]


def _not_negative(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not value >= 0:
        raise ValueError(f"{attribute.name} must be a number of at least 0, not {value!r}")


@attrs.frozen(kw_only=True)
class TLS:
    """The certificate and options of TLS; without a certificate the server speaks plain HTTP.

    Attributes:
        cert: file with the server's certificate and the certificates of its issuers, in PEM; "" serves plain HTTP.
        key: file with its private key in PEM; "" if the file of the certificate contains the key.
        password: of the private key, if it is encrypted.
        client_ca: file with the certificates, in PEM, that client certificates are checked against.
        client_certificates: "none" requests none, "optional" checks the certificates that clients send, "required"
            rejects clients without one.
        minimum_version: of TLS; "1.3" excludes clients from before 2018.
        ciphers: for TLS 1.2, in OpenSSL's format; "" for the ciphers with forward secrecy and authenticated encryption.
        check_files: seconds between checks whether the files have changed, made when a client connects; 0 never checks.
    """

    cert: str = ""
    key: str = ""
    password: str = attrs.field(default="", repr=False, metadata={"secret": True})
    client_ca: str = ""
    client_certificates: Literal["none", "optional", "required"] = "none"
    minimum_version: Literal["1.2", "1.3"] = "1.2"
    ciphers: str = ""
    check_files: float = attrs.field(default=10.0, validator=_not_negative)

    @property
    def is_configured(self) -> bool:
        """Whether any setting of TLS is set."""
        return bool(self.cert or self.key or self.client_ca or self.client_certificates != "none")

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the context is made from."""
        return tuple(file for file in (self.cert, self.key, self.client_ca) if file)


@final
class Certificates:
    """The TLS context in force.

    Args:
        tls: the settings.
        alpn: names of the application protocols, the preferred one first.

    Raises:
        TLSError: the context cannot be made.
    """

    __slots__ = ("_alpn", "_context", "_due", "_stamp", "_tls")

    def __init__(self, tls: TLS, alpn: Sequence[str]) -> None:
        self._tls: Final = tls
        self._alpn: Final = tuple(alpn)
        self._due = 0.0
        self._stamp = _file_stamps(tls)
        self._context = _make_context(tls, self._alpn)

    def context(self, now: float) -> ssl.SSLContext:
        """Return the context for the next connection, after reading changed files again.

        Args:
            now: in monotonic seconds.
        """
        if now >= self._due and self._tls.check_files:
            self._due = now + self._tls.check_files
            if _file_stamps(self._tls) != self._stamp:
                self.reload()
        return self._context

    def reload(self) -> None:
        """Read the files again; files that cannot be used are logged, and the old context stays."""
        # A change during the reload is found at the next check.
        self._stamp = _file_stamps(self._tls)
        try:
            self._context = _make_context(self._tls, self._alpn)
        except TLSError as error:
            _log.error("keeping the old certificate: %s", error)
        else:
            _log.info("reloaded certificate %s", self._tls.cert)


def _file_stamps(tls: TLS) -> _FileStamps:
    return tuple(_stamp(file) for file in tls.files)


def _stamp(file: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _make_context(tls: TLS, alpn: Sequence[str]) -> ssl.SSLContext:
    import ssl

    _check_settings(tls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if tls.minimum_version == "1.3" else ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(list(alpn))
    _choose_ciphers(context, tls)
    _load_certificate(context, tls)
    _load_client_ca(context, tls)
    return context


def _check_settings(tls: TLS) -> None:
    if not tls.cert:
        raise TLSError("tls.cert is missing: the other settings of tls have no effect without a certificate")
    if tls.client_certificates != "none" and not tls.client_ca:
        raise TLSError(f'tls.client_ca is missing: tls.client_certificates is "{tls.client_certificates}"')
    if tls.client_ca and tls.client_certificates == "none":
        raise TLSError('tls.client_ca has no effect while tls.client_certificates is "none"')
    for name, file in (("cert", tls.cert), ("key", tls.key), ("client_ca", tls.client_ca)):
        if file:
            _check_readable(name, file)


def _check_readable(name: str, file: str) -> None:
    # OpenSSL's error names neither the file nor the setting.
    try:
        if not Path(file).is_dir() and Path(file).exists() and not Path(file).is_file():
            # Reading a pipe would wait for a writer, and its content could be read only once.
            raise TLSError(f"cannot read tls.{name} {file!r}: not a regular file")
        with Path(file).open("rb"):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TLSError(f"cannot read tls.{name} {file!r}: {reason}") from error


def _choose_ciphers(context: ssl.SSLContext, tls: TLS) -> None:
    import ssl

    try:
        context.set_ciphers(tls.ciphers or _CIPHERS)
    except ssl.SSLError as error:
        raise TLSError(f"tls.ciphers {tls.ciphers!r} names no usable cipher") from error


def _load_certificate(context: ssl.SSLContext, tls: TLS) -> None:
    # Without a password callback, OpenSSL would ask for a password on the terminal.
    try:
        context.load_cert_chain(tls.cert, tls.key or None, password=lambda: tls.password)
    except (OSError, ValueError) as error:
        raise TLSError(_certificate_problem(tls, error)) from error


def _certificate_problem(tls: TLS, error: OSError | ValueError) -> str:
    """Describe why OpenSSL rejects the certificate or key; few of its errors carry a reason."""
    key = f"tls.key {tls.key!r}" if tls.key else f"the key in tls.cert {tls.cert!r}"
    reason = getattr(error, "reason", None) or ""
    if reason == "KEY_VALUES_MISMATCH":
        return f"{key} does not belong to the certificate in tls.cert {tls.cert!r}"
    if not _contains(tls.cert, b"CERTIFICATE-----"):
        return f"tls.cert {tls.cert!r} contains no PEM certificate"
    if not _contains(tls.key or tls.cert, b"PRIVATE KEY-----"):
        return f"{key} is missing: the file contains no PEM private key"
    if _contains(tls.key or tls.cert, b"ENCRYPTED"):
        return f"{key} cannot be decrypted: tls.password is {'wrong' if tls.password else 'missing'}"
    return f"tls.cert {tls.cert!r} and {key} cannot be used: {reason or error}"


def _contains(file: str, marker: bytes) -> bool:
    try:
        return marker in Path(file).read_bytes()
    except OSError:
        return False


def _load_client_ca(context: ssl.SSLContext, tls: TLS) -> None:
    import ssl

    if not tls.client_ca:
        return
    try:
        context.load_verify_locations(tls.client_ca)
    except OSError as error:
        raise TLSError(f"tls.client_ca {tls.client_ca!r} contains no PEM certificate") from error
    context.verify_mode = ssl.CERT_REQUIRED if tls.client_certificates == "required" else ssl.CERT_OPTIONAL
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
