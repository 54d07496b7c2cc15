"""Samples: small calls of an op, drawn where it is defined, from which tests are generated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dataflow.operation import (
    Sample,
)

__all__ = ["COMPLEX", "FLOATS", "INTEGERS", "few", "joined", "ranges", "values"]

FLOATS = ("float16", "float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
COMPLEX = ("complex64", "complex128")


def values(
    low: float, high: float, arity: int = 1, *, dtypes: Sequence[str] = FLOATS, smooth: bool = True
) -> Callable[[np.random.Generator], list[Sample]]:
    """Make a samples function for an element-wise op.

    Draws from [low, high) in every dtype for rank 0, size 0, and shapes that broadcast. Complex
    numbers get an imaginary part in [-1, 1).

    Parameters
    ----------
    low, high : float
        Where the op is defined, and for a gradient check away from its kinks.
    arity : int
        The number of arguments.
    dtypes : sequence of str
        The dtypes that the op takes, the same for all arguments.
    smooth : bool
        Whether derivatives are checked on these samples.
    """
    return ranges(((low, high),) * arity, dtypes=dtypes, smooth=smooth)


def ranges(
    bounds: Sequence[tuple[float, float]], *, dtypes: Sequence[str] = FLOATS, smooth: bool = True
) -> Callable[[np.random.Generator], list[Sample]]:
    """Make a samples function as `values` does, with bounds of its own for every argument."""
    arity = len(bounds)
    shapes: list[list[tuple[int, ...]]] = [
        [()] * arity, [(0, 3)] * arity, [(3, 4)] * arity,
        [((3, 1), (4,), (2, 1, 1))[i % 3] for i in range(arity)],
    ]  # fmt: skip

    def samples(rng: np.random.Generator) -> list[Sample]:
        made = []
        for dtype in dtypes:
            for row in shapes:
                arrays = [
                    rng.uniform(*pair, shape) for pair, shape in zip(bounds, row, strict=True)
                ]
                if dtype in COMPLEX:
                    arrays = [a + 1j * rng.uniform(-1, 1, np.shape(a)) for a in arrays]
                made.append(Sample(tuple(np.asarray(a).astype(dtype) for a in arrays),
                                   smooth=smooth and dtype in (*FLOATS, *COMPLEX)))  # fmt: skip
        return made

    return samples


def few(
    *bounds: tuple[float, float], dtypes: Sequence[str] = FLOATS, smooth: bool = True
) -> Callable[[np.random.Generator], list[Sample]]:
    """Make a samples function as `ranges` does, with all shapes in one dtype: the last named."""
    whole = ranges(bounds, dtypes=dtypes[-1:], smooth=smooth)
    each = ranges(bounds, dtypes=dtypes[:-1], smooth=smooth)

    def samples(rng: np.random.Generator) -> list[Sample]:
        others = [sample for sample in each(rng) if sample.inputs[0].shape == (3, 4)]
        return [*whole(rng), *others]

    return samples


def joined(
    *makers: Callable[[np.random.Generator], Sequence[Sample]],
) -> Callable[[np.random.Generator], list[Sample]]:
    """Make a samples function that gives the samples of several."""

    def samples(rng: np.random.Generator) -> list[Sample]:
        return [sample for maker in makers for sample in maker(rng)]

    return samples
