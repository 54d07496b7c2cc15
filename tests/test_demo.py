"""The demo of `make demo`: the main job on real data, through the command line alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture(scope="module")
def transcript(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Run the demo on a copy of its data; return what it printed and where it wrote."""
    home = tmp_path_factory.mktemp("demo")
    (home / "examples").mkdir()
    for name in ("digits.py", "digits.parquet"):
        (home / "examples" / name).write_bytes((EXAMPLES / name).read_bytes())
    command = [sys.executable, str(home / "examples" / "digits.py")]
    done = subprocess.run(
        command, capture_output=True, check=False, timeout=600, encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, home / "build" / "demo"


def number(pattern: str, text: str) -> float:
    """Return the one number that a pattern finds."""
    found = re.findall(pattern, text)
    assert len(found) == 1, (pattern, text)
    return float(found[0].replace(",", ""))


def test_demo_reads_97_percent_of_unseen_digits(transcript: tuple[str, Path]) -> None:
    """The accuracy on the quarter held out is at least 97 %, and it says on how many digits."""
    assert number(r"accuracy +([\d.]+)% of 450 digits", transcript[0]) >= 97


def test_demo_trains_on_none_of_the_digits_held_out(transcript: tuple[str, Path]) -> None:
    """The two files together are the data, each row once."""

    def rows(path: Path) -> list[str]:
        return sorted(map(str, pq.read_table(path).to_pylist()))

    folder = transcript[1]
    parts = rows(folder / "training.parquet") + rows(folder / "held_out.parquet")
    assert sorted(parts) == rows(EXAMPLES / "digits.parquet")


def test_demo_does_its_work_through_commands(transcript: tuple[str, Path]) -> None:
    """The transcript has the commands of the main job in order, with paths that can be typed."""
    commands = [line.split() for line in transcript[0].splitlines() if line.startswith("$ ")]
    assert [words[1:3] for words in commands] == [
        ["dataflow", "compile"],
        ["dataflow", "compile"],
        ["dataflow", "replay"],
        ["dataflow", "replay"],
        ["dataflow", "verify"],
    ]
    assert all(words[3].startswith("build") for words in commands)


def test_demos_arena_is_near_its_bound(transcript: tuple[str, Path]) -> None:
    """The training plan's peak is within 2 % of its lower bound and half of that without reuse."""
    peak = number(r"peak +([\d,]+) bytes", transcript[0])
    assert peak <= 1.02 * number(r"lower bound +([\d,]+) bytes", transcript[0])
    assert peak <= 0.5 * number(r"without reuse +([\d,]+) bytes", transcript[0])


def test_demo_says_how_long_a_step_takes(transcript: tuple[str, Path]) -> None:
    """The time is positive, and of as many steps as 30 epochs of 42 full batches have."""
    assert number(r"time +([\d,]+) µs a training step, of 1,260", transcript[0]) > 0


def test_readme_shows_what_the_demo_prints(transcript: tuple[str, Path]) -> None:
    """The README has the demo's last lines, with figures that are still about right."""
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    shown = readme.split("```text\n")[1].split("```")[0].splitlines()
    printed = transcript[0].splitlines()[-len(shown) :]
    assert [line[:15] for line in shown] == [line[:15] for line in printed]
    for told, said in zip(shown[1:-1], printed[1:-1], strict=True):
        pattern = r"([\d,]+) bytes"
        assert number(pattern, told) == pytest.approx(number(pattern, said), rel=0.25)
