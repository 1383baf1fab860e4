"""What a log line looks like, and when the application's own set-up is left alone."""

import logging
import sys
from contextlib import contextmanager

import pytest

from turnbuckle.server.logs import LineFormatter, configure_logging


@contextmanager
def bare_logging():
    """Set up logging as a fresh process has it; inside of the test, as pytest adds handlers after the fixtures."""
    logger = logging.getLogger("turnbuckle")
    before = logger.handlers, logger.propagate, logger.level
    logger.handlers, logger.propagate = [], False
    try:
        yield logger
    finally:
        logger.handlers, logger.propagate = before[:2]
        logger.setLevel(before[2])


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
    assert lines[1].startswith("  Traceback")
    assert lines[-1] == "  ValueError: broken"


def test_formatter_keeps_a_traceback_from_forging_a_record() -> None:
    try:
        raise ValueError("no \x1b[2J\r\n2026-01-01 INFO    turnbuckle.access: forged\u2028x")
    except ValueError:
        record = logging.LogRecord("turnbuckle.error", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    text = LineFormatter().format(record)
    assert all(line.startswith("  ") for line in text.splitlines()[1:])
    assert text.endswith("  ValueError: no \\x1b[2J\\x0d\n  2026-01-01 INFO    turnbuckle.access: forged\\u2028x")


def test_configure_writes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with bare_logging():
        configure_logging("info")
        logging.getLogger("turnbuckle.server").info("listening")
        logging.getLogger("turnbuckle.server").debug("unseen")
    captured = capsys.readouterr()
    assert captured.err.endswith("INFO    turnbuckle.server: listening\n")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_configure_adds_no_second_handler() -> None:
    with bare_logging() as logger:
        configure_logging()
        configure_logging("debug")
        assert len(logger.handlers) == 1
        assert logger.level == logging.DEBUG
        assert not logger.propagate


def test_configure_leaves_the_handlers_of_the_application_alone() -> None:
    with bare_logging() as logger:
        own = logging.NullHandler()
        logger.addHandler(own)
        logger.propagate = True
        configure_logging("warning")
        assert logger.handlers == [own]
        assert logger.propagate
        assert logger.level == logging.WARNING
