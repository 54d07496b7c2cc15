"""softmax and log_softmax: exponentials that share out 1 along an axis.

Both subtract the maximum first, so that no exponential overflows. float16 works in float32 inside.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function, promoted
from dataflow.dispatch import public
from dataflow.elementwise import maps_jvp, maps_vjp, traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    Application,
    Array,
    Arrays,
    Call,
    Cost,
    Op,
    Specs,
    Workspace,
    register,
)
from dataflow.ops.one_axis import batch_along_axis, tile_beside_axis
from dataflow.ops.reductions import sum
from dataflow.ops.structure import check_inputs, samples_of
from dataflow.sampling import FLOATS
from dataflow.shapes import normal_axis, through_line
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["log_softmax", "softmax"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, axis = check_inputs(specs), attrs.integer("axis")
    if spec.dtype.kind != "f":
        msg = f"takes real floating-point numbers, not {spec.dtype}: use .astype('float32')"
        raise DTypeError(msg)
    if not 0 <= axis < spec.ndim:
        msg = f"axis {axis} must be below {spec.ndim}, the number of axes"
        raise ShapeError(msg)
    return (spec,)


def _workspace(count: int, specs: Specs, attrs: Attrs) -> Workspace:
    """Ask for one element a row, and `count` arrays of the input's shape; one more for float16."""
    spec, axis = specs[0], attrs.integer("axis")
    half = spec.dtype == np.float16
    wide = Spec(spec.shape, np.dtype(np.float32) if half else spec.dtype)
    row = wide.with_shape((*spec.shape[:axis], 1, *spec.shape[axis + 1 :]))
    return Workspace((row, *[wide] * (count + half)))


def _shifted(outs: Arrays, ins: Arrays, scratch: Arrays, axis: int) -> tuple[list[Call], Array]:
    """Return the calls that subtract the maximum, and where they put the result."""
    (x,), (out,), row = ins, outs, scratch[0]
    work = scratch[-1] if x.dtype == np.float16 else out
    calls: list[Call] = []
    if work is not out:
        calls.append((np.copyto, (work, x)))
        x = work
    calls += [(np.maximum.reduce, (x, axis, None, row, True)), (np.subtract, (x, row, work))]
    return calls, work


def _softmax_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    axis, row = attrs.integer("axis"), scratch[0]
    if not ins[0].size:
        return []
    calls, work = _shifted(outs, ins, scratch, axis)
    calls += [
        (np.exp, (work, work)),
        (np.add.reduce, (work, axis, None, row, True)),
        (np.true_divide, (work, row, work)),
    ]
    return _finished(calls, outs[0], work)


def _log_softmax_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    axis, (row, powers) = attrs.integer("axis"), scratch[:2]
    if not ins[0].size:
        return []
    calls, work = _shifted(outs, ins, scratch, axis)
    calls += [
        (np.exp, (work, powers)),
        (np.add.reduce, (powers, axis, None, row, True)),
        (np.log, (row, row)),
        (np.subtract, (work, row, work)),
    ]
    return _finished(calls, outs[0], work)


def _finished(calls: list[Call], out: Array, work: Array) -> list[Call]:
    return calls if work is out else [*calls, (np.copyto, (out, work, "same_kind"))]


def _softmax_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(np.exp(_log_softmax_wide(x, attrs))).astype(x.dtype)


def _log_softmax_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return _log_softmax_wide(x, attrs).astype(x.dtype)


def _log_softmax_wide(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    axis, wide = attrs.integer("axis"), x.astype(np.float64)
    shifted = wide - wide.max(axis, keepdims=True, initial=-np.inf)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis, keepdims=True)))


# Derivatives. With p = softmax(x): dp = p (dx - <p, dx>) and d log p = dx - <p, dx>.


def _along(application: Application, x: Tensor) -> Tensor:
    return sum(x, application.attrs.integer("axis"), keepdims=True)


def _softmax_change(application: Application, change: Tensor) -> Tensor:
    p = application.outputs[0]
    return p * (change - _along(application, p * change))


def _log_softmax_back(application: Application, cotangent: Tensor) -> Tensor:
    p = call_function("exp", application.outputs[0])
    return cotangent - p * _along(application, cotangent)


def _log_softmax_forth(application: Application, tangent: Tensor) -> Tensor:
    p = call_function("exp", application.outputs[0])
    return tangent - _along(application, p * tangent)


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[0].size
    return Cost(20 * size if isinstance(size, int) else 0, traffic(ins, outs))


_SAMPLES = samples_of(
    [
        ([(1,)], Attrs(axis=0)), ([(0, 3)], Attrs(axis=1)), ([(3, 0)], Attrs(axis=1)),
        ([(2, 3, 2)], Attrs(axis=1)), ([(3, 4)], Attrs(axis=1)),
    ],
    dtypes=FLOATS,
)  # fmt: skip

SOFTMAX = register(Op(
    name="softmax", label="Softmax", infer=_infer, kernel=_softmax_kernel,
    reference=_softmax_reference, vjp=maps_vjp((_softmax_change,)),
    jvp=maps_jvp((_softmax_change,)), batch=batch_along_axis, tiling=tile_beside_axis,
    cost=_cost, samples=_SAMPLES, inplace=(0,), workspace=partial(_workspace, 0),
))  # fmt: skip

LOG_SOFTMAX = register(Op(
    name="log_softmax", label="LogSoftmax", infer=_infer, kernel=_log_softmax_kernel,
    reference=_log_softmax_reference, vjp=maps_vjp((_log_softmax_back,)),
    jvp=maps_jvp((_log_softmax_forth,)), batch=batch_along_axis, tiling=tile_beside_axis,
    cost=_cost, samples=_SAMPLES, inplace=(0,), workspace=partial(_workspace, 1),
))  # fmt: skip


@public()
def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """Return ``exp(x)`` divided by its sum along an axis.

    Parameters
    ----------
    x : Tensor
        Any shape; integers become floats as `exp` makes them, and a scalar has one axis.
    axis : int
        The axis along which the result adds up to 1.

    Returns
    -------
    Tensor
        The same shape. As in PyTorch, all of a row is NaN where all of it is -inf, or one is inf.

    Raises
    ------
    ShapeError
        The axis is out of range.
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.0])
    >>> df.evaluate(df.softmax(x))
    array([0.5, 0.5], dtype=float32)
    """
    (value,) = promoted(SOFTMAX, np.exp, x)
    return _on_line(SOFTMAX, value, axis)


@public()
def log_softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """Return the logarithm of `softmax`, also where that is too small for a float.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1000.0])
    >>> df.evaluate(df.log_softmax(x))
    array([-1000.,     0.], dtype=float32)
    """
    (value,) = promoted(LOG_SOFTMAX, np.exp, x)
    return _on_line(LOG_SOFTMAX, value, axis)


def _on_line(op: Op, x: Tensor, axis: int) -> Tensor:
    attrs = Attrs(axis=normal_axis(axis, max(x.ndim, 1)))
    return through_line(lambda line: apply(op, (line,), attrs), x)
