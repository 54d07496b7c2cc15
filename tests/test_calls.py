"""Calls of NumPy's functions on tensors and on arrays: the same dtypes, shapes and values.

`test_properties` draws what takes one array and an axis, and ufuncs; here are functions of several
arrays, and options, for a few dtypes each.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DataflowError
from tests.numpys import assert_agree

DTYPES = ("bool", "int8", "uint8", "int64", "float16", "float32", "complex64")
Call = Callable[[Any, Any, Any], Any]
HALVES = np.array([0.5, 1.5, 2.5])
WEIGHTS = np.array([1, 2, 3], np.float32)

CALLS: dict[str, Call] = {
    # x has the shape (2, 3, 4), y the shape (4,), z is y in order, all of one dtype
    "append": lambda x, y, z: np.append(x, x[:1], axis=0),
    "average": lambda x, y, z: np.average(x, axis=1, weights=WEIGHTS),
    "average, returned": lambda x, y, z: np.average(x, weights=x * x + x, returned=True),
    "bincount": lambda x, y, z: np.bincount(np.array([0, 1, 1, 2]), weights=y, minlength=4),
    "choose": lambda x, y, z: np.choose([0, 1, 1, 0], [y, z]),
    "clip": lambda x, y, z: np.clip(x, z[:1], y),
    "clip by numbers": lambda x, y, z: np.clip(x, 0, 1),
    "compress": lambda x, y, z: np.compress([True, False, True], x, axis=1),
    "concatenate": lambda x, y, z: np.concatenate([y, HALVES]),
    "convolve": lambda x, y, z: np.convolve(y, WEIGHTS[:2], "same"),
    "corrcoef": lambda x, y, z: np.corrcoef(x[0], x[1]),
    "correlate": lambda x, y, z: np.correlate(y, z[:2], "full"),
    "cov": lambda x, y, z: np.cov(x[0], bias=True),
    "cov, weighted": lambda x, y, z: np.cov(x[0], fweights=np.array([1, 2, 1, 3]), ddof=0),
    "cross": lambda x, y, z: np.cross(x[..., :3], x[..., 1:]),
    "cumulative_sum": lambda x, y, z: np.cumulative_sum(x, axis=1, include_initial=True),
    "delete": lambda x, y, z: np.delete(x, [0, -1], axis=2),
    "diagonal": lambda x, y, z: np.diagonal(x, -1, 1, 2),
    "diff": lambda x, y, z: np.diff(x, n=2, axis=1, append=x[:, :1]),
    "digitize": lambda x, y, z: np.digitize(x, HALVES, right=True),
    "dot": lambda x, y, z: np.dot(x, y),
    "ediff1d": lambda x, y, z: np.ediff1d(x, to_end=y, to_begin=z[:2]),
    "einsum": lambda x, y, z: np.einsum("ijk,k->ji", x, y),
    "full_like": lambda x, y, z: np.full_like(x, 1, dtype=np.int16),
    "gradient": lambda x, y, z: np.gradient(x, HALVES, axis=1, edge_order=2),
    "histogram": lambda x, y, z: np.histogram(x, bins=4, range=(0, 2), density=True),
    "inner": lambda x, y, z: np.inner(x, x[0]),
    "insert": lambda x, y, z: np.insert(x, [1, 2], y[:2, None, None], axis=0),
    "interp": lambda x, y, z: np.interp(HALVES, [0.0, 1, 2, 3], y, left=-1),
    "isin": lambda x, y, z: np.isin(x, y, invert=True),
    "isclose": lambda x, y, z: np.isclose(x, y, equal_nan=True),
    "kron": lambda x, y, z: np.kron(x[0], z),
    "lexsort": lambda x, y, z: np.lexsort((y, z)),
    "linspace": lambda x, y, z: np.linspace(y, z, 3, endpoint=False, axis=-1),
    "logspace": lambda x, y, z: np.logspace(z / 4, 1, 3, base=2),
    "matmul": lambda x, y, z: np.matmul(x, x.mT),
    "meshgrid": lambda x, y, z: np.meshgrid(y, z[:2], indexing="ij", sparse=True),
    "nan_to_num": lambda x, y, z: np.nan_to_num(x, nan=1),
    "outer": lambda x, y, z: np.outer(y, HALVES),
    "pad, constant": lambda x, y, z: np.pad(x, ((0, 1), (1, 0), (2, 2)), constant_values=1),
    "pad, mean": lambda x, y, z: np.pad(x, 1, mode="mean", stat_length=2),
    "pad, reflect": lambda x, y, z: np.pad(x, 1, mode="reflect"),
    "percentile": lambda x, y, z: np.percentile(x, 30, axis=(0, 1), method="higher", keepdims=True),
    "polyadd": lambda x, y, z: np.polyadd(y, HALVES[:2]),
    "polyint": lambda x, y, z: np.polyint(y, 2, [1, 2]),
    "polyval": lambda x, y, z: np.polyval(y, x),
    "quantile": lambda x, y, z: np.quantile(x, 0.3, axis=1, method="nearest"),
    "repeat": lambda x, y, z: np.repeat(x, [1, 0, 2], axis=1),
    "resize": lambda x, y, z: np.resize(y, (2, 5)),
    "roll": lambda x, y, z: np.roll(x, (1, -2), (0, 2)),
    "rot90": lambda x, y, z: np.rot90(x, -1, (0, 2)),
    "round": lambda x, y, z: np.round(x, 1),
    "searchsorted": lambda x, y, z: np.searchsorted(z, HALVES, side="right"),
    "select": lambda x, y, z: np.select([y == z, y != 0], [y, HALVES[:1]], 3),
    "stack": lambda x, y, z: np.stack([y, z], axis=-1),
    "std": lambda x, y, z: np.std(x, axis=(0, 2), ddof=1, where=[True, True, False, True]),
    "sum": lambda x, y, z: np.sum(x, axis=(0, 2), dtype=np.float32, initial=2, keepdims=True),
    "take": lambda x, y, z: np.take(x, [[5, -1]], axis=1, mode="wrap"),
    "take_along_axis": lambda x, y, z: np.take_along_axis(x, np.array([[[1]], [[0]]]), 1),
    "tensordot": lambda x, y, z: np.tensordot(x, x, axes=([1, 2], [1, 2])),
    "tile": lambda x, y, z: np.tile(y, (2, 1, 2)),
    "trace": lambda x, y, z: np.trace(x, 1, 1, 2),
    "trapezoid": lambda x, y, z: np.trapezoid(x, HALVES, axis=1),
    "tril": lambda x, y, z: np.tril(x, -1),
    "unwrap": lambda x, y, z: np.unwrap(x, period=3),
    "vander": lambda x, y, z: np.vander(y, 3, increasing=True),
    "vdot": lambda x, y, z: np.vdot(x, x),
    "where": lambda x, y, z: np.where(x != y, x, 0.5),
}


def arrays_of(dtype: str) -> Iterator[np.ndarray]:
    """Yield x, y and z, small and not negative where that overflows."""
    rng = np.random.default_rng(8)
    x, y = rng.integers(-3, 4, (2, 3, 4)), rng.integers(-3, 4, 4)
    if dtype == "uint8":
        x, y = abs(x), abs(y)
    x, y = x.astype(dtype), y.astype(dtype)
    yield from (x + 1j * x[::-1] if dtype == "complex64" else x, y, np.sort(y))


@pytest.mark.parametrize("name", CALLS)
def test_calls_do_to_tensors_what_they_do_to_arrays(name: str) -> None:
    """In every dtype that NumPy takes; what it refuses, and what has an order, we refuse too."""
    for dtype in DTYPES:
        arrays = [a.astype(dtype) for a in arrays_of(dtype)]
        b = df.GraphBuilder()
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                expected = CALLS[name](*arrays)
        except (TypeError, ValueError, OverflowError):
            continue
        try:
            made = CALLS[name](*map(b.constant, arrays))
        except DataflowError as error:
            assert "order" in str(error), (dtype, error)  # noqa: PT017 - one of many
            continue
        several = isinstance(expected, (tuple, list))
        ours = df.evaluate(*made) if several else [df.evaluate(made)]
        for one, other in zip(ours, expected if several else [expected], strict=True):
            assert_agree(np.asarray(one), np.asarray(other))
