"""Proves the `ulps` of every record: how close float32 comes to float64.

Both get the same numbers, those that the record's own samples draw in float32, from many seeds.
"""

from collections.abc import Iterator

import numpy as np

from dataflow.elementwise import elementwise_tiling
from dataflow.operation import Absent, Op, Sample
from dataflow.registry import get_op
from tests.cases import each_op, locked
from tests.oracle import Array, reference, run, specs_of

WIDER = {"float32": "float64", "complex64": "complex128"}
SEEDS = 10


@each_op(lambda op: not isinstance(op.ulps, Absent))
def test_float32_is_close_to_float64(name: str) -> None:
    """A float32 result is as close to float64's, of the same inputs, as the record says."""
    op = get_op(name)
    assert not isinstance(op.ulps, Absent)
    for sample in narrow_samples(op):
        assert distance(op, sample) <= op.ulps, f"{name}: {sample}"


def narrow_samples(op: Op) -> Iterator[Sample]:
    """Yield samples whose floats are all of 32 bits."""
    for seed in range(SEEDS):
        for sample in op.samples(np.random.default_rng(seed)):
            made = op.infer(specs_of(sample.inputs), sample.attrs)
            inexact = {s.dtype.name for s in (*specs_of(sample.inputs), *made) if s.is_float}
            if inexact and inexact <= set(WIDER) and "dtype" not in sample.attrs:
                yield locked(sample)


def distance(op: Op, sample: Sample) -> float:
    """Return how far the results are apart, in units in the last place."""
    wide = [array.astype(WIDER.get(array.dtype.name, array.dtype)) for array in sample.inputs]
    with np.errstate(all="ignore"):
        narrow = run(op, sample.inputs, sample.attrs)
    expected = reference(op, wide, sample.attrs)
    each = op.tiling is elementwise_tiling
    pairs = zip(narrow, expected, strict=True)
    return max((apart(a, b, each=each) for a, b in pairs if a.dtype.name in WIDER), default=0.0)


def apart(a: Array, b: Array, *, each: bool) -> float:
    """Return the largest difference of finite elements, in units of each or of the largest."""
    size = np.abs(b)
    finite = np.isfinite(size) & (size < np.finfo(np.float32).max)
    if not finite.any():
        return 0.0
    scale = size if each else np.full(size.shape, size[finite].max())
    unit = np.spacing(np.maximum(scale, np.finfo(np.float32).tiny), dtype=np.float64)
    unit *= 2.0**29  # from 52 bits of fraction to 23
    return float((np.abs(a - b) / unit)[finite].max())
