"""Weighted averages, covariances and correlations, and the first two moments at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from dataflow.calling import as_tensor, call_function, promoted
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.arithmetic import MULTIPLY
from dataflow.ops.joining import concat
from dataflow.ops.reductions import mean, sum
from dataflow.ops.shaping import broadcast_to, expand_dims, reshape
from dataflow.ops.variance import var
from dataflow.shapes import normal_axes, normal_axis
from dataflow.source import user_line
from dataflow.spec import as_dtype, shape_text

if TYPE_CHECKING:
    from dataflow.ops.reducing import Axis
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["average", "corrcoef", "cov", "moments"]


@overload
def average(
    x: Tensor, axis: Axis = ..., weights: TensorLike | None = ...,
    returned: Literal[False] = ..., *, keepdims: bool = ...,
) -> Tensor: ...  # fmt: skip
@overload
def average(
    x: Tensor, axis: Axis = ..., weights: TensorLike | None = ..., returned: bool = ..., *,
    keepdims: bool = ...,
) -> Tensor | tuple[Tensor, Tensor]: ...  # fmt: skip
@public(np.average)
def average(
    x: Tensor, axis: Axis = None, weights: TensorLike | None = None, returned: bool = False, *,
    keepdims: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """Return the weighted average over axes: Σ w x / Σ w.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    axis : int or sequence of int, optional
        The axes; by default all.
    weights : tensor or array_like, optional
        Of the tensor's shape, or of the shape that these axes have; by default all 1.
    returned : bool
        Whether to return the sum of the weights too.
    keepdims : bool
        Whether the axes stay, with length 1.

    Returns
    -------
    Tensor, or pair of Tensor
        Of integers in float64. NaN or inf where the weights add up to 0, for which NumPy raises.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice, the weights have neither shape, or without weights
        the result is empty.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 5.0])
    >>> df.evaluate(df.average(x, weights=[1.0, 1.0, 2.0]))
    array(3.25)
    """
    if weights is None:
        found = mean(x, axis, keepdims=keepdims)
        if 0 in found.shape:
            msg = f"average ({user_line()}): {shape_text(x.shape)} has nothing to average"
            raise ShapeError(msg)
        axes = normal_axes(axis, x.ndim)
        count = x.builder.size_of([x.shape[i] for i in axes], found.dtype)
        return (found, broadcast_to(count, found.shape)) if returned else found
    value, weight = promoted(MULTIPLY, None, x, weights)
    if not x.spec.is_float:
        wide = np.result_type(value.dtype, np.float64)
        value, weight = value.astype(wide), weight.astype(wide)
    weight = broadcast_to(_placed(weight, value, axis), value.shape)
    total = sum(weight, axis, keepdims=keepdims)
    found = sum(value * weight, axis, keepdims=keepdims) / total
    return (found, total) if returned else found


def _placed(weight: Tensor, x: Tensor, axis: Axis) -> Tensor:
    """Give weights that have only the axes averaged over the tensor's number of axes."""
    if weight.shape == x.shape:
        return weight
    items: Sequence[int] = axis if isinstance(axis, Sequence) else () if axis is None else (axis,)
    axes = [normal_axis(item, x.ndim) for item in items]
    if not axes or weight.shape != tuple(x.shape[i] for i in axes):
        wanted = f" or {shape_text(tuple(x.shape[i] for i in axes))}" if axes else ""
        msg = (f"average ({user_line()}): weights must have shape {shape_text(x.shape)}{wanted}, "
               f"not {shape_text(weight.shape)}")  # fmt: skip
        raise ShapeError(msg)
    ordered = call_function("transpose", weight, sorted(range(len(axes)), key=axes.__getitem__))
    return reshape(ordered, [d if i in axes else 1 for i, d in enumerate(x.shape)])


