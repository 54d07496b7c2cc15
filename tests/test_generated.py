"""Proves that what `make docs` writes is up to date."""

import subprocess
import sys
from pathlib import Path


def test_generated_files_are_up_to_date() -> None:
    """`docs/operations.md` and `dataflow/declared.py` are what the registry gives today."""
    script = Path(__file__).parents[1] / "docs" / "generate.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
