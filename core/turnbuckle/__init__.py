"""An HTTP server and web framework whose parts are all plugins, chosen and checked at startup.

The public names are in this package and in ``turnbuckle.records``, ``turnbuckle.errors``, ``turnbuckle.hookspecs`` and
``turnbuckle.testing``. A name is imported when it is first used, so that ``import turnbuckle`` takes almost no time.
"""

from turnbuckle._lazy import lazy_names
from turnbuckle._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__, globals())
