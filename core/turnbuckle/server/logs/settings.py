"""All settings of logs."""

from __future__ import annotations

from typing import Literal

import attrs

__all__ = ["LogSettings"]


def _is_queue_size(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if not 1 <= value <= 1_000_000:
        raise ValueError(f"{attribute.name} must be from 1 to 1000000, not {value!r}")


@attrs.frozen(kw_only=True)
class LogSettings:
    """What is logged, how a line looks, and where it goes.

    Attributes:
        access: log each response, and each refusal, to the logger "turnbuckle.access".
        queries: log the query of a target, and of the page that a request comes from; queries may hold secrets.
        level: of the loggers of turnbuckle; it does not concern the access log.
        format: "text" for people, "json" for programs: one object a line.
        destination: "stderr", "stdout", or the path of a file, which is opened again when it was moved away.
        access_destination: the same for the access log; "" for the same place as the rest.
        queue: lines that wait while the destination takes none; beyond it they are dropped, and counted.
    """

    access: bool = False
    queries: bool = True
    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    format: Literal["text", "json"] = "text"
    destination: str = "stderr"
    access_destination: str = ""
    queue: int = attrs.field(default=10_000, validator=_is_queue_size)
