"""Special functions that NumPy or PyTorch has a name for in its main namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.dispatch import public

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["digamma", "erfinv", "i0", "lgamma", "logit", "xlogy"]


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
