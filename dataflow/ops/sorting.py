"""Sorting along one axis: the values, and the indices that sort.

Values are sorted within the output's memory. Indices are always those of the stable sort, ties in
the order in which they stand, so that they are one thing and not whatever an algorithm leaves. NaN
counts as larger than any number, as in NumPy: last where a sort ascends, first where it descends.

The derivative of sorting is to move: the reverse sweep puts each cotangent where its value came
from, among ties in the stable sort's order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.elementwise import maps_jvp, maps_vjp, traffic
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.operation import (
    Absent,
    Application,
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
from dataflow.ops.along import positions_along
from dataflow.ops.gathering import SCATTER_ADD, take
from dataflow.ops.one_axis import batch_along_axis, tile_beside_axis
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import check_inputs, each_index
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["SORT_OBJECTS", "argsort", "lines_at_a_time", "sort"]

_KINDS = (None, "quicksort", "mergesort", "heapsort", "stable")

_PART = 1 << 16
"""Bytes of indices that NumPy makes at a time, if one line has no more."""

SORT_OBJECTS = 4096
"""Bytes of Python's objects in one call of NumPy's sorts."""


# What both ops share


def _check(specs: Specs, attrs: Attrs) -> tuple[Spec, int]:
    spec, axis = check_inputs(specs), attrs.integer("axis")
    attrs.flag("descending")
    if spec.dtype.kind == "c":
        msg = f"{spec.dtype} numbers have no order: sort df.real or df.abs of them"
        raise DTypeError(msg)
    if not 0 <= axis < spec.ndim:
        msg = f"axis {axis} must be below {spec.ndim}, the number of axes"
        raise ShapeError(msg)
    return spec, axis


def _turned(array: Array, attrs: Attrs) -> Array:
    """Return a view whose ascending order is the order that is asked for."""
    axis = attrs.integer("axis")
    return np.flip(array, axis) if attrs.flag("descending") else array


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size, length = ins[0].size, ins[0].static_shape[attrs.integer("axis")]
    return Cost(size * length.bit_length() if isinstance(size, int) else 0, traffic(ins, outs))


_CASES: list[tuple[tuple[int, ...], int, bool]] = [
    ((1,), 0, False), ((0, 3), 1, True), ((2, 0), 1, False), ((2, 5, 3), 1, True),
    ((3, 4), 0, False), ((2, 6), 1, False),
]  # fmt: skip


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Draw numbers well apart for derivatives; of booleans and small integers, many ties."""
    made = []
    for dtype in ("bool", *INTEGERS, *FLOATS):
        for shape, axis, descending in _CASES if dtype == "float64" else _CASES[-1:]:
            x = rng.permutation(int(np.prod(shape))).reshape(shape) - 4.0
            x = x % 4 if dtype[0] in "iu" else x
            attrs = Attrs(axis=axis, descending=descending)
            made.append(Sample((np.asarray(x).astype(dtype),), attrs, dtype[0] == "f"))
    return made


# sort


def _sort_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (_check(specs, attrs)[0],)


def _sort_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (x,), (out,) = ins, outs
    sorting: Call = (np.ndarray.sort, (_turned(out, attrs), attrs.integer("axis")))
    in_place = x.ctypes.data == out.ctypes.data and x.strides == out.strides
    return [sorting] if in_place else [(np.copyto, (out, x)), sorting]


def _sort_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(_turned(np.sort(x, attrs.integer("axis")), attrs))


def _sort_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    # NumPy copies a line that doesn't lie side by side.
    spec, axis = _check(specs, attrs)
    return Workspace(internal=spec.static_shape[axis] * spec.dtype.itemsize + SORT_OBJECTS)


def _origins(application: Application) -> Tensor:
    """Return where in the flattened input each sorted value stood."""
    (x,), attrs = application.inputs, application.attrs
    return positions_along(x, apply(ARGSORT, (x,), attrs), attrs.integer("axis"))


def _scattered(application: Application, cotangent: Tensor) -> Tensor:
    size = product(cotangent.shape)
    flat = [reshape(x, (size,)) for x in (cotangent, _origins(application))]
    return reshape(apply(SCATTER_ADD, flat, Attrs(axis=0, length=(size,))), cotangent.shape)


def _permuted(application: Application, tangent: Tensor) -> Tensor:
    return take(reshape(tangent, -1), _origins(application), 0)


SORT = register(Op(
    name="sort", label="Sort", infer=_sort_infer, kernel=_sort_kernel, reference=_sort_reference,
    vjp=maps_vjp((_scattered,)), jvp=maps_jvp((_permuted,)), batch=batch_along_axis,
    tiling=tile_beside_axis, cost=_cost, workspace=_sort_workspace, samples=_samples, inplace=(0,),
))  # fmt: skip


