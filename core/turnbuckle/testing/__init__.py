"""Test applications, servers and parts of either, in memory and without a wall clock.

``Client`` talks to an application through the server's real connection and parser. ``Connection`` is its raw side: any
octets, in any pieces, with half-close, reset and slow reading. ``FakeClock`` is the time of both. What ends in
``Conformance`` is a suite of tests for plugins of one kind (``turnbuckle.testing.conformance``). The pytest plugin
``turnbuckle`` provides the fixtures ``turnbuckle_client``, ``plan_snapshot`` and ``turnbuckle_project``; because pytest
loads it in every run, names are imported when first used.
"""

from turnbuckle._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__, globals())
