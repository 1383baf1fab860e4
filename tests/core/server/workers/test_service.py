"""Workers in real processes: crashes, hangs, reloads, and workers without a supervisor."""

import http.client
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.core.server.certificates import Authority

from .service_process import APP, SECONDS, has_ended, poll_until, service

# Supervised, for there is a limit; that it is out of reach does not matter.
ONE_WORKER = ("--set", "workers.max_requests=1000000")


def _ask(port: int, path: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("GET", path)
    return connection


def test_crashed_and_hanging_workers_are_replaced(tmp_path: Path) -> None:
    with service(tmp_path, *ONE_WORKER, "--set", "workers.heartbeat=3") as running:
        port = running.port()
        with pytest.raises(http.client.RemoteDisconnected):
            running.get("/crash")
        running.wait_for("ended with exit status 7; starting another in 0.5 s")
        running.wait_for("serves", count=2)
        connection = _ask(port, "/hang")
        running.wait_for("has not answered for 3 s (workers.heartbeat)")
        running.wait_for("ended with signal SIGKILL")
        running.wait_for("serves", count=3)
        connection.close()
        assert running.get() == "one"
        running.signal(signal.SIGTERM)
        assert running.ended() == 0
        assert running.lines[-1].endswith("stopped")
        poll_until(lambda: all(has_ended(pid) for pid in running.workers()))


def test_reload_serves_new_code_and_keeps_the_old_when_that_fails(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with service(tmp_path, *ONE_WORKER, "--ready-file", str(ready)) as running:
        assert running.get() == "one"
        assert ready.read_text().splitlines()[0] == str(running.process.pid)
        # Python takes a file that has the same size and second for the one that it has compiled.
        (tmp_path / "shop.py").write_text(APP.replace('"one"', '"second"'))
        running.signal(signal.SIGHUP)
        running.wait_for("reloaded")
        assert running.get() == "second"
        (tmp_path / "shop.py").write_text("from turnbuckle import Appp\n")
        running.signal(signal.SIGHUP)
        running.wait_for("error: TB701 'shop' cannot be imported: ImportError: cannot import name 'Appp'")
        running.wait_for("reload failed, keeping the old workers")
        assert running.get() == "second"
        assert ready.exists()
        running.signal(signal.SIGTERM)
        assert running.ended() == 0
    assert not ready.exists()


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        pytest.param(
            "from turnbuckle import App\n\n\n"
            "async def db():\n    raise OSError('no route to host')\n    yield\napp = App(lifespan=db)\n",
            "error: lifespan 'db' (shop.py:4) failed: OSError: no route to host",
            id="lifespan",
        ),
        pytest.param("app = 1\n", "error: 'shop:app' is an int, not a turnbuckle.App", id="no app"),
    ],
)
def test_start_that_fails_says_why_once_and_ends_with_3(tmp_path: Path, app: str, reason: str) -> None:
    with service(tmp_path, "--workers", "2", app=app) as running:
        assert running.ended() == 3
    assert [line for line in running.lines if "error" in line.lower()] == [reason]
    assert "listening on" not in "\n".join(running.lines)


def test_port_in_use_ends_the_start_with_3(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with service(tmp_path, "--workers", "2", address=("--port", port)) as running:
            assert running.ended() == 3
    assert running.lines == [f"error: port {port} on 127.0.0.1 is in use"]


def test_workers_outlive_a_killed_supervisor_until_their_requests_are_done(tmp_path: Path) -> None:
    with service(tmp_path, *ONE_WORKER) as running:
        port = running.port()
        connection = _ask(port, "/late")
        running.wait_for("reached")
        running.signal(signal.SIGKILL)
        assert connection.getresponse().read() == b"late"
        connection.close()
        poll_until(lambda: all(has_ended(pid) for pid in running.workers()))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_second_signal_does_not_wait(tmp_path: Path) -> None:
    with service(tmp_path, *ONE_WORKER) as running:
        connection = _ask(running.port(), "/never")
        running.wait_for("reached")
        # By default a service manager sends the signal to every process of the group.
        os.killpg(running.process.pid, signal.SIGTERM)
        running.wait_for("waiting for 1 connection")
        assert running.process.poll() is None
        running.signal(signal.SIGINT)
        assert running.ended() == 0
        connection.close()


def test_lone_worker_is_replaced_when_it_is_worn_out(tmp_path: Path) -> None:
    limits = ("--set", "workers.max_requests=20", "--set", "workers.jitter=0")
    with service(tmp_path, *limits) as running:
        process = {running.get("/process") for _ in range(20)}
        running.wait_for("replacing worker 1 after 20 requests")
        running.wait_for("serves", count=2)
        poll_until(lambda: running.get("/process") not in process)
        assert len(running.workers()) == 2


def test_service_manager_is_notified_and_a_unix_socket_is_removed(tmp_path: Path) -> None:
    path, notify = tmp_path / "web.sock", tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(notify))
        manager.settimeout(SECONDS)

        def heard(text: str) -> str:
            while True:
                message = manager.recv(1000).decode()
                if message.startswith(text):
                    return message

        environ = {"NOTIFY_SOCKET": str(notify), "WATCHDOG_USEC": "200000"}
        with service(tmp_path, *ONE_WORKER, "--unix", str(path), environ=environ) as running:
            assert heard("READY=1") == f"READY=1\nSTATUS=listening on unix:{path}"
            heard("WATCHDOG=1")
            heard("WATCHDOG=1")
            running.signal(signal.SIGHUP)
            assert "MONOTONIC_USEC=" in heard("RELOADING=1")
            assert heard("READY=1") == "READY=1\nSTATUS=reloaded"
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert b"".join(iter(lambda: client.recv(4096), b"")).endswith(b"one")
            running.signal(signal.SIGTERM)
            heard("STOPPING=1")
            assert running.ended() == 0
    assert not path.exists()


