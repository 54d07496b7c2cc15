"""Places in sorted sequences: between which of its elements a value would be, by binary search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, as_tensor, promoted
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.elementwise import traffic
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Absent,
    Along,
    Array,
    Arrays,
    Call,
    Cost,
    Op,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.arranging import flip
from dataflow.ops.gathering import take
from dataflow.ops.selection import where
from dataflow.ops.shaping import reshape
from dataflow.ops.slicing import slice_axis
from dataflow.ops.structure import batch_all, check_inputs, each_index
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.source import user_line
from dataflow.spec import Spec
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

__all__ = ["bucketize", "digitize", "searchsorted"]

_PART = 1 << 13
"""How many values NumPy places at a time, since it returns a new array."""

_OBJECTS = 4096


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    ordered, values = check_inputs(specs, 2), specs[1]
    _side(attrs)
    if ordered.dtype != values.dtype:
        msg = f"both must have one dtype, not {ordered.dtype} and {values.dtype}: cast with astype"
        raise DTypeError(msg)
    if ordered.dtype.kind == "c":
        msg = f"{ordered.dtype} numbers have no order"
        raise DTypeError(msg)
    if not ordered.ndim or values.ndim != ordered.ndim or values.shape[:-1] != ordered.shape[:-1]:
        msg = f"{ordered} and {values} must have the same axes, but for the length of the last"
        raise ShapeError(msg)
    return (Spec(values.shape, np.dtype(np.int64)),)


def _side(attrs: Attrs) -> Literal["left", "right"]:
    side = attrs.text("side")
    if side not in ("left", "right"):
        msg = f"side is left or right, not {side!r}"
        raise ArgumentError(msg)
    return "left" if side == "left" else "right"


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(_place_parts, (*ins, outs[0], _side(attrs)))]


def _place_parts(ordered: Array, values: Array, out: Array, side: Any) -> None:  # noqa: ANN401
    """Place a few values at a time in each line."""
    for line in each_index(ordered.shape[:-1]):
        row = ordered[line]
        for start in range(0, values.shape[-1], _PART):
            part: tuple[Any, ...] = (*line, slice(start, start + _PART))
            out[part] = row.searchsorted(values[part], side)


def _reference(ordered: Array, values: Array, attrs: Attrs) -> Array:
    out = np.empty(values.shape, np.int64)
    for line in each_index(ordered.shape[:-1]):
        out[line] = np.searchsorted(ordered[line], values[line], _side(attrs))
    return out


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    # The results of a part, and copies of what doesn't lie side by side.
    ordered, values = specs
    item, length = ordered.dtype.itemsize, ordered.static_shape[-1]
    part = min(_PART, values.static_shape[-1])
    return Workspace(internal=part * (8 + item) + length * item + _OBJECTS)


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size, length = ins[1].size, ins[0].static_shape[-1]
    return Cost(size * length.bit_length() if isinstance(size, int) else 0, traffic(ins, outs))


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    last = specs[0].ndim - 1
    stack = tuple(map(Along, range(last)))
    return Tiling(((*stack, WHOLE), (*stack, Along(last))))


_ROWS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((0,), (2,)), ((3,), (0,)), ((2, 1, 3), (2, 1, 4)), ((2, 5), (2, 7)),
]  # fmt: skip


def _samples(rng: np.random.Generator) -> list[Sample]:
    made = []
    for dtype in ("bool", *INTEGERS, *FLOATS):
        for i, shapes in enumerate(_ROWS if dtype == "float64" else _ROWS[-1:]):
            ordered, values = (np.floor(rng.uniform(0, 4, shape)).astype(dtype) for shape in shapes)
            ordered.sort(-1)
            made.append(Sample((ordered, values), Attrs(side=("left", "right")[i % 2])))
    return made


_NO_DERIVATIVE = Absent("an index doesn't change with the values")

SEARCHSORTED = register(Op(
    name="searchsorted", label="Searchsorted", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=_NO_DERIVATIVE, jvp=_NO_DERIVATIVE, batch=batch_all, tiling=_tiling, cost=_cost,
    workspace=_workspace, samples=_samples,
))  # fmt: skip


@public(np.searchsorted)
def searchsorted(
    a: TensorLike, v: TensorLike, side: str = "left", sorter: TensorLike | None = None
) -> Tensor:
    """Return the indices before which values would be inserted so that `a` stays in order.

    Parameters
    ----------
    a : tensor or array_like
        One axis, in ascending order, or more, and then the same axes as `v` but for the last, each
        line with values of its own.
    v : tensor or array_like
        The values, of any shape. dtypes are promoted as NumPy 2 does.
    side : str
        ``left``: before elements that are equal; ``right``: after them.
    sorter : tensor or array_like, optional
        Indices that sort `a`, if it isn't in order.

    Returns
    -------
    Tensor
        int64, the shape of `v`.

    Raises
    ------
    ShapeError
        `a` has no axis, or the axes don't fit; or there is no such side.
    DTypeError
        The values are complex.

    Notes
    -----
    Whether `a` is in order isn't checked; where it is not, the indices mean nothing.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([1, 2, 2, 5])
    >>> df.evaluate(df.searchsorted(a, [2, 9]), df.searchsorted(a, 2, side="right"))
    (array([1, 4]), array(3))
    """
    builder = builder_of(a, v)
    ordered = a if isinstance(a, Tensor) else builder.constant(np.asarray(a))
    if sorter is not None:
        ordered = take(ordered, sorter, 0)
    ordered, values = promoted(SEARCHSORTED, None, ordered, v)
    if side not in ("left", "right"):
        msg = f"side ({user_line()}) is left or right, not {side!r}"
        raise ArgumentError(msg)
    attrs = Attrs(side=side)
    if ordered.ndim != 1:
        return apply(SEARCHSORTED, (ordered, values), attrs)
    found = apply(SEARCHSORTED, (ordered, reshape(values, (product(values.shape),))), attrs)
    return reshape(found, values.shape)


@public()
def bucketize(x: TensorLike, boundaries: TensorLike, *, right: bool = False) -> Tensor:
    """Return the index of the first boundary not below each value, as PyTorch's `bucketize`.

    Parameters
    ----------
    x : tensor or array_like
        The values, of any shape.
    boundaries : tensor or array_like
        One axis, ascending.
    right : bool
        Whether it is the first boundary above each value instead.

    Returns
    -------
    Tensor
        int64, the shape of `x`.

    Raises
    ------
    ShapeError, DTypeError
        See `searchsorted`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.0, 6.0])
    >>> df.evaluate(df.bucketize(x, [1.0, 3.0, 5.0]))
    array([1, 3])
    """
    builder = builder_of(x, boundaries)
    edges = (
        boundaries if isinstance(boundaries, Tensor) else builder.constant(np.asarray(boundaries))
    )
    if edges.ndim != 1:
        msg = f"bucketize ({user_line()}): boundaries have one axis, not {edges.ndim}"
        raise ShapeError(msg)
    return searchsorted(edges, x, "right" if right else "left")


@public(np.digitize)
def digitize(x: TensorLike, bins: TensorLike, right: bool = False) -> Tensor:
    """Return the index of the bin in which each value is.

    Parameters
    ----------
    x : tensor or array_like
        The values, of any shape.
    bins : tensor or array_like
        One axis: the bins' edges, in ascending or in descending order.
    right : bool
        Whether a bin contains its right edge, and not its left one.

    Returns
    -------
    Tensor
        int64, the shape of `x`: 0 before the first edge, ``len(bins)`` after the last.

    Raises
    ------
    ShapeError
        The edges haven't one axis; or they are known and in no order.
    DTypeError
        The edges are complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.2, 6.4, 3.0])
    >>> df.evaluate(df.digitize(x, [0.0, 1.0, 3.0, 10.0]))
    array([1, 3, 3])
    """
    builder = builder_of(x, bins)
    values = x if isinstance(x, Tensor) else builder.constant(np.asarray(x))
    edges = as_tensor(bins, values)
    if edges.ndim != 1:
        msg = f"digitize ({user_line()}): bins have one axis, not {edges.ndim}"
        raise ShapeError(msg)
    ascends, descends = _directions(bins)
    side = "left" if right else "right"
    up = searchsorted(edges, values, side)
    if ascends:
        return up
    size = builder.size_of(edges.shape, np.int64)
    down = size - searchsorted(flip(edges, 0), values, side)
    if descends:
        return down
    first, last = (
        slice_axis(edges, 0, 0, 1),
        slice_axis(edges, 0, edges.shape[0] - 1, edges.shape[0]),
    )
    return where(reshape(first <= last, ()), up, down)


def _directions(bins: TensorLike) -> tuple[bool, bool]:
    """Say whether edges surely ascend, and whether they surely descend."""
    if isinstance(bins, Tensor):
        return bins.shape[0] in (0, 1), False
    edges = np.asarray(bins)
    if edges.dtype.kind not in "biuf":
        msg = f"digitize ({user_line()}): bins are real numbers, not {bins!r}"
        raise DTypeError(msg)
    steps = np.diff(edges.astype(np.float64))
    ascends, descends = bool((steps >= 0).all()), bool((steps <= 0).all())
    if not ascends and not descends:
        msg = f"digitize ({user_line()}): bins ascend or descend, these do neither: {bins!r}"
        raise ArgumentError(msg)
    return ascends, descends