# argsort


def _argsort_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, _ = _check(specs, attrs)
    return (Spec(spec.shape, np.dtype(np.int64)),)


def lines_at_a_time(length: int) -> int:
    """Return how many lines are sorted at a time."""
    return max(1, _PART // (8 * max(1, length)))


def _argsort_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    axis = attrs.integer("axis")
    x, out = (np.moveaxis(_turned(a, attrs), axis, -1) for a in (ins[0], outs[0]))
    if x.ndim == 1:
        x, out = x[None], out[None]
    return [(_argsort_parts, (x, out, lines_at_a_time(x.shape[-1]), attrs.flag("descending")))]


def _argsort_parts(x: Array, out: Array, width: int, descending: bool) -> None:
    """Sort a few lines at a time, since NumPy returns a new array."""
    last = x.shape[-1] - 1
    for row in each_index(x.shape[:-2]):
        for start in range(0, x.shape[-2], width):
            part: tuple[Any, ...] = (*row, slice(start, start + width))
            out[part] = x[part].argsort(-1, "stable")
            if descending:  # the lines were read from behind
                np.subtract(last, out[part], out[part])


def _argsort_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    axis = attrs.integer("axis")
    found = _turned(np.argsort(_turned(x, attrs), axis, "stable"), attrs)
    return np.asarray(x.shape[axis] - 1 - found if attrs.flag("descending") else found)


def _argsort_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    spec, axis = _check(specs, attrs)
    length = spec.static_shape[axis]
    item = 8 + spec.dtype.itemsize  # a line of indices, of values, and half as much to merge
    return Workspace(
        internal=8 * length * lines_at_a_time(length) + 2 * item * length + SORT_OBJECTS
    )


_NO_DERIVATIVE = Absent("an index doesn't change with the values")

ARGSORT = register(Op(
    name="argsort", label="Argsort", infer=_argsort_infer, kernel=_argsort_kernel,
    reference=_argsort_reference, vjp=_NO_DERIVATIVE, jvp=_NO_DERIVATIVE, batch=batch_along_axis,
    tiling=tile_beside_axis, cost=_cost, workspace=_argsort_workspace, samples=_samples,
))  # fmt: skip


# The public functions


def _declared(op: Op, x: Tensor, axis: int | None, *, descending: bool) -> Tensor:
    line = reshape(x, -1) if axis is None else x
    place = normal_axis(0 if axis is None else axis, line.ndim)
    return apply(op, (line,), Attrs(axis=place, descending=bool(descending)))


def _check_kind(kind: str | None) -> None:
    if kind not in _KINDS:
        msg = f"kind ({user_line()}) is one of {', '.join(map(str, _KINDS))}, not {kind!r}"
        raise ArgumentError(msg)


@public(np.sort)
def sort(
    x: Tensor, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None,
    descending: bool = False,
) -> Tensor:  # fmt: skip
    """Return the values in order along an axis.

    Parameters
    ----------
    x : Tensor
        Booleans, integers or real floats.
    axis : int, optional
        The axis to sort along; None sorts all elements in one line.
    kind, stable
        Taken as NumPy and the Array API standard have them; equal values are the same in any order.
    descending : bool
        Whether the largest comes first.

    Returns
    -------
    Tensor
        The same shape and dtype. NaN counts as the largest.

    Raises
    ------
    ShapeError
        The axis is out of range, or there is no such kind.
    DTypeError
        The tensor is complex: the Array API standard gives complex numbers no order.

    Notes
    -----
    The gradient of a value goes to the element that it came from, of equal ones in the order of
    the stable sort.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3, 1, 2])
    >>> df.evaluate(df.sort(x), df.sort(x, descending=True))
    (array([1, 2, 3]), array([3, 2, 1]))
    """
    _check_kind(kind)
    return _declared(SORT, x, axis, descending=descending)


@public(np.argsort)
def argsort(
    x: Tensor, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None,
    descending: bool = False,
) -> Tensor:  # fmt: skip
    """Return the indices that sort the values along an axis; see `sort`.

    The sort is always stable: equal values keep their order, where it descends too.

    Returns
    -------
    Tensor
        int64, of the same shape.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3, 1, 2, 1])
    >>> df.evaluate(df.argsort(x), df.argsort(x, descending=True))
    (array([1, 3, 2, 0]), array([0, 2, 1, 3]))
    """
    _check_kind(kind)
    x = x if x.ndim else reshape(x, -1)  # the order of one number is [0], as in NumPy
    return _declared(ARGSORT, x, axis, descending=descending)
