"""An HTTP server and web framework in one, in which every part is supplied by a plugin and resolved at startup.

All that is public is here, in ``turnbuckle.records``, ``turnbuckle.errors``, ``turnbuckle.hookspecs`` and
``turnbuckle.testing``. Names are imported when first used, so that ``import turnbuckle`` costs next to nothing.
"""

from turnbuckle._lazy import lazy_names
from turnbuckle._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__, globals())
