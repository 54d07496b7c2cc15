"""Bounds under PyTorch's names, and extremes of two values where NaN gives way to a number."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import binary
from dataflow.dispatch import public
from dataflow.elementwise import elementwise
from dataflow.ops.comparison import equal, greater_equal, less_equal
from dataflow.ops.finiteness import isnan
from dataflow.ops.selection import clip, halved_in_ties, where
from dataflow.sampling import FLOATS, INTEGERS, few

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["clamp", "clamp_max", "clamp_min", "fmax", "fmin"]


_REALS = ("bool", *FLOATS, *INTEGERS)


def _if_chosen(application: Application, change: Tensor, slot: int, *, largest: bool) -> Tensor:
    """Pass a change where this slot was chosen; of two NaNs that is the first."""
    mine, other = application.inputs[slot], application.inputs[1 - slot]
    is_first = (greater_equal if largest else less_equal)(mine, other)
    alone = isnan(other) if slot == 0 else isnan(other) & ~isnan(mine)
    return where(is_first | alone, halved_in_ties(application, change), 0)


FMAX = elementwise(
    "fmax", np.fmax, "Fmax",
    (partial(_if_chosen, slot=0, largest=True), partial(_if_chosen, slot=1, largest=True)),
    kinds="biuf", samples=few((-3, 3), (-3, 3), dtypes=_REALS),
)  # fmt: skip


@public(np.fmax)
def fmax(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return the larger of two real values, element by element; NaN only where both are NaN.

    Where they are the same, each gets half of the gradient; see `maximum`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan")])
    >>> df.evaluate(df.fmax(x, 0))
    array([1., 0.], dtype=float32)
    """
    return binary(FMAX, np.fmax, a, b)


FMIN = elementwise(
    "fmin", np.fmin, "Fmin",
    (partial(_if_chosen, slot=0, largest=False), partial(_if_chosen, slot=1, largest=False)),
    kinds="biuf", samples=few((-3, 3), (-3, 3), dtypes=_REALS),
)  # fmt: skip


@public(np.fmin)
def fmin(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return the smaller of two real values, element by element; NaN only where both are NaN.

    Where they are the same, each gets half of the gradient; see `minimum`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan")])
    >>> df.evaluate(df.fmin(x, 0))
    array([0., 0.], dtype=float32)
    """
    return binary(FMIN, np.fmin, a, b)


@public()
def clamp(
    x: TensorLike, min: TensorLike | None = None, max: TensorLike | None = None
) -> Tensor:  # fmt: skip
    """Return `x` kept between two bounds, as PyTorch does: `clip` with another gradient at them.

    Parameters
    ----------
    x : tensor or array_like
        Real numbers of any shape.
    min, max : tensor, array_like or None
        Shapes that broadcast with it; None for no bound.

    Returns
    -------
    Tensor
        The broadcast shape. Where `x` is a bound it gets the whole gradient, of which `clip` gives
        half to each.

    Raises
    ------
    ShapeError, DTypeError
        The shapes don't broadcast, or a tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0, 3.0])
    >>> y = df.clamp(x, 0, 2)
    >>> df.evaluate(y, *df.grad(df.sum(y), [x]))
    (array([0., 1., 2.], dtype=float32), array([1., 1., 0.], dtype=float32))
    """
    kept = clip(x, min, max)
    return where(equal(x, kept), x, kept) if kept.dtype.kind == "f" else kept


@public()
def clamp_min(x: TensorLike, min: TensorLike) -> Tensor:
    """Return `x` where it is above a bound, and the bound elsewhere; see `clamp`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -2.0])
    >>> df.evaluate(df.clamp_min(x, 0))
    array([1., 0.], dtype=float32)
    """
    return clamp(x, min)


@public()
def clamp_max(x: TensorLike, max: TensorLike) -> Tensor:
    """Return `x` where it is below a bound, and the bound elsewhere; see `clamp`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -2.0])
    >>> df.evaluate(df.clamp_max(x, 0))
    array([ 0., -2.], dtype=float32)
    """
    return clamp(x, None, max)
