"""Lines are written to streams and files as a whole, and errors are raised."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from turnbuckle.server.logs import destinations as log_destinations
from turnbuckle.server.logs.destinations import LogFile, NullDestination, StandardStream, open_destination

SECONDS = 30


def test_file_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    file = LogFile(str(path))
    file.write([b"one\n", b"two\n"])
    file.close()
    assert path.read_text() == "before\none\ntwo\n"


@pytest.mark.parametrize("gone", ["moved", "removed", "replaced"])
def test_file_that_was_moved_away_is_opened_again(gone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_destinations, "_CHECK_INTERVAL", 0.0)
    path = tmp_path / "log"
    file = LogFile(str(path))
    file.write([b"one\n"])
    if gone == "removed":
        path.unlink()
    else:
        path.rename(tmp_path / "log.1")
    if gone == "replaced":
        path.touch()
    file.write([b"two\n"])
    file.write([b"three\n"])
    file.close()
    assert path.read_text() == "two\nthree\n"
    assert gone == "removed" or (tmp_path / "log.1").read_text() == "one\n"


def test_file_that_cannot_be_opened_again_takes_lines_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_destinations, "_CHECK_INTERVAL", 0.0)
    folder = tmp_path / "logs"
    folder.mkdir()
    file = LogFile(str(folder / "log"))
    folder.rename(tmp_path / "old")
    file.write([b"one\n"])
    (tmp_path / "logs").write_text("no folder")
    file.write([b"two\n"])
    file.close()
    assert (tmp_path / "old" / "log").read_text() == "one\ntwo\n"


def test_full_disk_is_an_error() -> None:
    file = LogFile("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        file.write([b"one\n"])
    file.close()


def test_writing_to_a_closed_pipe_is_an_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = StandardStream(writing)
    with pytest.raises(BrokenPipeError):
        stream.write([b"one\n"])
    stream.close()


def test_lines_are_kept_whole_on_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    written: list[int] = []
    write = os.write

    def count(descriptor: int, data: bytes) -> int:
        written.append(len(data))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", count)
    stream = StandardStream(writing)
    stream.write([b"%099d\n" % number for number in range(100)])
    stream.close()
    assert written == [4000, 4000, 2000]
    assert os.read(reading, 20_000) == b"".join(b"%099d\n" % number for number in range(100))
    os.close(reading)


def test_pipe_that_does_not_block_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    stream = StandardStream(writing)
    lines = [b"%04095d\n" % number for number in range(100)]
    thread = threading.Thread(target=stream.write, args=(lines,))
    thread.start()
    received = b""
    while len(received) < 100 * 4096:
        received += os.read(reading, 10_000)
    thread.join(SECONDS)
    assert received == b"".join(lines)
    stream.close()
    os.close(reading)


def test_line_that_was_torn_does_not_spoil_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write = os.write
    answers = [3, OSError(errno.ENOSPC, "No space left on device"), None]

    def full(descriptor: int, data: memoryview) -> int:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return write(descriptor, data[:answer])

    file = LogFile(str(tmp_path / "log"))
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        file.write([b"one two\n"])
    file.write([b"three\n"])
    monkeypatch.undo()
    file.write([b"four\n"])
    file.close()
    assert (tmp_path / "log").read_text() == "one\nthree\nfour\n"


@pytest.mark.parametrize("name", ["stderr", "stdout"])
def test_stream_that_was_closed_before_takes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, f"__{name}__", None)
    destination = open_destination(name)
    assert isinstance(destination, NullDestination)
    destination.write([b"one\n"])
    destination.close()


def test_stream_that_has_no_number_takes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with open(tmp_path / "x", "w") as stream:
        monkeypatch.setattr(sys, "__stderr__", stream)
    assert isinstance(open_destination("stderr"), NullDestination)


def test_descriptor_is_our_own(capfd: pytest.CaptureFixture[str]) -> None:
    stream = open_destination("stdout")
    assert isinstance(stream, StandardStream)
    assert stream.descriptor > 2
    stream.write([b"one\n"])
    stream.close()
    assert capfd.readouterr().out == "one\n"


def test_standard_descriptors_that_are_closed_are_taken() -> None:
    # In a separate process, because closing them here would affect the tests that follow.
    code = (
        "import os\n"
        "from turnbuckle.server.logs.destinations import occupy_standard_descriptors\n"
        "os.close(0); os.close(2)\n"
        "occupy_standard_descriptors()\n"
        "print(os.path.samestat(os.fstat(2), os.stat(os.devnull)), os.open(os.devnull, os.O_RDONLY) > 2)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS, check=True)
    assert done.stdout == "True True\n"


def test_pipe_without_a_reader_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no program reads from this pipe"):
        open_destination(str(tmp_path / "pipe"))


def test_pipe_with_a_reader_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    destination = open_destination(str(tmp_path / "pipe"))
    destination.write([b"line\n"])
    destination.close()
    assert os.read(reader, 100) == b"line\n"
    os.close(reader)
