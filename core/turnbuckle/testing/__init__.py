"""Test applications, servers and their parts, in memory and without a wall clock.

``Client`` talks to an application through the server's real connection and parser. ``Connection`` is its raw side: any
bytes, in any pieces, with half-close, reset and slow reading. ``FakeClock`` is the clock of both. A class whose name
ends in ``Conformance`` is a suite of tests for plugins of one kind (``turnbuckle.testing.conformance``). The pytest
plugin ``turnbuckle`` provides the fixtures ``turnbuckle_client``, ``plan_snapshot`` and ``turnbuckle_project``. Names
are imported when they are first used, because pytest loads the plugin in every run.
"""

from turnbuckle._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__, globals())
