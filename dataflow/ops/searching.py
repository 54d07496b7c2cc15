"""Searches: the index of an extreme along one axis, the first where there are several."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Absent,
    Along,
    Application,
    Arrays,
    Call,
    Cost,
    Op,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.shaping import expand_dims, reshape
from dataflow.ops.structure import check_inputs, samples_of
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.shapes import as_line, normal_axis
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = ["argmax", "argmin"]

_NO_DERIVATIVE = Absent("an index doesn't change with the values")


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, axis = check_inputs(specs), attrs.integer("axis")
    if spec.dtype.kind == "c":
        msg = f"{spec.dtype} numbers have no order, so no maximum or minimum"
        raise DTypeError(msg)
    if not 0 <= axis < spec.ndim or spec.shape[axis] == 0:
        msg = f"axis {axis} must be one of {spec.ndim} axes, and not of length 0"
        raise ShapeError(msg)
    return (Spec((*spec.shape[:axis], *spec.shape[axis + 1 :]), np.dtype(np.int64)),)


def _kernel(
    method: Callable[..., Any], outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs
) -> list[Call]:
    return [(method, (ins[0], attrs.integer("axis"), outs[0]))]


def _reference(method: Callable[..., Any], x: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401
    return method(x, attrs.integer("axis"))


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    # NumPy copies what doesn't lie row by row with the axis last.
    return Workspace(internal=specs[0].nbytes + 4096)


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[0].size
    return Cost(size if isinstance(size, int) else 0, traffic(ins, outs))


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    axis = application.attrs.integer("axis") + 1
    return [apply(application.op, inputs, Attrs(axis=axis))]


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    axis = attrs.integer("axis")
    uses = (WHOLE if i == axis else Along(i - (i > axis)) for i in range(specs[0].ndim))
    return Tiling((tuple(uses),))


def _search(name: str, label: str, method: Callable[..., Any]) -> Op:
    rows = (((3,), 0), ((0, 3), 1), ((2, 3, 4), 1), ((3, 4), 1))
    return register(Op(
        name=name, label=label, infer=_infer, kernel=partial(_kernel, method),
        reference=partial(_reference, method), vjp=_NO_DERIVATIVE, jvp=_NO_DERIVATIVE,
        batch=_batch, tiling=_tiling, cost=_cost, workspace=_workspace,
        samples=samples_of([([shape], Attrs(axis=axis)) for shape, axis in rows],
                           dtypes=("bool", *INTEGERS, *FLOATS), smooth=False),
    ))  # fmt: skip


ARGMAX = _search("argmax", "Argmax", np.ndarray.argmax)
ARGMIN = _search("argmin", "Argmin", np.ndarray.argmin)


def _declare(op: Op, x: Tensor, axis: int | None, *, keepdims: bool) -> Tensor:
    if axis is None:
        found = apply(op, (reshape(x, -1),), Attrs(axis=0))
        return reshape(found, (1,) * x.ndim) if keepdims else found
    line = as_line(x)
    place = normal_axis(axis, line.ndim)
    found = apply(op, (line,), Attrs(axis=place))
    return expand_dims(found, place) if keepdims and x.ndim else found


@public(np.argmax)
def argmax(x: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """Return the index of the first maximum along an axis; a NaN counts as the largest.

    Parameters
    ----------
    x : Tensor
        Any shape; booleans, integers or floats.
    axis : int, optional
        The axis to search; by default all elements, in row-major order.
    keepdims : bool
        Whether the axis stays, with length 1.

    Returns
    -------
    Tensor
        int64.

    Raises
    ------
    ShapeError
        The axis is out of range, or of length 0.
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 4], [3, 2]])
    >>> df.evaluate(df.argmax(x, axis=1))
    array([1, 0])
    """
    return _declare(ARGMAX, x, axis, keepdims=keepdims)


@public(np.argmin)
def argmin(x: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """Return the index of the first minimum along an axis; see `argmax`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 4], [3, 2]])
    >>> df.evaluate(df.argmin(x))
    array(0)
    """
    return _declare(ARGMIN, x, axis, keepdims=keepdims)