def test_workers_speak_tls_and_a_reload_reads_the_certificate_again(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("localhost", "127.0.0.1")

    def serial(port: int) -> str:
        with (
            socket.create_connection(("127.0.0.1", port), SECONDS) as sock,
            authority.client_context().wrap_socket(sock, server_hostname="localhost") as secured,
        ):
            secured.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert secured.recv(4096).startswith(b"HTTP/1.1 200 OK")
            return str(secured.getpeercert()["serialNumber"])

    with service(tmp_path, *ONE_WORKER, "--tls-cert", cert, "--tls-key", key) as running:
        port = running.port()
        running.wait_for(f"listening on https://127.0.0.1:{port}")
        before = serial(port)
        authority.issue("localhost", "127.0.0.1")
        running.signal(signal.SIGHUP)
        running.wait_for("reloaded")
        assert serial(port) != before


def _answers(urls: Sequence[str]) -> set[str]:
    """Return the content that is answered at each address."""
    answers = set()
    for url in urls:
        is_unix = url.startswith("unix:")
        with socket.socket(socket.AF_UNIX if is_unix else socket.AF_INET) as client:
            client.settimeout(SECONDS)
            host, _, port = url.removeprefix("http://").partition(":")
            client.connect(url.removeprefix("unix:") if is_unix else (host, int(port)))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answers.add(client.makefile("rb").read().rpartition(b"\r\n\r\n")[2].decode())
    return answers


@pytest.mark.parametrize("sockets", ["shared", "per_worker"])
def test_listeners_of_all_kinds_survive_hot_restarts_and_reloads(tmp_path: Path, sockets: str) -> None:
    ready, path = tmp_path / "ready", tmp_path / "web.sock"

    def urls() -> list[str]:
        return ready.read_text().splitlines()[1:]

    def supervisor() -> int:
        return int(ready.read_text().split()[0])

    with socket.create_server(("127.0.0.1", 0)) as mine:
        address = ["--bind=127.0.0.1:0", "--bind=127.0.0.2:0", f"--bind=unix:{path}", f"--bind=fd:{mine.fileno()}"]
        options = ("--workers", "2", "--set", f"workers.sockets={sockets}", "--ready-file", str(ready))
        with service(tmp_path, *options, address=address, pass_fds=[mine.fileno()]) as running:
            running.wait_for("listening on")
            before = urls()
            assert len(before) == 4
            assert _answers(before) == {"one"}
            running.signal(signal.SIGUSR2)
            running.wait_for("is ready and takes over")
            assert running.process.wait(SECONDS) == 0
            assert urls() == before
            assert _answers(before) == {"one"}
            # The supervisor that has taken over gets every signal that the first one got.
            second = supervisor()
            (tmp_path / "shop.py").write_text(APP.replace('"one"', '"second"'))
            os.kill(second, signal.SIGHUP)
            running.wait_for("reloaded")
            assert _answers(before) == {"second"}
            os.kill(second, signal.SIGUSR2)
            running.wait_for("is ready and takes over", count=2)
            poll_until(lambda: has_ended(second))
            assert urls() == before
            assert _answers(before) == {"second"}
            os.kill(supervisor(), signal.SIGINT)
            poll_until(lambda: not ready.exists() and not path.exists())


def test_supervisor_that_fails_to_take_over_leaves_the_files_of_sockets(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with service(tmp_path, *ONE_WORKER, address=["--bind", f"unix:{path}"]) as running:
        running.wait_for("listening on")
        (tmp_path / "shop.py").write_text(
            APP + "async def fail():\n    raise OSError('x')\n    yield\napp.lifespan(fail)\n"
        )
        running.signal(signal.SIGUSR2)
        running.wait_for("the other supervisor failed to start; this one carries on")
        assert _answers([f"unix:{path}"]) == {"one"}
        running.signal(signal.SIGTERM)
        assert running.ended() == 0
    assert not path.exists()
