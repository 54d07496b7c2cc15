"""Decisions are numbered one after the other."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "adr"


def test_decisions_are_numbered() -> None:
    """Each file's number is the next, and its title has the same."""
    files = sorted(FOLDER.glob("0*.md"))
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))
    titles = [path.read_text(encoding="utf-8").partition(".")[0] for path in files]
    assert titles == [f"# {number}" for number in range(1, len(files) + 1)]
