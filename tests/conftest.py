"""Settle what holds for every test."""

import pytest
from hypothesis import settings

# What is asserted outside of test modules would not be under -O.
pytest.register_assert_rewrite(*(f"tests.{folder}" for folder in ("contrib", "core", "plugins", "security")))

# How long one example takes says more about what else the machine does than about the code.
settings.register_profile("turnbuckle", deadline=None)
settings.load_profile("turnbuckle")
