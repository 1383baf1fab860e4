"""Configure pytest and hypothesis for every test."""

import gc
import logging
from pathlib import Path

import pytest
from hypothesis import settings

# Half the time of collecting thousands of tests goes to the garbage collector, which finds nothing to free.
gc.disable()

# Without this, assertions outside of test modules would not run under -O.
pytest.register_assert_rewrite(*(f"tests.{entry.name}" for entry in Path(__file__).parent.iterdir() if entry.is_dir()))

# asyncio's debug mode logs slow callbacks, which depend on the load of the machine.
logging.getLogger("asyncio").addFilter(lambda record: not str(record.msg).startswith("Executing %s took"))

# How long one example takes says more about what else the machine does than about the code.
settings.register_profile("turnbuckle", deadline=None)
settings.load_profile("turnbuckle")


def pytest_collection_finish() -> None:
    # The collected items stay until the end: garbage collections during the tests leave them out.
    gc.freeze()
    gc.enable()