@public()
def moments(
    x: Tensor, axis: Axis = None, *, keepdims: bool = False, correction: float = 0
) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance over axes; the mean is computed once. See `var`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 3.0])
    >>> df.evaluate(*df.moments(x))
    (array(2., dtype=float32), array(1., dtype=float32))
    """
    centre = mean(x, axis, keepdims=True)
    variance = var(x, axis, keepdims=keepdims, mean=centre, correction=correction)
    return (centre if keepdims else reshape(centre, variance.shape)), variance


@public(np.cov)
def cov(
    m: Tensor, y: TensorLike | None = None, rowvar: bool = True, bias: bool = False,
    ddof: int | None = None, fweights: TensorLike | None = None,
    aweights: TensorLike | None = None, *, dtype: object = None,
) -> Tensor:  # fmt: skip
    """Return the covariances of variables, each with each.

    Parameters
    ----------
    m : Tensor
        At most two axes: a row a variable, a column an observation.
    y : tensor or array_like, optional
        More variables, in the same form.
    rowvar : bool
        Whether the variables are in rows, not in columns.
    bias : bool
        Whether to divide by the number of observations, not by one less.
    ddof : int, optional
        What to take off that number, in the place of `bias`.
    fweights, aweights : tensor or array_like, optional
        How often each observation was made, and how much it counts.
    dtype : dtype, optional
        What to compute in; by default float64 at least.

    Returns
    -------
    Tensor
        As many rows and columns as there are variables; a scalar for one.

    Raises
    ------
    ShapeError
        There are more than two axes, or the numbers of observations differ.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])
    >>> df.evaluate(df.cov(x))
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    rows = _variables(m, rowvar=rowvar)
    if y is not None:
        other = as_tensor(y, m)
        is_row = other.ndim < 2 or other.shape[0] == 1
        rows = concat([rows, _variables(other, rowvar=rowvar or is_row)])
    wide = np.result_type(rows.dtype, np.float64) if dtype is None else as_dtype(dtype)
    rows = rows.astype(wide)
    taken_off = ddof if ddof is not None else 0 if bias else 1
    weight = _weight(rows, fweights, aweights)
    if weight is None:
        count = rows.builder.size_of((rows.shape[1],), _real(wide))
        weighted = centred = rows - mean(rows, 1, keepdims=True)
        divisor = count - taken_off
    else:
        count = sum(weight)
        centred = rows - sum(rows * weight, 1, keepdims=True) / count
        weighted = centred * weight
        share = 1 if aweights is None else sum(weight * as_tensor(aweights, weight)) / count
        divisor = count - share * taken_off
    products = call_function("matmul", weighted, call_function("conj", centred).T)
    return call_function("squeeze", products / call_function("maximum", divisor, 0))


def _variables(x: Tensor, *, rowvar: bool) -> Tensor:
    """Return a row for every variable."""
    if x.ndim > 2:
        msg = f"cov ({user_line()}): {x!r} must have one or two axes, not {x.ndim}"
        raise ShapeError(msg)
    if x.ndim < 2:
        return reshape(x, (1, -1))
    return x if rowvar else x.T


def _real(dtype: np.dtype) -> np.dtype:
    return np.zeros((), dtype).real.dtype


def _weight(
    rows: Tensor, fweights: TensorLike | None, aweights: TensorLike | None
) -> Tensor | None:
    """Return the product of both kinds of weights of the observations."""
    given = [as_tensor(w, rows) for w in (fweights, aweights) if w is not None]
    for weight in given:
        if weight.shape != rows.shape[1:]:
            msg = (f"cov ({user_line()}): weights must have shape {shape_text(rows.shape[1:])}, "
                   f"not {shape_text(weight.shape)}")  # fmt: skip
            raise ShapeError(msg)
    wide = [weight.astype(_real(rows.dtype)) for weight in given]
    return reduce(lambda a, b: a * b, wide) if wide else None


@public(np.corrcoef)
def corrcoef(
    x: Tensor, y: TensorLike | None = None, rowvar: bool = True, *, dtype: object = None
) -> Tensor:
    """Return the correlations of variables, each with each: their `cov` over both deviations.

    See `cov` for the parameters. A variable that is constant has NaN.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])
    >>> df.evaluate(df.corrcoef(x)).round(6)
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    covariances = cov(x, y, rowvar, dtype=dtype)
    if covariances.ndim == 0:
        return covariances / covariances
    variances = call_function("real", call_function("diagonal", covariances))
    deviations = call_function("sqrt", variances)
    found = covariances / expand_dims(deviations, 1) / deviations
    parts = [call_function("clip", call_function(part, found), -1, 1)
             for part in (("real", "imag") if found.dtype.kind == "c" else ("real",))]  # fmt: skip
    return call_function("complex", *parts) if len(parts) == 2 else parts[0]
