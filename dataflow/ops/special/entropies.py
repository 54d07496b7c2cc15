"""Logarithms that meet zeros, and the entropies made of them: 0 log 0 is 0 here.

All are compositions. Where a mask takes the value at 0, the logarithm's argument is 1 there, so
that no gradient is 0 times inf.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.ops.activations import sigmoid
from dataflow.ops.comparison import equal, greater, less, less_equal
from dataflow.ops.elementary import log, log1p
from dataflow.ops.error_function import ERF
from dataflow.ops.finiteness import isnan
from dataflow.ops.selection import where
from dataflow.ops.special.promotion import as_floats

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["entr", "expit", "kl_div", "logit", "rel_entr", "xlog1py", "xlogy"]


@public(family="special")
def expit(x: TensorLike) -> Tensor:
    """Return ``1 / (1 + exp(-x))``, element by element: `dataflow.sigmoid`, under SciPy's name.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, -1000.0])
    >>> df.evaluate(df.special.expit(x))
    array([0.5, 0. ], dtype=float32)
    """
    return sigmoid(x)


@public(family="special")
def logit(x: TensorLike) -> Tensor:
    """Return ``log(x / (1 - x))``, element by element: -inf at 0, inf at 1, NaN outside.

    Close to 1/2, where the quotient would lose digits, it is computed by `log1p`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.5, 0.9, 0.0])
    >>> df.evaluate(df.special.logit(x)).round(4)
    array([0.    , 2.1972,   -inf], dtype=float32)
    """
    (p,) = as_floats(ERF, x)
    shift = (p - 0.5) * 2
    is_middle = less(call_function("abs", shift), 0.4)
    middle = where(is_middle, shift, 0)
    outer = where(is_middle, 0.5, p)
    return where(is_middle, log1p(middle) - log1p(-middle), log(outer) - log1p(-outer))


@public(family="special")
def xlogy(x: TensorLike, y: TensorLike) -> Tensor:
    """Return ``x * log(y)``, and 0 where `x` is 0 and `y` is not NaN, element by element.

    The derivatives at ``x == 0`` are finite: by `x` it is ``log(y)``, or 0 where `y` is 0 too; by
    `y` it is 0.

    Parameters
    ----------
    x, y : tensor or array_like
        Floats whose shapes broadcast; integers become floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 2.0])
    >>> df.evaluate(df.special.xlogy(x, 0.0))
    array([  0., -inf], dtype=float32)
    """
    x, y = as_floats(ERF, x, y)
    is_empty = equal(x, 0) & equal(y, 0)
    return _times_log(x, log(where(is_empty, 1, y)), y)


@public(family="special")
def xlog1py(x: TensorLike, y: TensorLike) -> Tensor:
    """Return ``x * log1p(y)``, and 0 where `x` is 0 and `y` is not NaN; see `xlogy`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 2.0])
    >>> df.evaluate(df.special.xlog1py(x, -1.0))
    array([  0., -inf], dtype=float32)
    """
    x, y = as_floats(ERF, x, y)
    is_empty = equal(x, 0) & equal(y, -1)
    return _times_log(x, log1p(where(is_empty, 0, y)), y)


def _times_log(x: Tensor, logarithm: Tensor, y: Tensor) -> Tensor:
    """Return the product, 0 where `x` is 0 but for a NaN in `y`."""
    finite = where(equal(x, 0) & ~isnan(y) & ~(abs(logarithm) < math.inf), 0, logarithm)
    return x * finite


@public(family="special")
def entr(x: TensorLike) -> Tensor:
    """Return ``-x log(x)``, element by element: 0 at 0, and -inf below.

    The derivative at 0 is inf.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.5, -1.0])
    >>> df.evaluate(df.special.entr(x)).round(4)
    array([0.    , 0.3466,   -inf], dtype=float32)
    """
    (x,) = as_floats(ERF, x)
    inside = greater(x, 0) | isnan(x)
    safe = where(inside, x, 1)
    return where(inside, -(safe * log(safe)), where(less(x, 0), -math.inf, _steep(x)))


def _steep(x: Tensor) -> Tensor:
    """Return 0 at 0, with a derivative of inf there."""
    return call_function("sqrt", where(equal(x, 0), x, 1))


@public(family="special")
def rel_entr(x: TensorLike, y: TensorLike) -> Tensor:
    """Return ``x log(x / y)``, element by element: 0 where x is 0, inf where only y is, or below.

    Parameters
    ----------
    x, y : tensor or array_like
        Floats whose shapes broadcast; integers become floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.5, 0.25])
    >>> df.evaluate(df.special.rel_entr(x, 0.25)).round(4)
    array([0.    , 0.3466, 0.    ], dtype=float32)
    """
    x, y = as_floats(ERF, x, y)
    inside = (greater(x, 0) & greater(y, 0)) | isnan(x) | isnan(y)
    a, b = where(inside, x, 1), where(inside, y, 1)
    at_zero = equal(x, 0) & ~less(y, 0)
    return where(inside, a * _log_quotient(a, b), where(at_zero, 0.0, math.inf).astype(a.dtype))


def _log_quotient(a: Tensor, b: Tensor) -> Tensor:
    """Return log(a / b) with its digits where the quotient is close to 1, and without overflow."""
    quotient = a / b
    is_close = greater(quotient, 0.5) & less(quotient, 2)
    change = where(is_close, a - b, 0) / where(is_close, b, 1)
    return where(is_close, log1p(change), log(a) - log(b))


@public(family="special")
def kl_div(x: TensorLike, y: TensorLike) -> Tensor:
    """Return ``x log(x / y) - x + y``, element by element; see `rel_entr`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.5])
    >>> df.evaluate(df.special.kl_div(x, 0.25)).round(4)
    array([0.25  , 0.0966], dtype=float32)
    """
    x, y = as_floats(ERF, x, y)
    entropy = rel_entr(x, y)
    is_outside = equal(entropy, math.inf) & (less_equal(x, 0) | less_equal(y, 0))
    return where(is_outside, math.inf, entropy - x + y)
