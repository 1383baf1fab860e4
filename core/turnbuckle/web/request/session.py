"""The type of ``request.session``: values of one client that last from request to request.

The core has only this interface. The plugin ``sessions`` provides sessions; another plugin or middleware can do so as
well, if it sets ``request.session`` to an instance of a subclass.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import MutableMapping, Sequence
from typing import Any, TypeVar

import attrs

__all__ = ["Flash", "Session"]

T = TypeVar("T")


@attrs.frozen
class Flash:
    """A message for the next page that the client sees.

    Attributes:
        text: plain text; templates escape it.
        category: the kind of message, such as ``"info"``, ``"success"``, ``"warning"`` or ``"error"``.
    """

    text: str
    category: str = "info"


class Session(MutableMapping[str, Any]):
    """The values of one client, by name: ``session["cart"] = [1, 2]``.

    Values are text, numbers, booleans, None, and lists and dictionaries of them. Names that begin with an underscore
    belong to plugins. The session has no public id, so that no id can get into a page or a log.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def is_new(self) -> bool:
        """Whether the request had no valid session."""

    @abstractmethod
    def rotate(self) -> None:
        """Give the session a new id and keep its values, except for the secret against CSRF.

        Code calls this whenever the rights of the client change: at login, and at a change of its role or password. An
        id that an attacker knew before is then worthless (session fixation).

        Raises:
            RuntimeError: the head of the response is made.
        """

    @abstractmethod
    def end(self) -> None:
        """Remove all values, in the server and in the client, for example at logout.

        Raises:
            RuntimeError: the head of the response is made.
        """

    @abstractmethod
    def load(self, kind: type[T], name: str = "") -> T:
        """Return the value of a class: ``cart = session.load(Cart)``. Changes of its attributes are saved as well.

        Args:
            kind: a class with a schema, such as an attrs class or a dataclass. If the session has no value for it, or
                one that the class no longer accepts, ``kind()`` is returned.
            name: name of the value in the session; the name of the class by default.
        """

    @abstractmethod
    def store(self, value: object, name: str = "") -> None:
        """Set the value that ``load`` returns for the class of the value.

        Args:
            value: an instance of a class with a schema.
            name: as for ``load``.
        """

    @abstractmethod
    def flash(self, text: str, category: str = "info") -> None:
        """Add a message for the next page that shows messages, such as ``session.flash("saved")`` before a redirect."""

    @abstractmethod
    def flashes(self) -> Sequence[Flash]:
        """Return the messages and remove them from the session; further calls in this request return the same."""
