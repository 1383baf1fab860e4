"""The TLS context: refused settings and files with their messages, and when files are read again."""

from __future__ import annotations

import logging
import os
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.core.server.certificates import Authority
from turnbuckle.errors import TLSError
from turnbuckle.server.tls.context import TLS, Certificates

ALPN = ("http/1.1",)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def _encrypt(key: str, password: bytes) -> None:
    path = Path(key)
    loaded = serialization.load_pem_private_key(path.read_bytes(), None)
    path.write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password),
        )
    )


def test_defaults_secure_nothing() -> None:
    assert not TLS().is_configured


def test_context_has_sound_defaults(authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    context = Certificates(TLS(cert=cert, key=key), ALPN).context(0)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_NONE
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION
    old = [cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.2"]
    assert old
    assert all(name.startswith("ECDHE-") and ("GCM" in name or "CHACHA20" in name) for name in old)


def test_minimum_version_may_be_raised(authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    context = Certificates(TLS(cert=cert, key=key, minimum_version="1.3"), ALPN).context(0)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3


def test_key_may_be_in_the_file_of_the_certificate(authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    Path(cert).write_bytes(Path(key).read_bytes() + Path(cert).read_bytes())
    assert Certificates(TLS(cert=cert), ALPN).context(0)


def test_encrypted_key_is_read_with_its_password(authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    _encrypt(key, b"sesame")
    assert Certificates(TLS(cert=cert, key=key, password="sesame"), ALPN).context(0)


@pytest.mark.parametrize(("password", "word"), [("", "missing"), ("wrong", "wrong")])
def test_encrypted_key_never_asks_on_the_terminal(authority: Authority, password: str, word: str) -> None:
    cert, key = authority.issue("localhost")
    _encrypt(key, b"sesame")
    with pytest.raises(TLSError) as caught:
        Certificates(TLS(cert=cert, key=key, password=password), ALPN)
    assert str(caught.value) == f"tls.key {key!r} cannot be decrypted: tls.password is {word}"


def test_password_is_in_no_repr() -> None:
    assert "sesame" not in repr(TLS(password="sesame"))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param({"cert": "{folder}/none.pem"}, "cannot read tls.cert", id="none"),
        pytest.param({"key": "{folder}/none.key"}, "none.key': No such file", id="no-key"),
        pytest.param({"cert": "{folder}"}, "cannot read tls.cert '{folder}': Is a directory", id="folder"),
        pytest.param({"cert": "{folder}/rubbish"}, "tls.cert '{folder}/rubbish' contains no PEM", id="rubbish"),
        pytest.param({"key": "{folder}/rubbish"}, "tls.key '{folder}/rubbish' is missing: the file", id="rubbish-key"),
        pytest.param({"key": ""}, "the key in tls.cert '{folder}/server.pem' is missing", id="no-key-in-cert"),
        pytest.param({"key": "{folder}/other.key"}, "tls.key '{folder}/other.key' does not belong", id="mismatch"),
        pytest.param({"cert": "{folder}/broken.pem"}, "cannot be used", id="broken"),
        pytest.param({"ciphers": "NONSENSE"}, "tls.ciphers 'NONSENSE' names no usable cipher", id="ciphers"),
        pytest.param({"client_certificates": "required"}, "tls.client_ca is missing", id="no-ca"),
        pytest.param({"client_ca": "{folder}/server.pem"}, "tls.client_ca has no effect", id="useless-ca"),
        pytest.param(
            {"client_certificates": "optional", "client_ca": "{folder}/rubbish"},
            "tls.client_ca '{folder}/rubbish' contains no PEM certificate",
            id="rubbish-ca",
        ),
        pytest.param({"cert": "", "key": "k"}, "tls.cert is missing", id="key-alone"),
    ],
)
def test_unusable_settings_are_refused_with_a_message(authority: Authority, more: dict[str, str], says: str) -> None:
    cert, key = authority.issue("localhost")
    authority.issue("localhost", to="other")
    folder = str(authority.folder)
    (authority.folder / "rubbish").write_text("rubbish")
    (authority.folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    given = {name: value.format(folder=folder) for name, value in more.items()}
    with pytest.raises(TLSError) as caught:
        Certificates(TLS(**{"cert": cert, "key": key, **given}), ALPN)
    assert says.format(folder=folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_have_not_changed_are_not_read(authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    certificates = Certificates(TLS(cert=cert, key=key), ALPN)
    assert certificates.context(0) is certificates.context(1000)


def test_files_are_looked_at_once_in_a_while(authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    certificates = Certificates(TLS(cert=cert, key=key, check_files=10), ALPN)
    before = certificates.context(100)
    authority.issue("localhost")
    assert certificates.context(109) is before
    assert certificates.context(110) is not before


def test_files_are_never_looked_at_where_that_is_switched_off(authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    certificates = Certificates(TLS(cert=cert, key=key, check_files=0), ALPN)
    before = certificates.context(0)
    authority.issue("localhost")
    assert certificates.context(1e9) is before
    certificates.reload()
    assert certificates.context(1e9) is not before


def test_broken_files_keep_the_old_context_until_they_are_fixed(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    cert, key = authority.issue("localhost")
    certificates = Certificates(TLS(cert=cert, key=key, check_files=1), ALPN)
    before = certificates.context(0)
    Path(cert).write_text("half a certif")
    with caplog.at_level(logging.INFO, "turnbuckle.server"):
        assert [certificates.context(now) for now in (10, 20, 30)] == [before] * 3
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "keeping the old certificate" in caplog.text
    authority.issue("localhost")
    assert certificates.context(40) is not before


def test_files_that_are_gone_keep_the_old_context(authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    certificates = Certificates(TLS(cert=cert, key=key, check_files=1), ALPN)
    before = certificates.context(0)
    os.unlink(key)
    assert certificates.context(10) is before


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_check_files_is_a_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="check_files must be a number of at least 0"):
        TLS(check_files=seconds)


@pytest.mark.parametrize("name", ["cert", "key", "client_ca"])
def test_pipe_is_not_read(authority: Authority, name: str) -> None:
    cert, key = authority.issue("localhost")
    pipe = authority.folder / "pipe"
    os.mkfifo(pipe)
    files = {"cert": cert, "key": key, "client_ca": authority.file, name: str(pipe)}
    with pytest.raises(TLSError, match=rf"cannot read tls.{name} .*: not a regular file"):
        Certificates(TLS(**files, client_certificates="required"), ALPN)  # type: ignore[arg-type]
