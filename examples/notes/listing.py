"""Count pages, for the HTML list and for the API."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["page_count", "page_number"]

# int() alone would also take "+2", " 2 ", "1_0" and digits of other scripts.
_NUMBER: Final = re.compile("[1-9][0-9]{0,8}")


def page_number(text: str | None, *, default: int = 1) -> int:
    """Return a page number or size from the query, or the default if the text is not a number."""
    return int(text) if text and _NUMBER.fullmatch(text) else default


def page_count(total: int, per_page: int) -> int:
    """Return the number of pages of a list; an empty list has one page."""
    return max(1, -(-total // per_page))
