"""Make the context of TLS from settings and files, and make it again when the files have changed.

A context is never changed: connections that are being secured keep theirs, later ones get the new one. Files that
cannot be used leave the old context in force, and are looked at again when they change once more.

Sources: RFC 7301 (ALPN), RFC 9325 (versions and ciphers).
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

# Of TLS 1.2, those alone that keep past traffic secret and have no known weakness (RFC 9325, section 4.2).
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"

_Stamp = tuple[tuple[int, int, int] | None, ...]


def _not_negative(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not value >= 0:
        raise ValueError(f"{attribute.name} must be a number of at least 0, not {value!r}")


@attrs.frozen(kw_only=True)
class TLS:
    """How connections are secured; without a certificate they are not.

    Attributes:
        cert: file with the certificate of the server, then those of its issuers, in PEM; "" serves plain HTTP.
        key: file with its private key in PEM; "" if the file of the certificate holds it, too.
        password: of the private key, if it is encrypted.
        client_ca: file with the certificates, in PEM, that certificates of clients are checked against.
        client_certificates: "none" asks for none, "optional" checks what clients send, "required" takes no client
            without.
        minimum_version: of TLS; "1.3" leaves out clients from before 2018.
        ciphers: of TLS 1.2, in OpenSSL's words; "" for those with forward secrecy and authenticated encryption.
        check_files: seconds between two looks at whether the files have changed, taken when a client connects; 0 never
            looks.
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
    def is_wanted(self) -> bool:
        """Whether anything is said about TLS at all."""
        return bool(self.cert or self.key or self.client_ca or self.client_certificates != "none")

    @property
    def files(self) -> tuple[str, ...]:
        """The files that make the context."""
        return tuple(each for each in (self.cert, self.key, self.client_ca) if each)


@final
class Certificates:
    """The context of TLS that is in force.

    Args:
        tls: the settings.
        alpn: names of the protocols that are spoken, the preferred one first.

    Raises:
        TLSError: it cannot be made.
    """

    __slots__ = ("_alpn", "_context", "_due", "_stamp", "_tls")

    def __init__(self, tls: TLS, alpn: Sequence[str]) -> None:
        self._tls: Final = tls
        self._alpn: Final = tuple(alpn)
        self._due = 0.0
        self._stamp = _stamp_of(tls)
        self._context = _make_context(tls, self._alpn)

    def context(self, now: float) -> ssl.SSLContext:
        """Return the context for the next connection, made anew if the files have changed.

        Args:
            now: in monotonic seconds.
        """
        if now >= self._due and self._tls.check_files:
            self._due = now + self._tls.check_files
            if _stamp_of(self._tls) != self._stamp:
                self.reload()
        return self._context

    def reload(self) -> None:
        """Read the files again; those that cannot be used leave everything as it is, and a line in the log."""
        # What is written while the files are read is seen at the next look.
        self._stamp = _stamp_of(self._tls)
        try:
            self._context = _make_context(self._tls, self._alpn)
        except TLSError as error:
            _log.error("the certificate stays as it was: %s", error)
        else:
            _log.info("certificate %s was read again", self._tls.cert)


def _stamp_of(tls: TLS) -> _Stamp:
    return tuple(_stamp(file) for file in tls.files)


def _stamp(file: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _make_context(tls: TLS, alpn: Sequence[str]) -> ssl.SSLContext:
    import ssl

    _check(tls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if tls.minimum_version == "1.3" else ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(list(alpn))
    _choose_ciphers(context, tls)
    _load_certificate(context, tls)
    _load_client_ca(context, tls)
    return context


def _check(tls: TLS) -> None:
    if not tls.cert:
        raise TLSError("tls.cert is missing: the other settings of tls have no effect without a certificate")
    if tls.client_certificates != "none" and not tls.client_ca:
        wanted = f"certificates of clients are {tls.client_certificates}"
        raise TLSError(f"tls.client_ca is missing: {wanted}, and nothing says whose to accept")
    if tls.client_ca and tls.client_certificates == "none":
        raise TLSError('tls.client_ca has no effect while tls.client_certificates is "none"')
    for name, file in (("cert", tls.cert), ("key", tls.key), ("client_ca", tls.client_ca)):
        if file:
            _check_readable(name, file)


def _check_readable(name: str, file: str) -> None:
    # OpenSSL would name neither the file nor the setting.
    try:
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
        raise TLSError(f"tls.ciphers {tls.ciphers!r} names no cipher that can be used") from error


def _load_certificate(context: ssl.SSLContext, tls: TLS) -> None:
    # Without a password of ours, OpenSSL would ask for one on the terminal.
    try:
        context.load_cert_chain(tls.cert, tls.key or None, password=lambda: tls.password)
    except (OSError, ValueError) as error:
        raise TLSError(_why_not(tls, error)) from error


def _why_not(tls: TLS, error: OSError | ValueError) -> str:
    """Say in words what OpenSSL means; it gives a reason to few of its errors."""
    key = f"tls.key {tls.key!r}" if tls.key else f"the key in tls.cert {tls.cert!r}"
    reason = getattr(error, "reason", None) or ""
    if reason == "KEY_VALUES_MISMATCH":
        return f"{key} does not belong to the certificate in tls.cert {tls.cert!r}"
    if not _holds(tls.cert, b"CERTIFICATE-----"):
        return f"tls.cert {tls.cert!r} holds no certificate in PEM"
    if not _holds(tls.key or tls.cert, b"PRIVATE KEY-----"):
        return f"{key} is missing: the file holds no private key in PEM"
    if _holds(tls.key or tls.cert, b"ENCRYPTED"):
        return f"{key} cannot be decrypted: tls.password is {'wrong' if tls.password else 'missing'}"
    return f"tls.cert {tls.cert!r} and {key} cannot be used: {reason or error}"


def _holds(file: str, marker: bytes) -> bool:
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
        raise TLSError(f"tls.client_ca {tls.client_ca!r} holds no certificate in PEM") from error
    context.verify_mode = ssl.CERT_REQUIRED if tls.client_certificates == "required" else ssl.CERT_OPTIONAL
