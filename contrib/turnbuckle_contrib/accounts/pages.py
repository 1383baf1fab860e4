"""The pages of accounts: each takes a form or JSON, and answers with a page or JSON.

A page does not tell whether an address has an account: registering and asking for a new password have one answer, and
the mail, which differs, is written after it. Changes are POST requests, which ``csrf`` protects; a GET of a mailed link
changes nothing, because mail scanners follow links.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias, final

import attrs

from turnbuckle import (
    JSON,
    Gone,
    HTTPError,
    Redirect,
    Request,
    Response,
    Route,
    RouteDocs,
    TooManyRequests,
)
from turnbuckle_contrib.accounts.answers import Errors, public, raise_for_json, read_fields, wants_json
from turnbuckle_contrib.accounts.config import AccountsConfig
from turnbuckle_contrib.accounts.inputs import normalized_email, normalized_name, password_fault
from turnbuckle_contrib.accounts.mail import Mails, in_words
from turnbuckle_contrib.accounts.records import Account, Purpose
from turnbuckle_contrib.accounts.service import ACCOUNTS, user_of
from turnbuckle_contrib.auth import AUTH, Throttle, User, login, logout, safe_next
from turnbuckle_plugins.jinja_templates import Template

__all__ = ["Pages"]

_HERE: Final = Path(__file__).parent
_WRONG: Final = "The address or the password is wrong."
_NO_ADDRESS: Final = "This is not an e-mail address. It looks like name@example.org."
_NO_NAME: Final = "Write your name, with at most 80 characters."
_TAKEN: Final = "This link no longer works."
# The pages show who is logged in, and the address of one of them has a token: it must not get into a Referer field that
# leaves the site. "no-referrer" would turn Origin into "null". A frame could make users click.
_HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"}
_MAX_CONTENT: Final = 16_384
_Page: TypeAlias = tuple[str, str, str, Callable[..., object]]

Answer: TypeAlias = Response | Template


@final
@attrs.frozen(kw_only=True, eq=False)
class Pages:
    """The handlers of an app or scope.

    Attributes:
        config: the settings.
        site: name of the site.
        mails: the mails.
        throttle: limits mails.
    """

    config: AccountsConfig
    site: str
    mails: Mails
    throttle: Throttle

    def routes(self, prefix: str) -> list[Route]:
        """Return the routes, below a prefix."""
        pages: list[_Page] = [
            ("GET", "", "account", self.account),
            ("GET", "/login", "login", self.login_form),
            ("POST", "/login", "", self.login),
            ("GET", "/logout", "logout", self.logout_form),
            ("POST", "/logout", "", self.logout),
            ("GET", "/password", "password", self.password_form),
            ("POST", "/password", "", self.change_password),
            ("GET", "/forgot", "forgot", self.forgot_form),
            ("POST", "/forgot", "", self.forgot),
            ("GET", "/sent", "sent", self.sent),
            ("GET", "/reset", "reset", self.reset_form),
            ("POST", "/reset", "", self.reset),
            ("GET", "/register", "register", self.register_form),
            ("POST", "/register", "", self.register),
            ("GET", "/confirm", "confirm", self.confirm_form),
            ("POST", "/confirm", "", self.confirm),
            ("GET", "/style.css", "style", self.style),
            ("GET", "/script.js", "script", self.script),
        ]
        if self.config.registration == "closed":
            pages = [page for page in pages if page[1] != "/register"]
        return [
            Route(
                path=prefix + path or "/",
                handler=handler,
                methods=[method],
                name=f"accounts_{name or path[1:]}" + ("" if name else "_submit"),
                limits={"content": _MAX_CONTENT},
                docs=RouteDocs(in_schema=False),
                # The guards of an app may demand a user or a role. The pages that need a user demand it themselves.
                options={"public": True},
            )
            for method, path, name, handler in pages
        ]

    # -- logging in and out

    async def login_form(self, request: Request, user: User | None) -> Answer:
        """Show the form; redirect a user who is logged in."""
        target = request.query_params.get("next")
        if user is not None:
            return Redirect(safe_next(request, target, self.config.home), status=303)
        return self._login_page(request, target)

    async def login(self, request: Request) -> Answer:
        """Check the address and the password, and begin a session."""
        fields = await read_fields(request)
        email, target = fields.get("email", ""), fields.get("next")
        name = normalized_email(email) or email
        try:
            user = await request.resource(AUTH).check_password(request, name, fields.get("password", ""))
        except TooManyRequests as error:
            return self._throttled(request, error, lambda errors: self._login_page(request, target, email, errors))
        if user is None:
            if wants_json(request):
                raise HTTPError(403, _WRONG, headers=_HEADERS)
            return self._login_page(request, target, email, {"form": _WRONG}, 403)
        login(request, user)
        if wants_json(request):
            return JSON(public(user), headers=_HEADERS)
        return Redirect(safe_next(request, target, self.config.home), status=303)

    def _login_page(
        self, request: Request, target: str | None, email: str = "", errors: Errors | None = None, status: int = 200
    ) -> Template:
        variables = {"next": safe_next(request, target, self.config.home), "email": email, "errors": errors or {}}
        return self._page(request, "login", status, may_register=self.config.registration != "closed", **variables)

    async def logout_form(self, request: Request) -> Answer:
        """Show a button, for links to this page: a GET must not end a session."""
        return self._page(request, "logout")

    async def logout(self, request: Request, user: User | None) -> Answer:
        """End the session; with the field ``everywhere``, end all sessions of the account."""
        accounts, fields = request.resource(ACCOUNTS), await read_fields(request)
        account = await accounts.store.get(user.id) if user is not None and fields.get("everywhere") else None
        if account is not None:
            await accounts.store.set_password(account.id, account.password_hash)
        logout(request)
        return self._done(request, self.config.home)

    async def account(self, request: Request, user: User) -> Answer:
        """Show the account."""
        if wants_json(request):
            return JSON(public(user), headers=_HEADERS)
        return self._page(request, "account", account=await self._account(request, user))

    # -- changing the password

    async def password_form(self, request: Request, user: User) -> Answer:
        """Show the form."""
        return self._password_page(request, await self._account(request, user))

    async def change_password(self, request: Request, user: User) -> Answer:
        """Set a new password, and end all other sessions of the account."""
        account, fields = await self._account(request, user), await read_fields(request)
        auth, password = request.resource(AUTH), fields.get("password", "")
        try:
            checked = await auth.check_password(request, account.email, fields.get("current", ""))
        except TooManyRequests as error:
            return self._throttled(request, error, lambda errors: self._password_page(request, account, errors))
        errors = self._password_errors(password, account.email, account.name)
        if checked is None or checked.id != account.id:
            errors = {"current": "This is not your present password.", **errors}
        if errors:
            raise_for_json(request, errors)
            return self._password_page(request, account, errors)
        changed = await request.resource(ACCOUNTS).store.set_password(account.id, await auth.passwords.hash(password))
        if changed is None:
            raise Gone
        login(request, user_of(changed))
        request.after_response(self.mails.report_change, request, changed)
        request.session.flash("The password is changed.", "success")
        return self._done(request, request.url_for("accounts_account"))

    def _password_page(self, request: Request, account: Account, errors: Errors | None = None) -> Template:
        return self._page(
            request,
            "password",
            422 if errors else 200,
            account=account,
            errors=errors or {},
            min_length=self.config.min_length,
        )

    def _password_errors(self, password: str, email: str, name: str) -> dict[str, str]:
        words = (email, email.partition("@")[0], name, self.site)
        fault = password_fault(password, min_length=self.config.min_length, words=words)
        return {"password": fault} if fault else {}

    # -- asking for a mail

    async def register_form(self, request: Request) -> Answer:
        """Show the form."""
        return self._page(request, "register", email="", errors={})

    async def register(self, request: Request) -> Answer:
        """Send a link to create an account; the answer is the same if there is one."""
        return await self._send(request, "register", self.mails.offer_account)

    async def forgot_form(self, request: Request) -> Answer:
        """Show the form."""
        return self._page(request, "forgot", email="", errors={})

    async def forgot(self, request: Request) -> Answer:
        """Send a link to choose a new password; the answer is the same if there is no account."""
        return await self._send(request, "forgot", self.mails.offer_password)

    async def sent(self, request: Request) -> Answer:
        """Show that a mail may arrive."""
        return self._page(request, "sent", lifetime=in_words(self.config.token_seconds))

    async def _send(self, request: Request, page: str, offer: Callable[..., object]) -> Answer:
        typed = (await read_fields(request)).get("email", "")
        email = normalized_email(typed)
        if email is None:
            errors = {"email": _NO_ADDRESS}
            raise_for_json(request, errors)
            return self._page(request, page, 422, email=typed, errors=errors)
        try:
            self.throttle.attempt(request, email)
        except TooManyRequests as error:
            return self._throttled(request, error, lambda errors: self._page(request, page, email=typed, errors=errors))
        request.after_response(offer, request, email)
        if wants_json(request):
            return JSON({"status": "sent"}, 202, _HEADERS)
        return Redirect(request.url_for("accounts_sent"), status=303)

    # -- following the link of a mail

    async def confirm_form(self, request: Request) -> Answer:
        """Show the form for a new account, if the token works."""
        return await self._choose(request, "register")

    async def confirm(self, request: Request) -> Answer:
        """Create the account, and begin a session: its owner has just read the mail, and chosen the password."""
        return await self._chosen(request, "register")

    async def reset_form(self, request: Request) -> Answer:
        """Show the form for a new password, if the token works."""
        return await self._choose(request, "reset")

    async def reset(self, request: Request) -> Answer:
        """Set the new password, and end all sessions of the account; the user logs in with it."""
        return await self._chosen(request, "reset")

    async def _choose(self, request: Request, purpose: Purpose) -> Answer:
        token = request.query_params.get("token") or ""
        email = await request.resource(ACCOUNTS).find_token(token, purpose)
        if email is None:
            return self._expired(request, purpose)
        return self._choose_page(request, purpose, token, email)

    async def _chosen(self, request: Request, purpose: Purpose) -> Answer:
        accounts, fields = request.resource(ACCOUNTS), await read_fields(request)
        token, password, typed = (fields.get(name, "") for name in ("token", "password", "name"))
        email = await accounts.find_token(token, purpose)
        if email is None:
            return self._expired(request, purpose)
        name = normalized_name(typed) if purpose == "register" else ""
        errors = self._password_errors(password, email, name or "")
        if name is None:
            errors = {"name": _NO_NAME, **errors}
        if errors:
            raise_for_json(request, errors)
            return self._choose_page(request, purpose, token, email, name=typed, errors=errors)
        password_hash = await request.resource(AUTH).passwords.hash(password)
        # Of several requests with one token, only the first one gets here.
        if await accounts.take_token(token, purpose) is None:
            return self._expired(request, purpose)
        if purpose == "register":
            return await self._create(request, email, name or "", password_hash)
        account = await accounts.store.find(email)
        if account is None or await accounts.store.set_password(account.id, password_hash) is None:
            return self._expired(request, purpose)
        logout(request)
        request.after_response(self.mails.report_change, request, account)
        request.session.flash("The new password is saved. Log in with it.", "success")
        return self._done(request, request.url_for("accounts_login"))

    async def _create(self, request: Request, email: str, name: str, password_hash: str) -> Answer:
        try:
            account = await request.resource(ACCOUNTS).create(email, name, password_hash)
        except ValueError:
            # Another link for the same address was used first.
            return self._expired(request, "register")
        login(request, user_of(account))
        request.session.flash(f"Welcome, {account.name}.", "success")
        return self._done(request, self.config.home)

    def _choose_page(
        self,
        request: Request,
        purpose: Purpose,
        token: str,
        email: str,
        *,
        name: str = "",
        errors: Errors | None = None,
    ) -> Template:
        return self._page(
            request,
            "choose",
            422 if errors else 200,
            purpose=purpose,
            token=token,
            email=email,
            name=name,
            errors=errors or {},
            min_length=self.config.min_length,
        )

    def _expired(self, request: Request, purpose: Purpose) -> Answer:
        if wants_json(request):
            raise Gone(_TAKEN, headers=_HEADERS)
        return self._page(request, "expired", 410, purpose=purpose)

    # -- files

    async def style(self, request: Request) -> Path:
        """Return the style sheet."""
        return _HERE / "accounts.css"

    async def script(self, request: Request) -> Path:
        """Return the script that adds buttons to show passwords."""
        return _HERE / "accounts.js"

    # -- answers

    def _page(self, request: Request, name: str, status: int = 200, /, **variables: object) -> Template:
        context = {"site": self.site, "home": request.with_prefix(self.config.home), **variables}
        return Template(f"accounts/{name}.html", context, status=status, headers=_HEADERS)

    def _done(self, request: Request, location: str) -> Response:
        if wants_json(request):
            return JSON({"status": "done"}, headers=_HEADERS)
        return Redirect(location, status=303)

    def _throttled(self, request: Request, error: TooManyRequests, page: Callable[[Errors], Template]) -> Template:
        """Return the page of a form with the reason and ``Retry-After``; raise the error again for JSON."""
        if wants_json(request):
            raise error
        shown = page({"form": "That was tried too often. Wait a few minutes, and try again."})
        headers = {**_HEADERS, **(error.headers or {})}
        return Template(shown.name, shown.context, status=429, headers=headers)

    async def _account(self, request: Request, user: User) -> Account:
        account = await request.resource(ACCOUNTS).store.get(user.id)
        if account is None:
            # The user of another plugin, or an account that was deleted in the meantime.
            raise Gone("the user has no account here")
        return account
