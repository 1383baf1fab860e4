"""What a log line looks like, and when the application's own set-up is left alone."""

import logging
import sys

import pytest

from turnbuckle.server.logs import LineFormatter, configure_logging


@pytest.fixture
def bare_logging(monkeypatch: pytest.MonkeyPatch):
    """Logging as a fresh process has it, cut off from the handlers that pytest puts on the root logger."""
    logger = logging.getLogger("turnbuckle")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", False)
    level = logger.level
    yield logger
    logger.setLevel(level)


def _line(message: str, *args: object) -> str:
    record = logging.LogRecord("turnbuckle.access", logging.INFO, "", 0, message, args, None)
    return LineFormatter().format(record).partition(" turnbuckle.access: ")[2]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("GET /ü", "GET /ü", id="plain"),
        pytest.param("GET /\r\nforged", "GET /\\x0d\\x0aforged", id="line-break"),
        pytest.param("\x1b[2J", "\\x1b[2J", id="terminal"),
        pytest.param("\x7f\x85\u2028", "\\x7f\\x85\\u2028", id="beyond-ascii"),
    ],
)
def test_formatter_keeps_a_message_on_one_line(text: str, line: str) -> None:
    assert _line("%s", text) == line


def test_formatter_shows_a_traceback_below_the_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = logging.LogRecord("turnbuckle.error", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    lines = LineFormatter().format(record).splitlines()
    assert lines[0].endswith("ERROR   turnbuckle.error: failed")
    assert lines[1].startswith("Traceback")
    assert lines[-1] == "ValueError: broken"


def test_configure_writes_to_stderr(bare_logging: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    logging.getLogger("turnbuckle.server").info("listening")
    logging.getLogger("turnbuckle.server").debug("unseen")
    captured = capsys.readouterr()
    assert captured.err.endswith("INFO    turnbuckle.server: listening\n")
    assert captured.out == ""


def test_configure_adds_no_second_handler(bare_logging: logging.Logger) -> None:
    configure_logging()
    configure_logging("debug")
    assert len(bare_logging.handlers) == 1
    assert bare_logging.level == logging.DEBUG


def test_configure_leaves_the_handlers_of_the_application_alone(bare_logging: logging.Logger) -> None:
    own = logging.NullHandler()
    bare_logging.addHandler(own)
    bare_logging.propagate = True
    configure_logging("warning")
    assert bare_logging.handlers == [own]
    assert bare_logging.propagate
    assert bare_logging.level == logging.WARNING
