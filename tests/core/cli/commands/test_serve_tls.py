"""``serve`` with a certificate, in real processes: https, rejected protocols, and the effect of SIGHUP."""

from __future__ import annotations

import signal
import socket
import ssl
import urllib.request
from collections.abc import Callable
from subprocess import Popen
from urllib.parse import urlsplit

import pytest

from tests.core.cli.conftest import SECONDS, Project
from tests.core.server.certificates import Authority


@pytest.fixture
def authority(project: Project) -> Authority:
    return Authority(project.folder)


def _serial(authority: Authority, url: str) -> str:
    where = urlsplit(url)
    context = authority.client_context()
    with (
        socket.create_connection((where.hostname, where.port), SECONDS) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        return client.getpeercert()["serialNumber"]


def _until(process: Popen[str], words: str) -> None:
    assert process.stderr is not None
    assert any(words in line for line in process.stderr), f"never said {words!r}"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_serve_speaks_https(project: Project, authority: Authority, loop: str) -> None:
    cert, key = authority.issue("127.0.0.1")
    options = ("--port", "0", "--loop", loop, "--tls-cert", cert, "--tls-key", key)
    with project.serve("shop", *options) as (process, url):
        assert url.startswith("https://127.0.0.1:")
        with urllib.request.urlopen(url, timeout=SECONDS, context=authority.client_context()) as response:
            assert response.read() == b"Welcome"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in err


def test_sighup_reads_the_certificate_again(project: Project, authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    options = ("--port", "0", "--tls-cert", cert, "--tls-key", key, "--set", "tls.check_files=0")
    with project.serve("shop", *options) as (process, url):
        before = _serial(authority, url)
        authority.issue("localhost")
        assert _serial(authority, url) == before
        process.send_signal(signal.SIGHUP)
        _until(process, "reloaded certificate")
        assert _serial(authority, url) != before
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == 0


def test_certificate_that_is_missing_is_one_line(refusal: Callable[..., str]) -> None:
    line = refusal("serve", "shop", "--port", "0", "--tls-cert", "none.pem")
    assert line == "error: cannot read tls.cert 'none.pem': No such file or directory"


def test_key_of_another_certificate_is_one_line(refusal: Callable[..., str], authority: Authority) -> None:
    cert, _ = authority.issue("localhost")
    _, key = authority.issue("localhost", to="other")
    line = refusal("serve", "shop", "--port", "0", "--tls-cert", cert, "--tls-key", key)
    assert line == f"error: tls.key {key!r} does not belong to the certificate in tls.cert {cert!r}"


def test_key_alone_is_one_line(refusal: Callable[..., str]) -> None:
    assert "tls.cert is missing" in refusal("serve", "shop", "--port", "0", "--tls-key", "server.key")


def test_password_is_printed_nowhere(project: Project) -> None:
    result = project.call("plan", "shop", "--json", "--set", "tls.password=sesame")
    assert result.exit_code == 0
    assert "sesame" not in result.output


def test_old_protocols_are_not_spoken(project: Project, authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    options = ("--port", "0", "--tls-cert", cert, "--tls-key", key, "--set", "tls.minimum_version=1.3")
    with project.serve("shop", *options) as (_, url):
        where = urlsplit(url)
        context = authority.client_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with (
            socket.create_connection((where.hostname, where.port), SECONDS) as plain,
            pytest.raises(ssl.SSLError),
            context.wrap_socket(plain, server_hostname="localhost"),
        ):
            pass
