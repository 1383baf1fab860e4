"""The ``turnbuckle`` command."""
