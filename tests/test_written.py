"""What counts as written, against a mask of every byte."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.plan import Operand
from scheduler.written import Written, extent, runs

SIZE = 256
DTYPES = tuple(np.dtype(name) for name in ("uint8", "int16", "float64"))


@st.composite
def operands(draw: st.DrawFn) -> Operand:
    """Draw an operand of any layout, repeats and overlaps among them, inside of SIZE bytes."""
    dtype = draw(st.sampled_from(DTYPES))
    axes = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(-24, 24)), max_size=3))
    shape, strides = tuple(d for d, _ in axes), tuple(s for _, s in axes)
    low, high = extent(Operand(0, 0, shape, strides, dtype))
    start = draw(st.integers(0, SIZE - (high - low))) if high > low else 0
    return Operand(0, start - low, shape, strides, dtype)


def mask(operand: Operand) -> np.ndarray:
    """Return for every byte whether the operand touches it, element by element."""
    touched = np.zeros(SIZE, bool)
    for index in np.ndindex(operand.shape):
        shift = sum(i * stride for i, stride in zip(index, operand.strides, strict=True))
        at = operand.byte_offset + shift
        touched[at : at + operand.dtype.itemsize] = True
    return touched


@settings(deadline=None)
@given(operands())
def test_runs_are_the_bytes_that_elements_touch(operand: Operand) -> None:
    """No byte more, as a gap would be, and none less."""
    listed = np.zeros(SIZE, bool)
    for low, high in runs(operand) or ():
        listed[low:high] = True
    assert np.array_equal(listed, mask(operand))


@settings(deadline=None, max_examples=200)
@given(st.lists(operands(), max_size=6), operands())
def test_a_read_is_covered_if_each_of_its_bytes_was_written(
    writes: list[Operand], read: Operand
) -> None:
    """Writes in any order and layout add up; reads of a byte in between aren't covered."""
    written, touched = Written(), np.zeros(SIZE, bool)
    for write in writes:
        written.add(write)
        touched |= mask(write)
    assert written.covers(read) == bool(touched[mask(read)].all())


def test_columns_written_one_by_one_make_a_matrix() -> None:
    """Strided writes leave gaps that other strided writes fill."""
    columns = [Operand(0, 4 * i, (5,), (12,), np.dtype("float32")) for i in range(3)]
    matrix, written = Operand(0, 0, (5, 3), (12, 4), np.dtype("float32")), Written()
    for column in columns:
        assert not written.covers(matrix)
        written.add(column)
        assert written.covers(column)
    assert written.covers(matrix)


def test_too_many_runs_are_no_proof() -> None:
    """What can't be listed counts as unwritten, and is read as a whole."""
    scattered = Operand(0, 0, (100_000,), (8,), np.dtype("float32"))
    written = Written()
    written.add(scattered)
    assert not written.covers(scattered)
    assert Written(800_000).covers(scattered)
