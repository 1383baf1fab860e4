"""Settle what holds for every test."""

import logging
from pathlib import Path

import pytest
from hypothesis import settings

# What is asserted outside of test modules would not be under -O.
pytest.register_assert_rewrite(*(f"tests.{entry.name}" for entry in Path(__file__).parent.iterdir() if entry.is_dir()))

# In asyncio's debug mode: how long a callback took says more about what else the machine does, too.
logging.getLogger("asyncio").addFilter(lambda record: not str(record.msg).startswith("Executing %s took"))

# How long one example takes says more about what else the machine does than about the code.
settings.register_profile("turnbuckle", deadline=None)
settings.load_profile("turnbuckle")
