"""Distribution functions under SciPy's short names: compositions of the incomplete functions.

The last letter says what is given: ``c`` the probability above, none that below. Arguments that no
distribution has give NaN, as in SciPy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.comparison import equal, less, less_equal
from dataflow.ops.rounding import floor
from dataflow.ops.selection import where
from dataflow.ops.special.incomplete import BETAINC, GAMMAINC, betainc, gammainc, gammaincc
from dataflow.ops.special.promotion import as_scipy_floats

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["chdtr", "chdtrc", "fdtr", "fdtrc", "gdtr", "gdtrc", "pdtr", "pdtrc"]


@public(family="special")
def chdtr(v: TensorLike, x: TensorLike) -> Tensor:
    """Return the probability that a χ² draw of `v` degrees of freedom is below `x`; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 4.0])
    >>> df.evaluate(df.special.chdtr(2.0, x)).round(4)
    array([0.3935, 0.8647], dtype=float32)
    """
    v, x = as_scipy_floats(GAMMAINC, v, x)
    return gammainc(v * 0.5, x * 0.5)


@public(family="special")
def chdtrc(v: TensorLike, x: TensorLike) -> Tensor:
    """Return ``1 - chdtr(v, x)``, with its digits where it is small; see `chdtr`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 4.0])
    >>> df.evaluate(df.special.chdtrc(2.0, x)).round(4)
    array([0.6065, 0.1353], dtype=float32)
    """
    v, x = as_scipy_floats(GAMMAINC, v, x)
    return gammaincc(v * 0.5, x * 0.5)


@public(family="special")
def gdtr(a: TensorLike, b: TensorLike, x: TensorLike) -> Tensor:
    """Return the probability that a gamma draw of rate `a` and shape `b` is below `x`; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.gdtr(2.0, 3.0, x)).round(4)
    array([0.3233, 0.7619], dtype=float32)
    """
    a, b, x = as_scipy_floats(GAMMAINC, a, b, x)
    return gammainc(b, _checked(a * x, less(x, 0)))


@public(family="special")
def gdtrc(a: TensorLike, b: TensorLike, x: TensorLike) -> Tensor:
    """Return ``1 - gdtr(a, b, x)``, with its digits where it is small; see `gdtr`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.gdtrc(2.0, 3.0, x)).round(4)
    array([0.6767, 0.2381], dtype=float32)
    """
    a, b, x = as_scipy_floats(GAMMAINC, a, b, x)
    return gammaincc(b, _checked(a * x, less(x, 0)))


@public(family="special")
def pdtr(k: TensorLike, m: TensorLike) -> Tensor:
    """Return the probability that a Poisson draw of mean `m` is at most `k`; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> k = df.GraphBuilder().constant([0.0, 2.0])
    >>> df.evaluate(df.special.pdtr(k, 1.5)).round(4)
    array([0.2231, 0.8088], dtype=float32)
    """
    k, m = as_scipy_floats(GAMMAINC, k, m)
    return gammaincc(floor(k) + 1, _checked(m, less(k, 0)))


@public(family="special")
def pdtrc(k: TensorLike, m: TensorLike) -> Tensor:
    """Return ``1 - pdtr(k, m)``, with its digits where it is small; see `pdtr`.

    Examples
    --------
    >>> import dataflow as df
    >>> k = df.GraphBuilder().constant([0.0, 2.0])
    >>> df.evaluate(df.special.pdtrc(k, 1.5)).round(4)
    array([0.7769, 0.1912], dtype=float32)
    """
    k, m = as_scipy_floats(GAMMAINC, k, m)
    return gammainc(floor(k) + 1, _checked(m, less(k, 0)))


@public(family="special")
def fdtr(dfn: TensorLike, dfd: TensorLike, x: TensorLike) -> Tensor:
    """Return the probability that a draw of Snedecor's F distribution is below `x`; see `gamma`.

    Parameters
    ----------
    dfn, dfd : tensor or array_like
        The degrees of freedom of the numerator and the denominator.
    x : tensor or array_like
        0 or more.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.fdtr(2.0, 5.0, x)).round(4)
    array([0.5688, 0.77  ], dtype=float32)
    """
    n, d, x = as_scipy_floats(BETAINC, dfn, dfd, x)
    part = where(equal(x, math.inf), 1, n * x / (d + n * x))
    return betainc(n * 0.5, d * 0.5, _checked(part, _no_ratio(n, d, x)))


@public(family="special")
def fdtrc(dfn: TensorLike, dfd: TensorLike, x: TensorLike) -> Tensor:
    """Return ``1 - fdtr(dfn, dfd, x)``, with its digits where it is small; see `fdtr`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.fdtrc(2.0, 5.0, x)).round(4)
    array([0.4312, 0.23  ], dtype=float32)
    """
    n, d, x = as_scipy_floats(BETAINC, dfn, dfd, x)
    part = where(equal(x, math.inf), 0, d / (d + n * x))
    return betainc(d * 0.5, n * 0.5, _checked(part, _no_ratio(n, d, x)))


def _checked(limit: Tensor, is_outside: Tensor) -> Tensor:
    """Return the limit of an integral, and NaN where an argument is out of its range."""
    return where(is_outside, math.nan, limit)


def _no_ratio(n: Tensor, d: Tensor, x: Tensor) -> Tensor:
    is_endless = less(x, math.inf) & (equal(n, math.inf) | equal(d, math.inf))
    return less_equal(n, 0) | less_equal(d, 0) | less(x, 0) | is_endless
