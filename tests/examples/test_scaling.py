"""The files of docs/operate/scaling.md: read by the programs that they are for, where these are installed."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
import trustme
from websockets.asyncio.client import connect

from tests.processes import unmeasured_environ
from turnbuckle import HTTPServer, SettingsSources, Timeouts
from turnbuckle.testing import Client

from .conftest import EXAMPLES

FOLDER: Final = EXAMPLES / "scaling"
KUBERNETES: Final = (FOLDER / "kubernetes.yaml").read_text(encoding="utf-8")


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(
            f"NOT CHECKED: {name} is not installed (on Debian or Ubuntu: apt-get install nginx-light haproxy curl)"
        )
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the folder of the example, with a certificate."""
    copy = tmp_path / "scaling"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(copy / "ca.pem"))
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    (copy / "tls.pem").write_bytes(chain)
    (copy / "tls.key").write_bytes(certificate.private_key_pem.bytes())
    (copy / "shop.pem").write_bytes(chain + certificate.private_key_pem.bytes())
    return copy


@pytest.fixture
def free_ports() -> list[int]:
    with socket.socket() as first, socket.socket() as second:
        for sock in (first, second):
            sock.bind(("", 0))
        return [sock.getsockname()[1] for sock in (first, second)]


@pytest.fixture
def shop(import_from: Callable[[Path, str], ModuleType]) -> ModuleType:
    return import_from(FOLDER, "shop")


def output_of(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_nginx_reads_its_file(folder: Path) -> None:
    output = output_of(program("nginx"), "-p", ".", "-c", "nginx.conf", "-t", cwd=folder)
    # From 1.25.1 on, nginx prefers another way to write HTTP/2, which older versions do not know.
    assert "emerg" not in output
    assert "test is successful" in output


def test_haproxy_reads_its_file(folder: Path) -> None:
    output = output_of(program("haproxy"), "-c", "-f", "haproxy.cfg", cwd=folder)
    assert "WARNING" not in output


def test_systemd_reads_its_units(folder: Path) -> None:
    analyze = program("systemd-analyze")
    service = folder / "shop.service"
    text = service.read_text(encoding="utf-8").replace("/srv/shop/.venv/bin/turnbuckle", sys.executable)
    service.write_text(text.replace("WorkingDirectory=/srv/shop", f"WorkingDirectory={folder}"), encoding="utf-8")
    assert output_of(analyze, "verify", "./shop.service", "./shop.socket", cwd=folder) == ""
    rated = output_of(analyze, "security", "--offline=true", "./shop.service", cwd=folder)
    level = re.search(r"Overall exposure level for shop.service: ([\d.]+)", rated)
    assert level is not None
    assert float(level[1]) <= 2


def test_units_of_the_deployment_page_are_in_the_files() -> None:
    page = (EXAMPLES.parent / "docs/operate/deployment.md").read_text(encoding="utf-8")
    socket_unit, service = re.findall(r"^```ini\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert socket_unit == (FOLDER / "shop.socket").read_text(encoding="utf-8")
    missing = set(service.splitlines()) - set((FOLDER / "shop.service").read_text(encoding="utf-8").splitlines())
    assert {line.partition("=")[0] for line in missing} == {"ExecStart", "TimeoutStopSec"}


async def test_app_answers_the_probes_of_kubernetes(shop: ModuleType) -> None:
    paths = re.findall(r"httpGet: \{path: (\S+), port: http\}", KUBERNETES)
    assert len(paths) == 3
    async with Client(shop.app) as client:
        assert [(await client.get(path)).status for path in paths] == [200, 200, 200]


def test_kubernetes_waits_for_the_deadlines_of_a_stop(shop: ModuleType) -> None:
    grace = int(re.findall(r"terminationGracePeriodSeconds: (\d+)", KUBERNETES)[0])
    pre_stop = int(re.findall(r'command: \["sleep", "(\d+)"\]', KUBERNETES)[0])
    environ = dict(re.findall(r'name: (TURNBUCKLE_\w+)\n\s+value: "(\S+)"', KUBERNETES))
    settings = shop.app.resolve(SettingsSources(folder=FOLDER, environ=environ)).settings
    assert settings.timeouts.shutdown == float(environ["TURNBUCKLE_TIMEOUTS_SHUTDOWN"])
    assert grace > pre_stop + 2 * settings.timeouts.shutdown
    assert settings.timeouts.idle > Timeouts().idle


@contextmanager
def running(*command: str, cwd: Path) -> Iterator[None]:
    with subprocess.Popen(command, cwd=cwd, env=unmeasured_environ(), stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


@asynccontextmanager
async def two_servers(shop: ModuleType) -> AsyncIterator[list[int]]:
    """Serve the shop at two ports, as two machines would, and yield the ports."""
    sources = SettingsSources(folder=FOLDER)
    async with (
        HTTPServer(shop.app.compile(sources), port=0) as first,
        HTTPServer(shop.app.compile(sources), port=0) as second,
    ):
        yield [server.addresses[0].port for server in (first, second)]


async def curl(folder: Path, *arguments: str) -> str:
    command = (program("curl"), "-sS", "--max-time", "20", "--cacert", "ca.pem", *arguments)
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=-1, stderr=subprocess.STDOUT)
    output, _ = await process.communicate()
    return output.decode()


def with_ports(folder: Path, file: str, ports: dict[int, int]) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    for old, new in ports.items():
        text = text.replace(f":{old}", f":{new}").replace(f"listen {old}", f"listen {new}")
    (folder / file).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("command", "port"),
    [
        pytest.param(("nginx", "-p", ".", "-c", "nginx.conf"), 8443, id="nginx"),
        pytest.param(("haproxy", "-f", "haproxy.cfg"), 8444, id="haproxy"),
    ],
)
async def test_proxy_speaks_http2_and_passes_on_streams_clients_and_websockets(
    shop: ModuleType, folder: Path, free_ports: list[int], command: tuple[str, ...], port: int
) -> None:
    name, *arguments = command
    path = program(name)
    async with two_servers(shop) as (first, second):
        with_ports(folder, arguments[-1], {8001: first, 8002: second, port: free_ports[0], 8445: free_ports[1]})
        with running(path, *arguments, cwd=folder):
            url = f"https://localhost:{free_ports[0]}"
            spoofed = ["-H", "X-Forwarded-For: 192.0.2.1", "-H", "X-Forwarded-Prefix: /evil"]
            retry = ["--retry", "20", "--retry-all-errors", "--retry-delay", "1"]
            home = await curl(folder, *retry, "-w", "%{http_version}", *spoofed, f"{url}/")
            events = await curl(
                folder, "-N", "-w", "%{time_starttransfer} %{time_total}", f"{url}/ticks?count=3&pause=0.3"
            )
            upload = await curl(folder, "--data-binary", "@nginx.conf", f"{url}/upload")
            trusted = ssl.create_default_context(cafile=folder / "ca.pem")
            # A browser sends the origin of its page, which the server compares with the forwarded host and scheme.
            address = f"wss://localhost:{free_ports[0]}/echo"
            async with connect(address, ssl=trusted, origin=url, proxy=None) as client:
                await client.send("hello")
                assert await client.recv() == "hello"
    assert '"client":"127.0.0.1"' in home
    assert f'"url":"{url}/"' in home
    assert home.endswith("}2")
    began, ended = map(float, events.splitlines()[-1].split())
    assert events.count("data:") == 3
    assert ended - began > 0.5
    assert upload == f'{{"size":{(folder / "nginx.conf").stat().st_size}}}'
