"""Special functions that NumPy or PyTorch has a name for in its main namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.dispatch import public

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["digamma", "erfinv", "i0", "igamma", "igammac", "lgamma", "logit", "mvlgamma",
           "polygamma", "xlogy"]  # fmt: skip


@public()
def i0(x: TensorLike) -> Tensor:
    """Return the modified Bessel function of order 0; see `dataflow.special.i0`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.i0(x)).round(4)
    array([1.    , 1.2661], dtype=float32)
    """
    return call_function("special.i0", x)


@public()
def lgamma(x: TensorLike) -> Tensor:
    """Return the logarithm of the gamma function's absolute value; see `dataflow.special.gammaln`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.5, 3.0])
    >>> df.evaluate(df.lgamma(x)).round(4)
    array([0.5724, 0.6931], dtype=float32)
    """
    return call_function("special.gammaln", x)


@public()
def digamma(x: TensorLike) -> Tensor:
    """Return the derivative of `lgamma`; see `dataflow.special.digamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.5, 3.0])
    >>> df.evaluate(df.digamma(x)).round(4)
    array([-1.9635,  0.9228], dtype=float32)
    """
    return call_function("special.digamma", x)


@public()
def erfinv(x: TensorLike) -> Tensor:
    """Return the number whose error function is given; see `dataflow.special.erfinv`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.5])
    >>> df.evaluate(df.erfinv(x)).round(4)
    array([0.    , 0.4769], dtype=float32)
    """
    return call_function("special.erfinv", x)


@public()
def logit(x: TensorLike) -> Tensor:
    """Return ``log(x / (1 - x))``, whose inverse is the sigmoid; see `dataflow.special.logit`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.5, 0.75])
    >>> df.evaluate(df.logit(x)).round(4)
    array([0.    , 1.0986], dtype=float32)
    """
    return call_function("special.logit", x)


@public()
def xlogy(x: TensorLike, y: TensorLike) -> Tensor:
    """Return ``x * log(y)``, which is 0 where `x` is 0; see `dataflow.special.xlogy`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 3.0])
    >>> df.evaluate(df.xlogy(x, 2.0)).round(4)
    array([0.    , 2.0794], dtype=float32)
    """
    return call_function("special.xlogy", x, y)


@public()
def polygamma(n: int, x: TensorLike) -> Tensor:
    """Return a derivative of `digamma`, of order `n`; see `dataflow.special.polygamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0])
    >>> df.evaluate(df.polygamma(1, x)).round(4)
    array([1.6449], dtype=float32)
    """
    return call_function("special.polygamma", n, x)


@public()
def mvlgamma(x: TensorLike, p: int) -> Tensor:
    """Return the multivariate gamma function's logarithm; see `dataflow.special.multigammaln`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([2.0])
    >>> df.evaluate(df.mvlgamma(x, 2)).round(4)
    array([0.4516], dtype=float32)
    """
    return call_function("special.multigammaln", x, p)


@public()
def igamma(a: TensorLike, x: TensorLike) -> Tensor:
    """Return the regularised lower incomplete gamma function; see `dataflow.special.gammainc`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0])
    >>> df.evaluate(df.igamma(1.0, x)).round(4)
    array([0.6321], dtype=float32)
    """
    return call_function("special.gammainc", a, x)


@public()
def igammac(a: TensorLike, x: TensorLike) -> Tensor:
    """Return the regularised upper incomplete gamma function; see `dataflow.special.gammaincc`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0])
    >>> df.evaluate(df.igammac(1.0, x)).round(4)
    array([0.3679], dtype=float32)
    """
    return call_function("special.gammaincc", a, x)
