"""``serve`` in real processes: where it listens, how it stops, and why it does not start."""

import http.client
import re
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.cli.conftest import SECONDS, Project

KILLED = """\
import os, signal
from turnbuckle import App

async def stop_at_once():
    os.kill(os.getpid(), signal.SIGTERM)
    yield

app = App(lifespan=stop_at_once)
"""

# Only the process knows its ID.
AS_SYSTEMD = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")
os.execv(sys.executable, [sys.executable, "-m", "turnbuckle", *sys.argv[2:]])
"""


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=SECONDS) as response:
        return response.read()


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield str(sock.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_serve_answers_until_a_signal_and_exits_with_0(project: Project, number: signal.Signals, loop: str) -> None:
    with project.serve("shop:app", "--port", "0", "--loop", loop) as (process, url):
        assert _get(url + "/") == b"Welcome"
        process.send_signal(number)
        out, err = process.communicate()
    assert process.returncode == 0
    assert out == ""
    assert "turnbuckle.server: stopped" in err
    assert "Traceback" not in err


def test_serve_takes_a_file(project: Project) -> None:
    project.write("deep/web.py", "from parts import app\n")
    project.write("deep/parts.py", "from turnbuckle import App\napp = App()\napp.get('/')(lambda: 'parts')\n")
    with project.serve("deep/web.py", "--port", "0") as (_, url):
        assert _get(url + "/") == b"parts"


def test_serve_listens_on_a_unix_socket_and_removes_it(project: Project) -> None:
    with project.serve("shop", "--unix", "web.sock") as (process, url):
        assert url == "unix:web.sock"
        connection = http.client.HTTPConnection("localhost", timeout=SECONDS)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(project.folder / "web.sock"))
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"Welcome"
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    assert not (project.folder / "web.sock").exists()


def test_serve_logs_each_response_when_asked(project: Project) -> None:
    with project.serve("shop", "--port", "0", "--access-log") as (process, url):
        _get(url + "/?q=%0aforged")
        process.send_signal(signal.SIGTERM)
        err = process.communicate()[1]
    (line,) = [text for text in err.splitlines() if "turnbuckle.access" in text]
    assert '"GET /?q=%0aforged HTTP/1.1" 200 7 ' in line


def test_serve_logs_no_responses_unless_asked(project: Project) -> None:
    with project.serve("shop", "--port", "0", "--no-access-log") as (process, url):
        _get(url + "/")
        process.send_signal(signal.SIGTERM)
        assert "turnbuckle.access" not in process.communicate()[1]


def test_serve_shows_tracebacks_to_clients_only_with_debug(project: Project) -> None:
    project.write("fails.py", "from turnbuckle import App\napp = App()\n@app.get('/')\ndef fail(): 1 / 0\n")
    for option, is_shown in (("--debug", True), ("--no-debug", False)):
        with project.serve("fails", "--port", "0", option) as (_, url):
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=SECONDS)
            connection.request("GET", "/")
            response = connection.getresponse()
            assert response.status == 500
            assert (b"ZeroDivisionError" in response.read()) is is_shown
            connection.close()


def test_second_signal_does_not_wait_for_a_request(project: Project) -> None:
    project.write(
        "slow.py",
        "import asyncio\nfrom turnbuckle import App\napp = App()\n"
        "@app.get('/')\nasync def wait(request):\n"
        "    print('reached', flush=True)\n    await asyncio.get_running_loop().create_future()\n",
    )
    with project.serve("slow", "--port", "0") as (process, url):
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=SECONDS)
        connection.request("GET", "/")
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "reached\n"
        process.send_signal(signal.SIGINT)
        assert any("waiting for 1 connection" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            connection.getresponse()
        connection.close()


def test_port_in_use_is_one_line(project: Project, taken_port: str) -> None:
    with project.spawn("serve", "shop", "--port", taken_port) as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (3, "")
    assert err == f"error: port {taken_port} on 127.0.0.1 is in use\n"


def test_nothing_is_listened_on_when_there_are_problems(project: Project, taken_port: str) -> None:
    # The port is in use: if the server opened the sockets, it would report that.
    result = project.call("serve", "shop", "--port", taken_port, "--set", "limits.contnt=1", "--parser", "nope")
    assert result.exit_code == 3
    assert "2 problems stop the start" in result.stderr
    assert "in use" not in result.stderr


def test_failing_lifespan_is_one_line(project: Project) -> None:
    project.write(
        "no_db.py",
        "from turnbuckle import App\n"
        "async def db():\n    raise OSError('no route to host')\n    yield\n"
        "app = App(lifespan=db)\n",
    )
    result = project.call("serve", "no_db", "--port", "0", "--loop", "asyncio")
    expected = "error: lifespan 'db' (no_db.py:2) failed: OSError: no route to host\n"
    assert (result.exit_code, result.stderr) == (3, expected)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param(("--host", "256.1.1.1"), "error: cannot listen on '256.1.1.1': no such host", id="host"),
        pytest.param(("--host", ""), "error: the host is empty; 0.0.0.0 or :: listens on every interface", id="empty"),
        pytest.param(
            ("--unix", "shop.py", "--set", "timeouts.idle=75"),
            "error: cannot listen on 'shop.py': it exists and is not a socket",
            id="file",
        ),
    ],
)
def test_address_that_cannot_be_listened_on_is_one_line(project: Project, args: tuple[str, ...], message: str) -> None:
    result = project.call("serve", "shop", *args)
    assert (result.exit_code, result.stderr) == (3, message + "\n")
    assert Path("shop.py").is_file()


@pytest.mark.parametrize("args", [("--port", "x"), ("--log-level", "loud"), ("--loop", "curio"), ("--hots", "x")])
def test_wrong_option_is_a_usage_error(project: Project, args: tuple[str, ...]) -> None:
    assert project.call("serve", "shop", *args).exit_code == 2


def test_port_out_of_range_is_reported_with_its_option(project: Project) -> None:
    result = project.call("serve", "shop", "--port", "70000")
    assert result.exit_code == 3
    assert "TB202" in result.stderr
    assert "--port" in result.stderr


def test_serve_in_this_process_returns_after_a_signal(project: Project) -> None:
    project.write("killed.py", KILLED)
    before = signal.getsignal(signal.SIGTERM)
    assert project.call("serve", "killed", "--port", "0", "--loop", "asyncio").exit_code == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_loop_that_is_not_installed_is_one_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    result = project.call("serve", "shop", "--port", "0", "--loop", "uvloop")
    assert result.exit_code == 3
    assert (
        result.stderr
        == "error: loop 'uvloop' is not installed: pip install 'turnbuckle[uvloop]', or '.[uvloop]' in a clone\n"
    )


def test_settings_say_where_to_listen(project: Project) -> None:
    project.write("turnbuckle.toml", "[server]\nhost = '127.0.0.2'\nport = 0\n")
    with project.serve("shop") as (_, url):
        assert url.startswith("http://127.0.0.2:")
        assert _get(url + "/") == b"Welcome"


@pytest.mark.parametrize("age", [pytest.param("0", id="one process"), pytest.param("1000", id="supervised")])
def test_serve_listens_on_sockets_that_systemd_passes(project: Project, age: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        args = ("serve", "shop", "--port", "1", "--set", f"workers.max_age={age}")
        command = [sys.executable, "-c", AS_SYSTEMD, str(sock.fileno()), *args]
        with project.start(command, pass_fds=[sock.fileno()]) as process:
            assert project.listening(process) == f"http://127.0.0.1:{port}"
            assert _get(f"http://127.0.0.1:{port}/") == b"Welcome"
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0


def test_serve_listens_on_an_inherited_socket_and_writes_a_file(project: Project) -> None:
    ready = project.folder / "ready"
    with socket.create_server(("127.0.0.1", 0)) as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        args = ("serve", "shop", "--fd", str(sock.fileno()), "--ready-file", str(ready))
        command = [sys.executable, "-m", "turnbuckle", *args]
        with project.start(command, pass_fds=[sock.fileno()]) as process:
            assert project.listening(process) == url
            assert _get(url + "/") == b"Welcome"
            assert ready.read_text() == f"{process.pid}\n{url}\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0
    assert not ready.exists()


def test_descriptor_that_is_no_socket_is_one_line(project: Project) -> None:
    result = project.call("serve", "shop", "--fd", "1000000")
    assert (result.exit_code, result.stderr) == (3, "error: cannot listen on descriptor 1000000: it is not open\n")


def test_reload_and_workers_do_not_go_together(project: Project) -> None:
    result = project.call("serve", "shop", "--reload", "--workers", "2")
    assert result.exit_code == 2
    assert "--reload serves with one process and cannot be combined with --workers" in result.stderr


def test_reload_without_watchfiles_is_one_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    result = project.call("serve", "shop", "--reload")
    assert result.exit_code == 3
    assert (
        result.stderr
        == "error: --reload needs watchfiles: pip install 'turnbuckle[reload]', or '.[reload]' in a clone\n"
    )


ENDS = """\
from turnbuckle import App, Request

