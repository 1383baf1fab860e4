"""Count pages, for the list that people see and for the API alike."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["page_count", "page_number"]

# int() alone would also take "+2", " 2 ", "1_0" and digits of other scripts.
_NUMBER: Final = re.compile("[1-9][0-9]{0,8}")


def page_number(text: str | None, *, default: int = 1) -> int:
    """Read a page number or size from the query; whatever is not one becomes the default."""
    return int(text) if text and _NUMBER.fullmatch(text) else default


def page_count(total: int, per_page: int) -> int:
    """Return how many pages it takes to show everything; an empty list has one."""
    return max(1, -(-total // per_page))
