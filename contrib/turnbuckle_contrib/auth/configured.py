"""Make the schemes that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from turnbuckle_contrib.auth.api_keys import APIKeyScheme
from turnbuckle_contrib.auth.config import AuthConfig
from turnbuckle_contrib.auth.schemes import BasicScheme, Scheme, SessionScheme

__all__ = ["check_schemes", "configured_schemes"]


def check_schemes(config: AuthConfig) -> None:
    """Check that the schemes have their settings and packages.

    Raises:
        LookupError: a package is not installed.
        ValueError: a setting is missing, or two of them contradict each other.
    """
    if "bearer" not in config.schemes:
        return
    config.check_tokens()
    try:
        import joserfc  # noqa: F401
    except ImportError as missing:
        error = LookupError("plugin.auth.schemes has 'bearer', but the package joserfc is not installed")
        error.add_note("fix: pip install 'turnbuckle[jwt]'")
        raise error from missing


def configured_schemes(config: AuthConfig, clock: Callable[[], float]) -> Iterator[Scheme]:
    """Yield the schemes in the order of the settings.

    Args:
        config: the settings.
        clock: seconds since the epoch.
    """
    for name in config.schemes:
        if name == "session":
            yield SessionScheme()
        elif name == "basic":
            yield BasicScheme()
        elif name == "api_key":
            yield APIKeyScheme(config.api_key_header, config.api_keys)
        else:
            yield _bearer(config, clock)


def _bearer(config: AuthConfig, clock: Callable[[], float]) -> Scheme:
    # Imported here, so that other schemes do not need joserfc.
    from turnbuckle_contrib.auth.bearer import BearerScheme, TokenRules
    from turnbuckle_contrib.auth.fetch import Fetcher
    from turnbuckle_contrib.auth.keys import FixedKeys, KeySource, RemoteKeys

    rules = TokenRules(
        issuer=config.token_issuer,
        audiences=config.token_audiences,
        algorithms=config.algorithms(),
        leeway=config.token_leeway,
    )
    keys: KeySource
    if config.token_secret:
        keys = FixedKeys.of_secret(config.token_secret)
    else:
        seconds, interval = config.token_keys_seconds, config.token_keys_interval
        keys = RemoteKeys(config.token_keys, Fetcher(), seconds=seconds, interval=interval, clock=clock)
    return BearerScheme(rules, keys, config.token_roles)