app = App("ends")


@app.get("/")
async def ends(request: Request) -> str:
    client = request.peer.client
    return f"{request.scheme} {client and client[0]} {request.peer.server}"
"""


def test_serve_listens_on_all_kinds_of_sockets(project: Project) -> None:
    project.write("ends.py", ENDS)
    path, ready = project.folder / "web.sock", project.folder / "ready"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        bind = ["127.0.0.1:0", "127.0.0.2:0", "unix:web.sock", f"fd:{sock.fileno()}"]
        project.write("turnbuckle.toml", f"[server]\nbind = {bind}\nready_file = 'ready'\n")
        with project.start(
            [sys.executable, "-m", "turnbuckle", "serve", "ends", "--access-log"], pass_fds=[sock.fileno()]
        ) as process:
            urls = project.listening(process).split(", ")
            assert ready.read_text().split() == [str(process.pid), *urls]
            assert len(urls) == 4
            for url in (urls[0], urls[1], urls[3]):
                host, _, port = url.removeprefix("http://").partition(":")
                assert _get(url).decode() == f"http 127.0.0.1 {(host, int(port))}"
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert client.makefile("rb").read().endswith(b"http None web.sock")
            process.send_signal(signal.SIGTERM)
            err = process.communicate()[1]
        clients = re.findall(r'turnbuckle\.access: (127\.0\.0\.1|unix)\S* "GET / ', err)
        assert clients == ["127.0.0.1", "127.0.0.1", "127.0.0.1", "unix"]
    assert not path.exists()
    assert not ready.exists()


def test_bind_replaces_neither_host_nor_port_silently(project: Project) -> None:
    project.write("turnbuckle.toml", "[server]\nport = 9000\n")
    result = project.call("serve", "shop", "--bind", "127.0.0.1:0", "--host", "::1", "-b", "unix:a,b")
    assert result.exit_code == 3
    assert "TB212 server.bind and server.host both name the address to listen on" in result.stderr
    assert "TB212 server.bind and server.port both name the address to listen on" in result.stderr
    for place in ("--bind", "--host", "turnbuckle.toml:2"):
        assert f"the app at {place}" in result.stderr


@pytest.mark.parametrize("option", ["--port", "--unix"])
def test_option_that_is_given_twice_is_a_usage_error(project: Project, option: str) -> None:
    result = project.call("serve", "shop", option, "1", option, "2")
    assert result.exit_code == 2
    assert f"{option} was given 2 times" in result.stderr
    assert "--bind takes several addresses" in result.stderr
