"""Write the mails of accounts, and pass them to the function that sends them."""

from __future__ import annotations

import logging
from asyncio import to_thread
from collections.abc import Mapping
from inspect import isawaitable, iscoroutinefunction
from typing import Final, final

import attrs

from turnbuckle import Request
from turnbuckle_contrib.accounts.records import Account, Mail, Mailer
from turnbuckle_contrib.accounts.service import ACCOUNTS
from turnbuckle_plugins.jinja_templates import TEMPLATES

__all__ = ["Mails", "print_mail"]

_log: Final = logging.getLogger("turnbuckle.accounts")
_MINUTE: Final = 60
_HOUR: Final = 3600


def print_mail(mail: Mail) -> None:
    """Print a mail to the log instead of sending it, for development. Its links let any reader log in."""
    _log.warning("mail to %s: %s", mail.to, mail.subject)
    # A line break inside of a line of the log would be escaped.
    for line in filter(None, mail.text.splitlines()):
        _log.warning("mail to %s: %s", mail.to, line)


@final
@attrs.frozen(kw_only=True)
class Mails:
    """The mails of an app or scope.

    All of them are written and sent after the response, so that neither the response nor its time shows whether an
    address has an account.

    Attributes:
        mailer: the function that sends a mail.
        site: name of the site.
        origin: scheme and host of links; "" for the ones of the request, which only debug mode trusts.
        lifetime: seconds for which a link works.
    """

    mailer: Mailer
    site: str
    origin: str
    lifetime: float

    async def offer_account(self, request: Request, email: str) -> None:
        """Send a link to create an account; to an address with an account, send a hint."""
        accounts = request.resource(ACCOUNTS)
        account = await accounts.store.find(email)
        if account is not None:
            await self._send(request, "exists", account.email, {"login": "accounts_login"})
            return
        token = await accounts.issue_token("register", email)
        await self._send(request, "register", email, {"link": "accounts_confirm"}, token)

    async def offer_password(self, request: Request, email: str) -> None:
        """Send a link to choose a new password, if the address has an account."""
        accounts = request.resource(ACCOUNTS)
        account = await accounts.store.find(email)
        if account is not None:
            token = await accounts.issue_token("reset", account.email)
            await self._send(request, "reset", account.email, {"link": "accounts_reset"}, token)

    async def report_change(self, request: Request, account: Account) -> None:
        """Report to the owner of an account that the password was changed."""
        await self._send(request, "changed", account.email, {})

    async def _send(self, request: Request, kind: str, email: str, links: Mapping[str, str], token: str = "") -> None:
        origin = self.origin or f"{request.scheme}://{request.host}"
        routes = {"forgot": "accounts_forgot", **links}
        query = f"?token={token}" if token else ""
        urls = {name: f"{origin}{request.url_for(route)}" for name, route in routes.items()}
        text = await request.resource(TEMPLATES).render_text(
            f"accounts/mail_{kind}.txt",
            {**urls, "link": urls.get("link", "") + query},
            email=email,
            site=self.site,
            lifetime=in_words(self.lifetime),
        )
        subject, _, text = text.partition("\n")
        mail = Mail(to=email, subject=subject.strip(), text=text.strip() + "\n")
        is_async = iscoroutinefunction(self.mailer) or iscoroutinefunction(getattr(self.mailer, "__call__", None))  # noqa: B004
        result = self.mailer(mail) if is_async else await to_thread(self.mailer, mail)
        if isawaitable(result):
            await result


def in_words(seconds: float) -> str:
    """Return a time as people say it, such as ``"1 hour"``."""
    size, noun = (_HOUR, "hour") if seconds >= _HOUR else (_MINUTE, "minute")
    count = max(1, round(seconds / size))
    return f"{count} {noun}{'s' if count > 1 else ''}"
