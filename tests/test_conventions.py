"""What the page of conventions prints is what happens."""

import doctest
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "conventions.md"


def test_examples_of_the_page_run_as_printed() -> None:
    """Every example gives what is printed below it."""
    done = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert done.attempted > 5
    assert done.failed == 0
