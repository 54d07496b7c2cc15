"""Settings that all tests share."""

import pytest
from hypothesis import settings

# The same examples in every run, on a machine that may be busy: nothing here is timed.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")

# Helpers that assert: a failure there shows its operands, as one in a test does.
pytest.register_assert_rewrite("tests.derivatives", "tests.numpys", "tests.oracle", "tests.slicing")
