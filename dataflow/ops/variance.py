"""Variances and standard deviations: means of squared distances from the mean.

They are compositions: the mean is subtracted first, so that nothing cancels, and what passes
through the planner a second time is a chain that it runs slice by slice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import as_tensor, call_function
from dataflow.dispatch import public
from dataflow.errors import GraphError
from dataflow.ops.reducing import accumulator, kept
from dataflow.ops.reductions import mean as mean_of
from dataflow.ops.reductions import sum
from dataflow.shapes import normal_axes
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.ops.reducing import Axis
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["std", "std_mean", "var", "var_mean"]


@public(np.var)
def var(
    x: Tensor, axis: Axis = None, dtype: object = None, *, ddof: float = 0,
    keepdims: bool = False, where: TensorLike | None = None, mean: TensorLike | None = None,
    correction: float | None = None,
) -> Tensor:  # fmt: skip
    """Return the variance over axes: the mean of the squared distances from the mean.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype; of booleans and integers in float64.
    axis : int or sequence of int, optional
        The axes; by default all.
    dtype : dtype, optional
        What to compute in.
    ddof, correction : float
        What to take off the number of elements that the sum is divided by; two names for it.
    keepdims : bool
        Whether the axes stay, with length 1.
    where : tensor or array of bool, optional
        Which elements to look at; it must broadcast to `x`.
    mean : tensor or array, optional
        The mean, if it is known already, with the axes of length 1.

    Returns
    -------
    Tensor
        Real, also of complex numbers. NaN where nothing is left to divide, inf where something is
        divided by no elements.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice, or the mask doesn't broadcast.
    GraphError
        `ddof` and `correction` are both given.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 5.0]])
    >>> df.evaluate(df.var(x, axis=1), df.var(x, axis=1, correction=1))
    (array([0.25, 1.  ], dtype=float32), array([0.5, 2. ], dtype=float32))
    """
    if ddof != 0 and correction is not None:
        msg = f"var ({user_line()}): ddof and correction are two names of one number: give one"
        raise GraphError(msg)
    source = x if dtype is None else x.astype(dtype)
    asked = source.dtype if source.spec.is_float else np.dtype(np.float64)
    source = source.astype(accumulator(asked))
    centre = mean_of(source, axis, keepdims=True, where=where) if mean is None else mean
    squares = _squared(kept(source - centre, where, 0))
    count = _number(squares, axis, where, keepdims=keepdims)
    taken_off = ddof if correction is None else correction
    if taken_off:
        count = call_function("maximum", count - taken_off, 0)
    found = sum(squares, axis, keepdims=keepdims) / count
    return found if asked.kind == "c" else found.astype(asked)


def _squared(x: Tensor) -> Tensor:
    if x.dtype.kind != "c":
        return call_function("square", x)
    real, imag = (call_function("square", call_function(part, x)) for part in ("real", "imag"))
    return real + imag


def _number(x: Tensor, axis: Axis, where: TensorLike | None, *, keepdims: bool) -> Tensor:
    """Return how many elements there are over axes, in the dtype of `x`."""
    if where is None:
        return x.builder.size_of([x.shape[i] for i in normal_axes(axis, x.ndim)], x.dtype)
    mask = call_function("broadcast_to", as_tensor(where, x).astype(np.bool_), x.shape)
    return sum(mask, axis, x.dtype, keepdims=keepdims)


@public(np.std)
def std(
    x: Tensor, axis: Axis = None, dtype: object = None, *, ddof: float = 0,
    keepdims: bool = False, where: TensorLike | None = None, mean: TensorLike | None = None,
    correction: float | None = None,
) -> Tensor:  # fmt: skip
    """Return the standard deviation over axes: the square root of `var`, which see.

    Where it is 0 the derivative is 0, as in PyTorch.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 5.0]])
    >>> df.evaluate(df.std(x, axis=1))
    array([0.5, 1. ], dtype=float32)
    """
    found = var(x, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean,
                correction=correction)  # fmt: skip
    return root_of(found)


def root_of(variance: Tensor) -> Tensor:
    """Return the square root, with the derivative 0 at 0."""
    is_zero = call_function("equal", variance, 0)
    root = call_function("sqrt", call_function("where", is_zero, 1, variance))
    return call_function("where", is_zero, 0, root)


@public()
def var_mean(
    x: Tensor, dim: Axis = None, *, correction: float = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the variance and the mean over axes, as PyTorch does, whose correction is 1.

    Parameters
    ----------
    x : Tensor
        See `var`.
    dim : int or sequence of int, optional
        The axes; by default all.
    correction : float
        What to take off the number of elements that the sum of squares is divided by.
    keepdim : bool
        Whether the axes stay, with length 1.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 5.0]])
    >>> df.evaluate(*df.var_mean(x, 1))
    (array([0.5, 2. ], dtype=float32), array([1.5, 4. ], dtype=float32))
    """
    centre = mean_of(x, dim, keepdims=True)
    spread = var(x, dim, keepdims=keepdim, mean=centre, correction=correction)
    return spread, call_function("reshape", centre, spread.shape)


@public()
def std_mean(
    x: Tensor, dim: Axis = None, *, correction: float = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the standard deviation and the mean over axes, as PyTorch does; see `var_mean`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 3.0], [3.0, 7.0]])
    >>> df.evaluate(*df.std_mean(x, 1, correction=0))
    (array([1., 2.], dtype=float32), array([2., 5.], dtype=float32))
    """
    spread, centre = var_mean(x, dim, correction=correction, keepdim=keepdim)
    return root_of(spread), centre
