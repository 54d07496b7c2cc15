"""The k largest or smallest along one axis, without sorting all of it.

A partition finds the k-th largest value; what isn't below it are the k largest, and ties with the
last of them. Only these are sorted, stably. So the result is the beginning of the stable sort, ties
in the order in which they stand, at a tenth of the time or less. Short lines are sorted whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import also_named, public
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    Absent,
    Array,
    Arrays,
    Call,
    Cost,
    Op,
    Sample,
    Specs,
    Workspace,
    register,
)
from dataflow.ops.along import take_along_axis
from dataflow.ops.one_axis import batch_along_axis, tile_beside_axis
from dataflow.ops.sorting import SORT_OBJECTS, lines_at_a_time
from dataflow.ops.structure import check_inputs, each_index
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["TopK", "top_k", "topk"]

_SHORT = 512
"""Lines up to this length are sorted whole, many at a time."""


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, axis, k = check_inputs(specs), attrs.integer("axis"), attrs.integer("k")
    attrs.flag("largest")
    if spec.dtype.kind == "c":
        msg = f"{spec.dtype} numbers have no order: take df.real or df.abs of them"
        raise DTypeError(msg)
    if not 0 <= axis < spec.ndim or k < 0:
        msg = f"axis {axis} must be below {spec.ndim}, the number of axes, and k {k} at least 0"
        raise ShapeError(msg)
    length = spec.shape[axis]
    if isinstance(length, int) and k > length:
        msg = f"there are {length} elements along axis {axis}, not {k}"
        raise ShapeError(msg)
    return (Spec((*spec.shape[:axis], k, *spec.shape[axis + 1 :]), np.dtype(np.int64)),)


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    x, out = (np.moveaxis(a, attrs.integer("axis"), -1) for a in (ins[0], outs[0]))
    if x.ndim == 1:
        x, out = x[None], out[None]
    if not out.size:
        return []
    largest = attrs.flag("largest")
    if x.shape[-1] <= _SHORT:
        return [(_sort_parts, (x, out, largest, lines_at_a_time(x.shape[-1])))]
    return [(_select_each, (x, out, largest))]


def _sort_parts(x: Array, out: Array, largest: bool, width: int) -> None:
    for row in each_index(x.shape[:-2]):
        for start in range(0, x.shape[-2], width):
            part: tuple[Any, ...] = (*row, slice(start, start + width))
            out[part] = _order(x[part], largest=largest)[..., : out.shape[-1]]


def _order(x: Array, *, largest: bool) -> Array:
    """Return the indices of the stable sort; a descending one is read from behind."""
    if not largest:
        return x.argsort(-1, "stable")
    found = x[..., ::-1].argsort(-1, "stable")
    np.subtract(x.shape[-1] - 1, found, found)
    return found[..., ::-1]


def _select_each(x: Array, out: Array, largest: bool) -> None:
    """Find the candidates in one line after the other; NaN, never below or above, is among them."""
    n, k = x.shape[-1], out.shape[-1]
    place = n - k if largest else k - 1
    for line in each_index(x.shape[:-1]):
        row = np.array(x[line])
        row.partition(place)
        last = row[place]
        outside = x[line] < last if largest else x[line] > last
        np.logical_not(outside, outside)
        chosen = outside.nonzero()[0]
        out[line] = chosen[_order(x[line][chosen], largest=largest)[:k]]


def _reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    moved = np.moveaxis(x, attrs.integer("axis"), -1)
    found = _order(moved, largest=attrs.flag("largest"))[..., : attrs.integer("k")]
    return np.moveaxis(found, -1, attrs.integer("axis"))


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    spec, length = specs[0], specs[0].static_shape[attrs.integer("axis")]
    item = spec.dtype.itemsize
    if length <= _SHORT:
        whole = 8 * length * lines_at_a_time(length)
        return Workspace(internal=whole + 2 * (8 + item) * length + SORT_OBJECTS)
    # A line's copy and mask; where all are ties, all candidates, their order, and work to sort.
    return Workspace(internal=length * (2 * item + 1 + 4 * 8) + SORT_OBJECTS)


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[0].size
    return Cost(4 * size if isinstance(size, int) else 0, traffic(ins, outs))


_CASES: list[tuple[tuple[int, ...], int, int, bool]] = [
    ((1,), 0, 1, True), ((0, 3), 1, 2, True), ((2, 5, 3), 1, 0, False), ((2, 5, 3), 1, 4, True),
    ((2, 600), 1, 3, False), ((600, 2), 0, 5, True), ((3, 7), 1, 3, True),
]  # fmt: skip


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Draw numbers with many ties."""
    made = []
    for dtype in ("bool", *INTEGERS, *FLOATS):
        for shape, axis, k, largest in _CASES if dtype == "float64" else _CASES[-1:]:
            x = rng.integers(0, 9, shape).astype(dtype)
            made.append(Sample((x,), Attrs(axis=axis, k=k, largest=largest)))
    return made


_NO_DERIVATIVE = Absent("an index doesn't change with the values")

TOP_K = register(Op(
    name="top_k", label="TopK", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=_NO_DERIVATIVE, jvp=_NO_DERIVATIVE, batch=batch_along_axis, tiling=tile_beside_axis,
    cost=_cost, workspace=_workspace, samples=_samples,
))  # fmt: skip


class TopK(NamedTuple):
    """What `top_k` returns."""

    values: Tensor
    indices: Tensor


@public()
def top_k(x: Tensor, k: int, axis: int = -1, *, largest: bool = True) -> TopK:
    """Return the k largest values along an axis, the largest first, and their indices.

    Parameters
    ----------
    x : Tensor
        See `sort`; NaN counts as the largest.
    k : int
        How many.
    axis : int
        The axis.
    largest : bool
        Whether the largest are wanted, or else the smallest, the smallest first.

    Returns
    -------
    values : Tensor
        `k` along the axis.
    indices : Tensor
        int64, where they stand; of equal values the first come first.

    Raises
    ------
    ShapeError
        The axis is out of range, or `k` is negative or larger than the axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3, 1, 4, 1, 5])
    >>> df.evaluate(*df.top_k(x, 2))
    (array([5, 4]), array([4, 2]))
    """
    place = normal_axis(axis, x.ndim)
    length = x.shape[place]
    if isinstance(k, bool) or not hasattr(k, "__index__") or k < 0:
        msg = f"top_k ({user_line()}): k is an int of 0 or more, not {k!r}"
        raise ShapeError(msg)
    if isinstance(length, int) and k > length:
        msg = f"top_k ({user_line()}): there are {length} elements along axis {axis}, not {k}"
        raise ShapeError(msg)
    indices = apply(TOP_K, (x,), Attrs(axis=place, k=int(k), largest=bool(largest)))
    return TopK(take_along_axis(x, indices, place), indices)


topk = also_named(top_k, "topk")
