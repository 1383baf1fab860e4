"""Which loggers write to which destination while a server runs, and when the application's set-up stays in force."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

import pytest

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import TurnbuckleError
from turnbuckle.server.logs.queue import LogQueue, QueuedHandler
from turnbuckle.server.logs.records import AccessEntry
from turnbuckle.server.logs.setup import LogSettings, access_sink, configured_logging
from turnbuckle.web.request.request_id import RequestIdFilter, current_request_id, set_request_id

_ENTRY = AccessEntry(client="unix", status=200, content_bytes=0, outcome="complete", time=0.0)


@contextmanager
def _bare() -> Iterator[logging.Logger]:
    """Set up logging as a fresh process has it; inside of the test, as pytest adds handlers after the fixtures."""
    root, logger = logging.getLogger(), logging.getLogger("turnbuckle")
    before = root.handlers, logger.handlers, logger.level
    root.handlers, logger.handlers = [], []
    try:
        yield logger
    finally:
        root.handlers, logger.handlers = before[:2]
        logger.setLevel(before[2])


def _to(path: Path, **more: object) -> LogSettings:
    return LogSettings(destination=str(path), **more)  # type: ignore[arg-type]


def test_lines_go_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with _bare(), configured_logging(LogSettings()):
        logging.getLogger("turnbuckle.server").info("listening")
        logging.getLogger("turnbuckle.server").debug("unseen")
    captured = capfd.readouterr()
    assert captured.err.endswith("INFO    turnbuckle.server: listening\n")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_lines_go_to_stdout_when_asked(capfd: pytest.CaptureFixture[str]) -> None:
    with _bare(), configured_logging(LogSettings(destination="stdout")):
        logging.getLogger("turnbuckle.server").info("listening")
    assert capfd.readouterr().out.endswith("listening\n")


def test_lines_go_to_a_file_in_order(tmp_path: Path) -> None:
    with _bare(), configured_logging(_to(tmp_path / "log", format="json", level="debug")):
        for number in range(1000):
            logging.getLogger("turnbuckle.server").debug("number %d", number)
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == [f"number {number}" for number in range(1000)]
    assert (tmp_path / "log").stat().st_mode & 0o007 == 0


def test_access_log_may_go_elsewhere(tmp_path: Path) -> None:
    settings = _to(tmp_path / "log", access=True, access_destination=str(tmp_path / "access"))
    with _bare(), configured_logging(settings):
        logging.getLogger("turnbuckle.server").info("listening")
        access_sink()(_ENTRY)
    assert (tmp_path / "log").read_text().count("\n") == 1
    assert (tmp_path / "access").read_text().endswith('turnbuckle.access: unix "-" 200 0 - - complete\n')


def test_level_does_not_concern_the_access_log(tmp_path: Path) -> None:
    with _bare(), configured_logging(_to(tmp_path / "log", access=True, level="error")):
        logging.getLogger("turnbuckle.server").warning("unseen")
        access_sink()(_ENTRY)
        logging.getLogger("turnbuckle.access").info("%s", _ENTRY, extra={"access": _ENTRY})
    assert (tmp_path / "log").read_text().count("turnbuckle.access") == 2
    assert "unseen" not in (tmp_path / "log").read_text()


def test_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with (
        _bare(),
        pytest.raises(TurnbuckleError, match=r"cannot log to '.*/none/log': No such file or directory"),
        configured_logging(_to(tmp_path / "none" / "log")),
    ):
        pass


def test_everything_is_as_before_afterwards(tmp_path: Path) -> None:
    before = logging.lastResort
    with _bare() as logger:
        with configured_logging(_to(tmp_path / "log", level="debug")):
            assert isinstance(logging.lastResort, QueuedHandler)
        assert logger.handlers == []
        assert logger.propagate
    assert logging.lastResort is before
    assert logging.getLogger("turnbuckle.access").level == logging.NOTSET


def test_handlers_of_the_application_are_left_alone() -> None:
    with _bare() as logger:
        own = logging.NullHandler()
        logger.addHandler(own)
        with configured_logging(LogSettings(level="warning")):
            assert logger.handlers == [own]
            assert logger.level == logging.WARNING


@pytest.mark.parametrize("more", [{"format": "json"}, {"destination": "stdout"}])
def test_destination_in_the_settings_overrides_the_set_up_of_the_application(more: dict[str, str]) -> None:
    with _bare() as logger:
        logging.getLogger().addHandler(logging.NullHandler())
        with configured_logging(LogSettings(**more)):  # type: ignore[arg-type]
            assert any(isinstance(handler, QueuedHandler) for handler in logger.handlers)
            assert not logger.propagate


def test_loggers_without_a_handler_go_the_same_way(tmp_path: Path) -> None:
    with _bare(), configured_logging(_to(tmp_path / "log")):
        logging.getLogger("storeroom").warning("sold out")
        logging.getLogger("storeroom").info("unseen")
    assert (tmp_path / "log").read_text().endswith("WARNING storeroom: sold out\n")


def test_secrets_are_in_no_line(tmp_path: Path) -> None:
    with _bare(), configured_logging(_to(tmp_path / "log"), secrets=["hunter22"]):
        logging.getLogger("turnbuckle.server").error("no entry for hunter22")
    assert "hunter22" not in (tmp_path / "log").read_text()


# -- the short way of the access log -----------------------------------------------------------------------------------


def test_access_lines_go_directly_to_the_queue_if_it_is_the_only_handler(tmp_path: Path) -> None:
    with _bare(), configured_logging(_to(tmp_path / "log", access=True)):
        sink = access_sink()
        assert isinstance(getattr(sink, "__self__", None), LogQueue)


def test_access_lines_reach_other_handlers(tmp_path: Path) -> None:
    heard: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    listener, logger = Listener(), logging.getLogger("turnbuckle.access")
    with _bare(), configured_logging(_to(tmp_path / "log", access=True)):
        logger.addHandler(listener)
        try:
            access_sink()(_ENTRY)
        finally:
            logger.removeHandler(listener)
    assert heard == [str(_ENTRY)]
    assert (tmp_path / "log").read_text().count(str(_ENTRY)) == 1


# -- ids ---------------------------------------------------------------------------------------------------------------


def test_filter_names_the_request_for_handlers_of_the_application() -> None:
    record = logging.LogRecord("storeroom", logging.INFO, "", 0, "sold", (), None)
    assert RequestIdFilter().filter(record)
    assert record.__dict__["request_id"] == "-"


def test_filter_leaves_an_id_that_is_there() -> None:
    record = logging.LogRecord("storeroom", logging.INFO, "", 0, "sold", (), None)

    def filtered() -> str:
        set_request_id("7f")
        RequestIdFilter().filter(record)
        return current_request_id()

    # In a separate context: the next test must not see the id.
    assert copy_context().run(filtered) == "7f"
    assert record.__dict__["request_id"] == "7f"
    RequestIdFilter().filter(record)
    assert record.__dict__["request_id"] == "7f"


# -- handlers that raise -----------------------------------------------------------------------------------------------


def test_safe_logger_swallows_exceptions_of_handlers() -> None:
    seen = []

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())
            raise OSError("disk full")

    logger, broken = logging.getLogger("turnbuckle.server"), Broken()
    logger.addHandler(broken)
    try:
        SafeLogger("turnbuckle.server").error("failed", exc_info=ValueError())
    finally:
        logger.removeHandler(broken)
    assert seen == ["failed"]


def test_safe_logger_names_the_calling_file(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "turnbuckle.server")
    log = SafeLogger("turnbuckle.server")
    log.debug("%d", 1)
    log.info("2")
    log.warning("3")
    log.error("4")
    try:
        raise ValueError("five")
    except ValueError:
        log.exception("5")
    assert [record.getMessage() for record in caplog.records] == list("12345")
    assert {record.filename for record in caplog.records} == {"test_setup.py"}
    assert caplog.records[-1].exc_info is not None


@pytest.mark.parametrize("size", [0, 1_000_001])
def test_queue_has_a_sensible_size(size: int) -> None:
    with pytest.raises(ValueError, match=f"queue must be from 1 to 1000000, not {size}"):
        LogSettings(queue=size)
