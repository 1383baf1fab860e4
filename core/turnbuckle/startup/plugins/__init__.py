"""Plugins: discover, import and check them, and order them by their dependencies."""
