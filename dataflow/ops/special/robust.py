"""Huber's loss and its smooth kin, as SciPy has them: the threshold comes first. Compositions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.ops.comparison import equal, less, less_equal
from dataflow.ops.error_function import ERF
from dataflow.ops.powers import sqrt, square
from dataflow.ops.selection import where
from dataflow.ops.special.promotion import as_floats

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["huber", "pseudo_huber"]


@public(family="special")
def huber(delta: TensorLike, r: TensorLike) -> Tensor:
    """Return ``r ** 2 / 2`` up to `delta`, and from there on its tangent, element by element.

    Parameters
    ----------
    delta : tensor or array_like
        The threshold; the result is inf where it is below 0.
    r : tensor or array_like
        The residual, of a shape that broadcasts with it.

    Examples
    --------
    >>> import dataflow as df
    >>> r = df.GraphBuilder().constant([0.5, -3.0])
    >>> df.evaluate(df.special.huber(1.0, r))
    array([0.125, 2.5  ], dtype=float32)
    """
    delta, r = as_floats(ERF, delta, r)
    size = call_function("abs", r)
    is_close = less_equal(size, delta)
    close = square(where(is_close, r, 0)) * 0.5
    far = delta * (size - delta * 0.5)
    return where(less(delta, 0), math.inf, where(is_close, close, far))


@public(family="special")
def pseudo_huber(delta: TensorLike, r: TensorLike) -> Tensor:
    """Return ``delta ** 2 * (sqrt(1 + (r / delta) ** 2) - 1)``, element by element; see `huber`.

    Examples
    --------
    >>> import dataflow as df
    >>> r = df.GraphBuilder().constant([0.0, 2.0])
    >>> df.evaluate(df.special.pseudo_huber(1.0, r)).round(4)
    array([0.    , 1.2361], dtype=float32)
    """
    delta, r = as_floats(ERF, delta, r)
    at_zero = equal(delta, 0)
    ratio = r / where(at_zero, 1, delta)
    smooth = r * r / (1 + sqrt(1 + square(ratio)))  # the difference of two close numbers, rewritten
    return where(less(delta, 0), math.inf, where(at_zero, 0, smooth))
