"""The settings of the plugin, and the changes of a route."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, get_args

import attrs

from turnbuckle_contrib.security_headers.policies import (
    check_endpoint,
    check_feature,
    check_policy,
    report_groups,
    words,
)

__all__ = ["STRICT_POLICY", "Changes", "Features", "SecurityHeadersConfig", "as_changes"]

STRICT_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; media-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
"""Everything comes from the origin of the page, and inline scripts and styles need the nonce."""

# https://hstspreload.org: a year, with all subdomains.
_PRELOAD_SECONDS: Final = 31_536_000
_REFERRER: Final = words(
    "no-referrer no-referrer-when-downgrade origin origin-when-cross-origin same-origin strict-origin "
    "strict-origin-when-cross-origin unsafe-url"
)
# The fields of one route can differ, but not those that hold for the whole host.
_CHANGEABLE: Final = words(
    "frame_options referrer_policy opener_policy embedder_policy resource_policy content_security_policy "
    "content_security_policy_report_only permissions_policy"
)

FrameOptions: TypeAlias = Literal["SAMEORIGIN", "DENY", ""]
OpenerPolicy: TypeAlias = Literal["same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none", ""]
EmbedderPolicy: TypeAlias = Literal["require-corp", "credentialless", "unsafe-none", ""]
ResourcePolicy: TypeAlias = Literal["same-origin", "same-site", "cross-origin", ""]
Features: TypeAlias = Mapping[str, tuple[str, ...]]


def _one_of(choices: object) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    return attrs.validators.in_(get_args(choices))


def _read_only(value: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(value))


def _as_features(value: Features) -> Features:
    return MappingProxyType({name: tuple(allowed) for name, allowed in value.items()})


def _is_referrer_policy(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    for policy in re.split(r"\s*,\s*", value) if value else ():
        if policy not in _REFERRER:
            raise ValueError(f"{policy!r} is none of the referrer policies {', '.join(sorted(_REFERRER))}")


def _is_policy(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    check_policy(value)


def _are_features(instance: object, attribute: attrs.Attribute[Features], value: Features) -> None:
    for name, allowed in value.items():
        check_feature(name, allowed)


def _are_endpoints(instance: object, attribute: attrs.Attribute[Mapping[str, str]], value: Mapping[str, str]) -> None:
    for name, url in value.items():
        check_endpoint(name, url)


@attrs.frozen(kw_only=True)
class SecurityHeadersConfig:
    """Settings of the plugin: the value of each field; "" omits the field.

    Attributes:
        content_type_options: value of ``X-Content-Type-Options``.
        frame_options: value of ``X-Frame-Options``; which sites may show the page in a frame.
        referrer_policy: value of ``Referrer-Policy``.
        opener_policy: value of ``Cross-Origin-Opener-Policy``.
        embedder_policy: value of ``Cross-Origin-Embedder-Policy``.
        resource_policy: value of ``Cross-Origin-Resource-Policy``; which sites may embed the content.
        content_security_policy: value of ``Content-Security-Policy``; ``{nonce}`` in it is replaced by a random text
            for each response.
        content_security_policy_report_only: value of ``Content-Security-Policy-Report-Only``: a policy that is tried
            out, with the same nonce.
        reporting_endpoints: URLs of ``Reporting-Endpoints`` by name; a policy names one in its directive
            ``report-to``.
        permissions_policy: value of ``Permissions-Policy``: for each feature, the origins that may use it, "self", or
            "*" for all; an empty list is for none.
        hsts_max_age: seconds for which browsers use https only for this host; 0 ends that, and None omits the field
            ``Strict-Transport-Security``. It is sent over https only (RFC 6797, section 7.2).
        hsts_subdomains: whether this holds for all hosts below this one.
        hsts_preload: whether the host may be in the lists that browsers are delivered with.
    """

    content_type_options: Literal["nosniff", ""] = "nosniff"
    frame_options: FrameOptions = attrs.field(default="SAMEORIGIN", validator=_one_of(FrameOptions))
    referrer_policy: str = attrs.field(default="strict-origin-when-cross-origin", validator=_is_referrer_policy)
    opener_policy: OpenerPolicy = attrs.field(default="same-origin", validator=_one_of(OpenerPolicy))
    embedder_policy: EmbedderPolicy = attrs.field(default="", validator=_one_of(EmbedderPolicy))
    resource_policy: ResourcePolicy = attrs.field(default="same-origin", validator=_one_of(ResourcePolicy))
    content_security_policy: str = attrs.field(default=STRICT_POLICY, validator=_is_policy)
    content_security_policy_report_only: str = attrs.field(default="", validator=_is_policy)
    reporting_endpoints: Mapping[str, str] = attrs.field(factory=dict, converter=_read_only, validator=_are_endpoints)
    permissions_policy: Features = attrs.field(
        default=MappingProxyType({"camera": (), "geolocation": (), "microphone": ()}),
        converter=_as_features,
        validator=_are_features,
    )
    hsts_max_age: int | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(0)))
    hsts_subdomains: bool = False
    hsts_preload: bool = False

    def __attrs_post_init__(self) -> None:
        for policy in (self.content_security_policy, self.content_security_policy_report_only):
            for group in report_groups(policy):
                if group not in self.reporting_endpoints:
                    raise ValueError(f"a policy reports to {group!r}, which reporting_endpoints does not have")
        if self.hsts_preload and (not self.hsts_subdomains or (self.hsts_max_age or 0) < _PRELOAD_SECONDS):
            raise ValueError(
                f"the preload lists need hsts_max_age of at least {_PRELOAD_SECONDS} and hsts_subdomains as well"
            )

    @property
    def transport_security(self) -> str:
        """The value of ``Strict-Transport-Security``; "" for none (RFC 6797, section 6.1)."""
        if self.hsts_max_age is None:
            return ""
        flags = {"includeSubDomains": self.hsts_subdomains, "preload": self.hsts_preload}
        return "; ".join([f"max-age={self.hsts_max_age}", *(name for name, is_set in flags.items() if is_set)])


@attrs.frozen(eq=False)
class Changes:
    """The changes of a route.

    Attributes:
        values: values of settings by name, except for ``permissions_policy``.
        features: the features of its permissions policy; others remain as in the settings.
    """

    values: Mapping[str, object]
    features: Features


def as_changes(value: object) -> Changes:
    """Check and return the option ``security_headers`` of a route.

    Raises:
        TypeError: the value is no mapping, or a setting is unknown.
        ValueError: a value is wrong.
    """
    if not isinstance(value, Mapping):
        raise TypeError("write a mapping of settings, such as {'frame_options': ''}")
    for name in value:
        if name not in _CHANGEABLE:
            raise ValueError(f"a route cannot change {name!r}; it can change {', '.join(sorted(_CHANGEABLE))}")
    groups = [
        group
        for name in ("content_security_policy", "content_security_policy_report_only")
        for group in report_groups(str(value.get(name, "")))
    ]
    # The endpoints of the app are not known here.
    checked = SecurityHeadersConfig(**value, reporting_endpoints=dict.fromkeys(groups, "/"))
    changes = {name: getattr(checked, name) for name in value}
    return Changes(changes, changes.pop("permissions_policy", {}))
