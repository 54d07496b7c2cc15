"""What the README prints runs as it is printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "CHANGELOG.md", "docs/command-line.md", "docs/control-flow.md",
         "docs/conventions.md", "docs/format.md", "docs/operations.md", "docs/training.md",
         "docs/your-own-operations.md", "examples/DATA.md")  # fmt: skip


def blocks(language: str) -> list[str]:
    """Return what stands in the README's fences of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder that has the data where a clone has it."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "examples").mkdir()
    data = (ROOT / "examples" / "digits.parquet").read_bytes()
    (folder / "examples" / "digits.parquet").write_bytes(data)
    return folder


def printed_by(command: list[str], folder: Path) -> str:
    """Run a command in a folder, where it must end with 0 and say nothing on stderr."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True, check=False, timeout=300, encoding="utf-8",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), command
    return done.stdout


def test_quick_start_gives_the_force(home: Path) -> None:
    """The first snippet prints the plan's bytes, and the energy and force that it is about."""
    size, outputs = printed_by([sys.executable, "-c", blocks("python")[0]], home).split("\n", 1)
    assert all(int(number) > 0 for number in size.split())
    values = eval(outputs, {"array": np.array, "float32": np.float32})  # noqa: S307 - our README
    x = np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(values["energy"], (np.sin(x) * x).sum())
    np.testing.assert_allclose(values["force"], -np.cos(x) * x - np.sin(x), rtol=1e-7)
    printed_by([sys.executable, "-m", "dataflow", "show", "quick.plan.arrow"], home)


def test_main_job_runs_in_python_and_then_as_commands(home: Path) -> None:
    """The snippet writes its files; the commands below it train on them and predict every row."""
    printed_by([sys.executable, "-c", blocks("python")[1]], home)
    lines = "".join(blocks("sh")).splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("dataflow ")]
    assert [words[1] for words in commands] == [
        "show", "compile", "compile", "replay", "replay", "verify", "compile", "budget",
        "fit",
    ]  # fmt: skip
    for words in commands:
        printed_by([sys.executable, "-m", *words], home)
    digits = pq.read_table(ROOT / "examples" / "digits.parquet")
    logits = np.array(pq.read_table(home / "predictions.parquet")["logits"].to_pylist())
    assert logits.shape == (digits.num_rows, 10)
    assert np.mean(logits.argmax(axis=1) == np.array(digits["labels"])) > 0.9


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link on a page is a file of this repository."""
    path = ROOT / page
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    lost = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert lost == []
