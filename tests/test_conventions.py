"""What the pages of conventions and of training print is what happens."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.parametrize("page", ["conventions.md", "training.md"])
def test_examples_of_the_page_run_as_printed(page: str) -> None:
    """Every example gives what is printed below it."""
    done = doctest.testfile(str(DOCS / page), module_relative=False, encoding="utf-8",
                            optionflags=doctest.ELLIPSIS)  # fmt: skip
    assert done.attempted > 5
    assert done.failed == 0
