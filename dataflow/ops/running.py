"""Running maxima and minima, and running logarithms of sums of exponentials, along an axis."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function, promoted
from dataflow.dispatch import public
from dataflow.ops.recurrences import carried, carried_back
from dataflow.ops.scanning import scan
from dataflow.ops.shaping import reshape
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.shapes import as_line, normal_axis, through_line

if TYPE_CHECKING:
    from dataflow.operation import Application, Op
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cummax", "cummin", "logcumsumexp"]

_ORDERED = ("bool", *INTEGERS, *FLOATS)


# Extremes: each place takes over the change of the last place at which the extreme was met


def _is_met(x: Tensor, extreme: Tensor) -> Tensor:
    """Return where an element is the extreme up to there; a NaN always is."""
    met = call_function("equal", x, extreme)
    return met | call_function("isnan", x) if x.spec.is_float else met


def _kept(application: Application) -> tuple[Tensor, Tensor]:
    """Return where the extreme is met, and 1 where it is carried on instead."""
    met = _is_met(application.inputs[0], application.outputs[0])
    return met, (~met).astype(application.inputs[0].dtype)


def _extreme_back(application: Application, cotangent: Tensor) -> Tensor:
    met, carries = _kept(application)
    back = carried_back(carries, cotangent, application.attrs)
    return call_function("where", met, back, 0)


def _extreme_forth(application: Application, tangent: Tensor) -> Tensor:
    met, carries = _kept(application)
    return carried(carries, call_function("where", met, tangent, 0), application.attrs)


_extreme = partial(
    scan, dtypes=_ORDERED, maps=(_extreme_back, _extreme_forth), widens=False, identity=None
)
CUMMAX = _extreme("cummax", "Cummax", np.maximum)
CUMMIN = _extreme("cummin", "Cummin", np.minimum)


@public()
def cummax(x: Tensor, axis: int = -1) -> tuple[Tensor, Tensor]:
    """Return the running maximum along an axis, and where it was met last.

    Parameters
    ----------
    x : Tensor
        Booleans, integers or floats; a scalar has one axis, as in PyTorch.
    axis : int
        The axis.

    Returns
    -------
    values : Tensor
        At each place, the maximum up to there; NaN from the first NaN on.
    indices : Tensor
        int64: the place of the last of the equal elements up to there that are the maximum, which
        gets the whole gradient. Both as in PyTorch.

    Raises
    ------
    ShapeError
        The axis is out of range.
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 3, 2, 3])
    >>> df.evaluate(*df.cummax(x))
    (array([1, 3, 3, 3]), array([0, 1, 1, 3]))
    """
    return _with_indices(CUMMAX, x, axis)


@public()
def cummin(x: Tensor, axis: int = -1) -> tuple[Tensor, Tensor]:
    """Return the running minimum along an axis, and where it was met last; see `cummax`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3, 1, 2, 1])
    >>> df.evaluate(*df.cummin(x))
    (array([3, 1, 1, 1]), array([0, 1, 1, 3]))
    """
    return _with_indices(CUMMIN, x, axis)


def _with_indices(op: Op, x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    if not x.ndim:
        values, indices = _with_indices(op, as_line(x), axis)
        return reshape(values, ()), reshape(indices, ())
    place = normal_axis(axis, x.ndim)
    attrs = Attrs(axis=place, reverse=False, exclusive=False)
    values = apply(op, (x,), attrs)
    length = x.shape[place]
    index = reshape(
        x.builder.arange(length),
        (length, *[1] * (x.ndim - place - 1)),
    )
    met = call_function("where", _is_met(x, values), index, 0)
    return values, apply(CUMMAX, (met,), attrs)


# Logarithms of sums: with y the result, dy[i] = exp(x[i] - y[i]) dx[i] + exp(y[i-1] - y[i]) dy[i-1]


def _weights(application: Application) -> tuple[Tensor, Tensor]:
    """Return the weights of an element, and of what came before it, in the sum up to there.

    Where the sum is still 0, its logarithm -inf, an element that moves is all of it: weight 1.
    """
    (x,), attrs = application.inputs, application.attrs
    is_exclusive = attrs.flag("exclusive")
    other = apply(application.op, (x,), attrs.replace(exclusive=not is_exclusive))
    own = application.outputs[0]
    before, upto = (own, other) if is_exclusive else (other, own)
    is_empty = call_function("isneginf", upto)
    known = call_function("where", is_empty, 0, upto)
    mine = call_function("exp", call_function("where", is_empty, 0, x - known))
    return mine, call_function("exp", before - known)


def _logarithm_back(application: Application, cotangent: Tensor) -> Tensor:
    mine, earlier = _weights(application)
    return mine * carried_back(earlier, cotangent, application.attrs)


def _logarithm_forth(application: Application, tangent: Tensor) -> Tensor:
    mine, earlier = _weights(application)
    return carried(earlier, mine * tangent, application.attrs)


LOGCUMSUMEXP = scan(
    "logcumsumexp", "Logcumsumexp", np.logaddexp, -np.inf, dtypes=FLOATS,
    maps=(_logarithm_back, _logarithm_forth), flops=40,
)  # fmt: skip


@public()
def logcumsumexp(
    x: TensorLike, axis: int = -1, *, reverse: bool = False, exclusive: bool = False
) -> Tensor:
    """Return the logarithm of the running sum of exponentials along an axis; nothing overflows.

    Parameters
    ----------
    x : tensor or array_like
        Any shape; integers become float64, and a scalar has one axis, as in PyTorch.
    axis : int
        The axis.
    reverse : bool
        Whether to begin at the end.
    exclusive : bool
        Whether a sum leaves out its own place, so that the first is -inf.

    Returns
    -------
    Tensor
        The same shape. Where it is inf, gradients are NaN, as in PyTorch; where it is -inf, the
        last element has the whole of them.

    Raises
    ------
    ShapeError
        The axis is out of range.
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1000.0, 1000.0, 0.0])
    >>> df.evaluate(df.logcumsumexp(x))
    array([1000.    , 1000.6932, 1000.6932], dtype=float32)
    """
    (value,) = promoted(LOGCUMSUMEXP, None, x)
    value = value if value.spec.is_float else value.astype(np.float64)
    place = normal_axis(axis, max(value.ndim, 1))
    attrs = Attrs(axis=place, reverse=reverse, exclusive=exclusive)
    return through_line(lambda line: apply(LOGCUMSUMEXP, (line,), attrs), value)
