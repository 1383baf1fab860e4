"""Decode text in a charset that a client names (RFC 9110, section 8.3.2).

Requests, forms and parts of forms name charsets. A name that is not a charset never reaches Python's codecs.
"""

from __future__ import annotations

import re
from typing import Final

from turnbuckle.errors import BadRequest

__all__ = ["decode_text", "is_charset"]

_CHARSET: Final = re.compile(
    r"utf-?8|utf-?(16|32)(be|le)?|(us-)?ascii|latin-?1|iso-8859-([1-9]|1[013-6])|windows-125[0-8]|cp125[0-8]"
    r"|koi8-[ru]|euc-(jp|kr)|shift-jis|iso-2022-(jp|kr)|gb(2312|k|18030)|big5"
)


def decode_text(content: bytes, charset: str) -> str:
    """Decode content as text.

    Raises:
        BadRequest: the charset is unknown, or the content is not valid in it.
    """
    if not is_charset(charset):
        raise BadRequest("the content is in an unknown charset")
    try:
        return content.decode(charset)
    except UnicodeError as error:
        raise BadRequest("the content is not valid in its charset") from error


def is_charset(name: str) -> bool:
    """Return whether text may be decoded with a charset of this name.

    Python's other codecs are refused: codecs that are not charsets ("zlib" decompresses), codecs that only Python uses
    ("unicode_escape", "punycode" and "idna" are not linear, or warn), and the codec of the machine ("mbcs").
    """
    return _CHARSET.fullmatch(name.lower().replace("_", "-")) is not None
