"""Reductions and running sums that leave out what is NaN, under NumPy's names.

Each is the plain one with the NaNs masked: they get no gradient, nor do they spoil that of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.ops.cumulative import cumprod, cumsum
from dataflow.ops.extremes import max, min
from dataflow.ops.finiteness import isnan
from dataflow.ops.products import prod
from dataflow.ops.reductions import mean as mean_of
from dataflow.ops.reductions import sum
from dataflow.ops.searching import argmax, argmin
from dataflow.ops.selection import where as where_of
from dataflow.ops.truth import all
from dataflow.ops.variance import root_of, var

if TYPE_CHECKING:
    from dataflow.ops.reducing import Axis
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod",
    "nanstd", "nansum", "nanvar",
]  # fmt: skip


def _filled(x: Tensor, value: float) -> Tensor:
    return where_of(isnan(x), value, x) if x.spec.is_float else x


def _numbers(x: Tensor, where: TensorLike | None) -> TensorLike | None:
    """Return the mask of what isn't NaN, and isn't masked already."""
    if not x.spec.is_float:
        return where
    return ~isnan(x) if where is None else call_function("logical_and", ~isnan(x), where)


@public(np.nansum)
def nansum(
    x: Tensor, axis: Axis = None, dtype: object = None, *, keepdims: bool = False,
    initial: TensorLike | None = None, where: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the sum over axes of what isn't NaN: 0 where all is. See `sum` for the parameters.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 3.0])
    >>> df.evaluate(df.nansum(x))
    array(4., dtype=float32)
    """
    return sum(_filled(x, 0), axis, dtype, keepdims=keepdims, initial=initial, where=where)


@public(np.nanprod)
def nanprod(
    x: Tensor, axis: Axis = None, dtype: object = None, *, keepdims: bool = False,
    initial: TensorLike | None = None, where: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the product over axes of what isn't NaN: 1 where all is. See `sum`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([2.0, float("nan"), 3.0])
    >>> df.evaluate(df.nanprod(x))
    array(6., dtype=float32)
    """
    return prod(_filled(x, 1), axis, dtype, keepdims=keepdims, initial=initial, where=where)


@public(np.nanmean)
def nanmean(
    x: Tensor, axis: Axis = None, dtype: object = None, *, keepdims: bool = False,
    where: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the mean over axes of what isn't NaN: NaN where all is. See `sum`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 3.0])
    >>> df.evaluate(df.nanmean(x))
    array(2., dtype=float32)
    """
    return mean_of(x, axis, dtype, keepdims=keepdims, where=_numbers(x, where))


@public(np.nanvar)
def nanvar(
    x: Tensor, axis: Axis = None, dtype: object = None, *, ddof: float = 0,
    keepdims: bool = False, where: TensorLike | None = None, mean: TensorLike | None = None,
    correction: float | None = None,
) -> Tensor:  # fmt: skip
    """Return the variance over axes of what isn't NaN. See `var` for the parameters.

    Where no more elements are left than `ddof`, it is NaN.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 3.0])
    >>> df.evaluate(df.nanvar(x))
    array(1., dtype=float32)
    """
    mask = _numbers(x, where)
    found = var(
        x, axis, dtype, ddof=ddof, keepdims=keepdims, where=mask, mean=mean, correction=correction
    )
    taken_off = ddof if correction is None else correction
    if mask is None or taken_off <= 0:
        return found
    count = sum(call_function("broadcast_to", mask, x.shape), axis, keepdims=keepdims)
    return where_of(count > taken_off, found, np.nan)


@public(np.nanstd)
def nanstd(
    x: Tensor, axis: Axis = None, dtype: object = None, *, ddof: float = 0,
    keepdims: bool = False, where: TensorLike | None = None, mean: TensorLike | None = None,
    correction: float | None = None,
) -> Tensor:  # fmt: skip
    """Return the standard deviation over axes of what isn't NaN. See `nanvar` and `std`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 3.0])
    >>> df.evaluate(df.nanstd(x))
    array(1., dtype=float32)
    """
    found = nanvar(
        x, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean, correction=correction
    )
    return root_of(found)


@public(np.nanmax)
def nanmax(
    x: Tensor, axis: Axis = None, *, keepdims: bool = False, initial: TensorLike | None = None,
    where: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the maximum over axes of what isn't NaN: NaN where all is. See `max`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 3.0])
    >>> df.evaluate(df.nanmax(x))
    array(3., dtype=float32)
    """
    found = max(_filled(x, -np.inf), axis, keepdims=keepdims, initial=initial, where=where)
    return found if initial is not None else _unless_all_nan(x, axis, found, keepdims=keepdims)


@public(np.nanmin)
def nanmin(
    x: Tensor, axis: Axis = None, *, keepdims: bool = False, initial: TensorLike | None = None,
    where: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the minimum over axes of what isn't NaN: NaN where all is. See `max`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 3.0])
    >>> df.evaluate(df.nanmin(x))
    array(1., dtype=float32)
    """
    found = min(_filled(x, np.inf), axis, keepdims=keepdims, initial=initial, where=where)
    return found if initial is not None else _unless_all_nan(x, axis, found, keepdims=keepdims)


def _unless_all_nan(x: Tensor, axis: Axis, found: Tensor, *, keepdims: bool) -> Tensor:
    if not x.spec.is_float:
        return found
    return where_of(all(isnan(x), axis, keepdims=keepdims), np.nan, found)


@public(np.nanargmax)
def nanargmax(x: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """Return the index of the first maximum along an axis of what isn't NaN. See `argmax`.

    Where all is NaN it is 0, for which NumPy raises an error.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 3.0])
    >>> df.evaluate(df.nanargmax(x))
    array(2)
    """
    return argmax(_filled(x, -np.inf), axis, keepdims=keepdims)


@public(np.nanargmin)
def nanargmin(x: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """Return the index of the first minimum along an axis of what isn't NaN. See `nanargmax`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 3.0])
    >>> df.evaluate(df.nanargmin(x))
    array(0)
    """
    return argmin(_filled(x, np.inf), axis, keepdims=keepdims)


@public(np.nancumsum)
def nancumsum(x: Tensor, axis: int | None = None, dtype: object = None) -> Tensor:
    """Return the running sum along an axis, a NaN counting as 0. See `cumsum`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 3.0])
    >>> df.evaluate(df.nancumsum(x))
    array([1., 1., 4.], dtype=float32)
    """
    return cumsum(_filled(x, 0), axis, dtype)


@public(np.nancumprod)
def nancumprod(x: Tensor, axis: int | None = None, dtype: object = None) -> Tensor:
    """Return the running product along an axis, a NaN counting as 1. See `cumsum`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([2.0, float("nan"), 3.0])
    >>> df.evaluate(df.nancumprod(x))
    array([2., 2., 6.], dtype=float32)
    """
    return cumprod(_filled(x, 1), axis, dtype)
