"""Integers below a bound: the upper half of the product of a word and the bound, as a float's.

A word over 2⁶⁴, times the bound, is a number in [0, bound); its whole part is the upper 64 of the
128 bits of their product. Some results are hit by one word more than others: so much as 1 part in
2⁶⁴ / bound is what their chances differ by, and no word is drawn twice. (Lemire, "Fast random
integer generation in an interval", ACM TOMACS 2019, without the rejection.)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.elementwise import (
    batch_elementwise,
    elementwise_cost,
    elementwise_tiling,
    maps_jvp,
    maps_vjp,
)
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.operation import Op, Sample, Workspace, register
from dataflow.ops.casting import astype
from dataflow.ops.comparison import greater
from dataflow.ops.random.domains import check_order
from dataflow.ops.random.keys import bits
from dataflow.ops.random.parameters import integer_dtype, parameter, shape_of
from dataflow.ops.selection import where
from dataflow.ops.words import u64
from dataflow.source import user_line
from dataflow.spec import Spec, as_dtype, broadcast_shapes
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Arrays, Call, Specs
    from dataflow.ops.random.parameters import ShapeLike
    from dataflow.tensor import TensorLike

__all__ = ["below", "rademacher", "randint"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    if len(specs) != 2:
        msg = f"takes 2 inputs, not {len(specs)}"
        raise ShapeError(msg)
    for slot, spec in enumerate(specs):
        if spec.dtype != np.uint64:
            msg = f"slot {slot} must be uint64, not {spec.dtype}"
            raise DTypeError(msg)
    return (Spec(broadcast_shapes([spec.shape for spec in specs]), specs[0].dtype),)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    (out,) = _infer(specs, attrs)
    return Workspace((specs[0], specs[0], specs[1], specs[1], out, out))


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the product by halves of 32 bits, of which no sum overflows 64."""
    (t,), (a, b), (a0, a1, b0, b1, u, v) = outs, ins, scratch
    low, half = u64(2**32 - 1), u64(32)
    return [
        (np.bitwise_and, (a, low, a0)),
        (np.right_shift, (a, half, a1)),
        (np.bitwise_and, (b, low, b0)),
        (np.right_shift, (b, half, b1)),
        (np.multiply, (a0, b0, t)),
        (np.right_shift, (t, half, t)),
        (np.multiply, (a1, b0, u)),
        (np.add, (u, t, u)),
        (np.bitwise_and, (u, low, t)),
        (np.right_shift, (u, half, u)),
        (np.multiply, (a0, b1, v)),
        (np.add, (v, t, v)),
        (np.right_shift, (v, half, v)),
        (np.multiply, (a1, b1, t)),
        (np.add, (t, u, t)),
        (np.add, (t, v, t)),
    ]


def _reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    a, b = (array.astype(object) for array in np.broadcast_arrays(*arrays))
    return np.asarray(a * b // 2**64).astype(np.uint64)


def _samples(rng: np.random.Generator) -> list[Sample]:
    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((), ()), ((0, 3), (3,)), ((3, 4), (3, 4)), ((4,), (3, 1)), ((3, 4), ()),
    ]  # fmt: skip
    draws = [[rng.integers(0, 2**64, shape, np.uint64) for shape in row] for row in shapes]
    return [Sample((np.asarray(a), np.asarray(b))) for a, b in draws]


MULTIPLY_HIGH = register(Op(
    name="random.multiply_high", label="MultiplyHigh", infer=_infer, kernel=_kernel,
    reference=_reference, vjp=maps_vjp((None, None)), jvp=maps_jvp((None, None)),
    batch=batch_elementwise, tiling=elementwise_tiling, cost=partial(elementwise_cost, 14),
    inplace=(0, 1), samples=_samples, workspace=_workspace, is_flat=True,
))  # fmt: skip


def below(words: Tensor, bound: Tensor) -> Tensor:
    """Return words as integers below a bound, both uint64."""
    return apply(MULTIPLY_HIGH, (words, bound))


@public(family="random")
def randint(
    key: Tensor, shape: ShapeLike = None, minval: TensorLike = 0, maxval: TensorLike = 2,
    dtype: object = "int64",
) -> Tensor:  # fmt: skip
    """Return integers that are uniform in [minval, maxval).

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    shape : sequence of int, str or Dim, optional
        The shape of what each key draws; by default that of the bounds.
    minval, maxval : int or tensor
        The bounds, `maxval` itself excluded, which broadcast to the result. Where a tensor's
        `maxval` isn't above `minval` when a plan runs, the result is `minval`.
    dtype : dtype
        An integer's, which tensors of bounds are cast to.

    Returns
    -------
    Tensor
        The keys' shape, and then `shape`.

    Raises
    ------
    DTypeError
        The dtype isn't an integer's, or can't hold the bounds.
    ShapeError
        No integer lies between the bounds, or they don't broadcast to the shape.

    Notes
    -----
    The chances of two results differ by ``(maxval - minval) / 2**64`` of themselves at most.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> rolls = df.evaluate(df.random.randint(key, (6000,), 1, 7))
    >>> int(rolls.min()), int(rolls.max())
    (1, 6)
    """
    kind = integer_dtype("randint", dtype)
    words = bits(key, shape_of("randint", key, shape, minval, maxval))
    if not isinstance(minval, (int, np.integer)) or not isinstance(maxval, (int, np.integer)):
        check_order("randint", minval, maxval, "no integer lies between", strictly=True)
        low, high = (_bound(value, key, kind) for value in (minval, maxval))
        width = astype(high, np.uint64) - astype(low, np.uint64)
        return astype(below(words, where(greater(high, low), width, u64(1))), kind) + low
    start, span = int(minval), _checked_span(int(minval), int(maxval), kind)
    offsets = words if span == 2**64 else below(words, key.builder.constant(u64(span)))
    found = astype(offsets, kind)
    return found + key.builder.constant(start, dtype=kind) if start else found


def _bound(value: TensorLike, key: Tensor, kind: np.dtype) -> Tensor:
    given = value.dtype if isinstance(value, Tensor) else np.asarray(value).dtype
    if given.kind not in "iu":
        msg = f"randint ({user_line()}): bounds are integers, not {given}"
        raise DTypeError(msg)
    return parameter(value, key, kind)


def _checked_span(low: int, high: int, kind: np.dtype) -> int:
    limits = np.iinfo(kind)
    if low < limits.min or high > int(limits.max) + 1:
        msg = f"randint ({user_line()}): {kind} can't hold all of [{low}, {high})"
        raise DTypeError(msg)
    if low >= high:
        msg = f"randint ({user_line()}): no integer lies in [{low}, {high})"
        raise ArgumentError(msg)
    return high - low


@public(family="random")
def rademacher(key: Tensor, shape: ShapeLike = None, dtype: object = "int64") -> Tensor:
    """Return draws of -1 and 1, each as likely as the other; see `randint`.

    Parameters
    ----------
    key, shape
        As `randint` has them.
    dtype : dtype
        A signed integer's, or floating point.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> sorted(set(df.evaluate(df.random.rademacher(key, (100,))).tolist()))
    [-1, 1]
    """
    kind = as_dtype(dtype)
    if kind.kind not in "if":
        msg = f"rademacher ({user_line()}) draws signed numbers, not {kind}"
        raise DTypeError(msg)
    zero_or_one = astype(bits(key, shape_of("rademacher", key, shape), "uint8") >> 7, kind)
    return zero_or_one * 2 - 1
