"""`dataflow arena`: offsets for a table of buffers, and what it says of bad ones."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.commands import assert_refused, run
from tests.packings import cut

HEADER = "id,lower,upper,size\n"


def table(path: Path, text: str) -> Path:
    """Write a table of buffers."""
    path.write_text(HEADER + text)
    return path


def test_offsets_are_written_beside_the_buffers(tmp_path: Path) -> None:
    """A rectangle that was cut up is packed again, and the table has one column more."""
    blocks = cut(60, 1)
    lines = zip(*(part.tolist() for part in blocks), strict=True)
    text = "".join(f"b{i},{low},{high},{size}\n" for i, (low, high, size) in enumerate(lines))
    source, target = table(tmp_path / "buffers.csv", text), tmp_path / "offsets.csv"
    record = run("arena", source, "-o", target, "--json").record
    assert (record["buffers"], record["peak_bytes"], record["optimal"]) == (60, 2**20, True)
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [f"b{i}" for i in range(60)]
    offsets = np.array([int(row["offset"]) for row in rows])
    for index in range(60):
        live = (blocks.lower <= blocks.lower[index]) & (blocks.lower[index] < blocks.upper)
        live[index] = False
        top = offsets[index] + blocks.size[index]
        apart = (top <= offsets) | (offsets + blocks.size <= offsets[index])
        assert apart[live].all()


def test_the_alignment_is_one_unless_given(tmp_path: Path) -> None:
    """Two buffers of 3 bytes take 6, and with an alignment of 64 they take 128."""
    source = table(tmp_path / "b.csv", "x,0,2,3\ny,1,3,3\n")
    assert run("arena", source, "--json").record["peak_bytes"] == 6
    assert run("arena", source, "--alignment", "64", "--json").record["peak_bytes"] == 128


def test_people_read_facts(tmp_path: Path) -> None:
    """Without --json the same facts are printed as text."""
    out = run("arena", table(tmp_path / "b.csv", "x,0,2,3\n")).out
    assert "1 buffers" in out
    assert "lower bound bytes" in out


def test_an_empty_table_takes_nothing(tmp_path: Path) -> None:
    """No buffers, no bytes."""
    assert run("arena", table(tmp_path / "b.csv", ""), "--json").record["peak_bytes"] == 0


@pytest.mark.parametrize(("text", "said"), [
    ("x,0,2,-1\n", "row 1 (id 'x'): size is '-1'"),
    ("x,0,2,1\ny,2,2,1\n", "row 2 (id 'y'): upper 2 must lie after lower 2"),
    ("x,0,2,9223372036854775808\n", "size is '9223372036854775808'"),
    ("x,0,two,1\n", "upper is 'two'"),
    ("x,0,2\n", "row 1 (id 'x'): fewer fields than columns"),
])  # fmt: skip
def test_bad_rows_are_named(text: str, said: str, tmp_path: Path) -> None:
    """The error says which row, which id and what was expected."""
    assert_refused(run("arena", table(tmp_path / "b.csv", text)), said)


@pytest.mark.parametrize(("text", "said"), [
    ("", "no column 'id'"), ("x,0,2,1\n", "no column 'id'"),
    ("id,id,lower,upper,size\nx,y,0,2,1\n", "two columns 'id'"),
    (HEADER + "x,0,2,1,5\n", "row 1 (id 'x'): more fields than columns"),
    (HEADER + "x,0,2,1\ny,0,2,1\nx,0,2,1\n", "row 3: id 'x' is that of row 1 too"),
])  # fmt: skip
def test_what_is_no_such_table_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """A file without headings is no empty table, and every buffer has an id of its own."""
    path = tmp_path / "b.csv"
    path.write_text(text)
    assert_refused(run("arena", path), said)


def test_a_time_limit_is_a_number(tmp_path: Path) -> None:
    """What is no number is no limit."""
    source = table(tmp_path / "b.csv", "x,0,2,3\n")
    assert_refused(run("arena", source, "--time-limit", "nan"), "0 or more, not nan")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """The error lists the columns that are there."""
    path = tmp_path / "b.csv"
    path.write_text("id,lower,upper\nx,0,1\n")
    assert_refused(run("arena", path), "no column 'size'")


def test_an_unreachable_capacity_is_an_error(tmp_path: Path) -> None:
    """More lives at once than the capacity: nothing is written, and the time is named."""
    source, target = table(tmp_path / "b.csv", "x,0,2,3\ny,1,3,3\n"), tmp_path / "o.csv"
    assert_refused(run("arena", source, "--capacity", "5", "-o", target), "live at time 1",
                   "row 1 (id 'x')")  # fmt: skip
    assert not target.exists()


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """The error names the file."""
    assert_refused(run("arena", tmp_path / "none.csv"), "none.csv")


def test_a_capacity_that_is_proved_out_of_reach_names_no_false_remedy(tmp_path: Path) -> None:
    """Where the best peak is proved, more time isn't advised."""
    from tests.test_arena import FULL

    source = tmp_path / "full.csv"
    rows = [f"{i},{lower},{upper},{size}" for i, (lower, upper, size)
            in enumerate(zip(*FULL, strict=True))]  # fmt: skip
    source.write_text("\n".join(["id,lower,upper,size", *rows]) + "\n")
    assert_refused(run("arena", source, "--capacity", "12"), "proved to be the least")


def test_sizes_beyond_any_memory_name_the_row(tmp_path: Path) -> None:
    """The row with which the sum is too large is named, with its id."""
    source = table(tmp_path / "b.csv", f"x,0,2,3\ny,1,3,{2**62}\n")
    assert_refused(run("arena", source), "row 2 (id 'y')", "beyond")
