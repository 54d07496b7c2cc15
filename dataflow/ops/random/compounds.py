"""Distributions that are made of two kinds of draws.

maxwell              √(2 g), g gamma of shape 3/2: the length of three normal numbers
double_sided_maxwell the same with a sign
generalized_normal   ± g^(1/p), g gamma of shape 1/p
wald                 the smaller root of a quadratic in a normal draw, or the larger one
negative_binomial    Poisson, with a rate that is gamma
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.ops.casting import astype
from dataflow.ops.comparison import less_equal
from dataflow.ops.draws import RAND, RANDN
from dataflow.ops.elementary import exp
from dataflow.ops.powers import sqrt
from dataflow.ops.random.counts import poisson
from dataflow.ops.random.domains import check_between, check_not_negative, check_positive
from dataflow.ops.random.gammas import gamma, loggamma
from dataflow.ops.random.integers import rademacher
from dataflow.ops.random.keys import draw, split
from dataflow.ops.random.parameters import (
    float_dtype,
    integer_dtype,
    parameter,
    shape_of,
    shifted,
)
from dataflow.ops.selection import where

if TYPE_CHECKING:
    from dataflow.ops.random.parameters import ShapeLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["double_sided_maxwell", "generalized_normal", "maxwell", "negative_binomial", "wald"]

_WIDE = np.dtype(np.float64)


@public(family="random")
def maxwell(key: Tensor, shape: ShapeLike = None, dtype: object = "float32") -> Tensor:
    """Return Maxwell draws, the lengths of vectors of three normal numbers; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> round(float((df.evaluate(df.random.maxwell(key, (10000,))) ** 2).mean()))
    3
    """
    kind = float_dtype("maxwell", dtype)
    return astype(sqrt(gamma(key, 1.5, shape, "float64") * 2.0), kind)


@public(family="random")
def double_sided_maxwell(
    key: Tensor, loc: TensorLike = 0.0, scale: TensorLike = 1.0, shape: ShapeLike = None,
    dtype: object = "float32",
) -> Tensor:  # fmt: skip
    """Return Maxwell draws on both sides of `loc`, each as likely.

    Parameters
    ----------
    key, shape, dtype
        As `gamma` has them.
    loc, scale : number or tensor
        The middle and the scale; the result can be differentiated by them.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.double_sided_maxwell(key, 5.0, 1.0, (10000,)))
    >>> round(float(drawn.mean())), round(float(drawn.var()))
    (5, 3)
    """
    check_not_negative("double_sided_maxwell", scale=scale)
    kind = float_dtype("double_sided_maxwell", dtype)
    lengths = shape_of("double_sided_maxwell", key, shape, loc, scale)
    one, other = split(key)
    drawn = maxwell(one, lengths, "float64") * rademacher(other, lengths, "float64")
    return shifted(astype(drawn, kind), key, loc, scale)


@public(family="random")
def generalized_normal(
    key: Tensor, p: TensorLike, shape: ShapeLike = None, dtype: object = "float32"
) -> Tensor:
    """Return draws whose density falls as ``exp(-abs(x) ** p)``; see `gamma`.

    Parameters
    ----------
    key, shape, dtype
        As `gamma` has them.
    p : number or tensor
        The power, above 0: 1 for Laplace draws, 2 for normal ones of variance 1/2. The result can
        be differentiated by it.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.generalized_normal(key, 2.0, (10000,)))
    >>> round(float(drawn.var()), 1)
    0.5
    """
    check_positive("generalized_normal", p=p)
    kind, lengths = (
        float_dtype("generalized_normal", dtype),
        shape_of("generalized_normal", key, shape, p),
    )
    one, other = split(key)
    inverse = 1.0 / parameter(p, key, _WIDE)
    size = exp(loggamma(one, inverse, lengths, "float64") * inverse)
    return astype(size * rademacher(other, lengths, "float64"), kind)


@public(family="random")
def wald(
    key: Tensor, mean: TensorLike, shape: ShapeLike = None, dtype: object = "float32"
) -> Tensor:
    """Return draws of the inverse normal distribution of scale 1: when a drift first gets to 1.

    Parameters
    ----------
    key, shape, dtype
        As `gamma` has them.
    mean : number or tensor
        Above 0.

    Notes
    -----
    J. R. Michael, W. R. Schucany, R. W. Haas, "Generating random variates using transformations
    with multiple roots", The American Statistician 30 (1976) 88-90. There is a gradient by `mean`,
    of the root that was taken; which one jumps, so that means of gradients are none of means.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> round(float(df.evaluate(df.random.wald(key, 1.0, (10000,))).mean()), 1)
    1.0
    """
    check_positive("wald", mean=mean)
    kind, lengths = float_dtype("wald", dtype), shape_of("wald", key, shape, mean)
    one, other = split(key)
    normal, centre = draw(RANDN, one, lengths, "float64"), parameter(mean, key, _WIDE)
    half = centre * normal * normal * 0.5
    root = centre / (1.0 + half + sqrt(half * (half + 2.0)))
    is_small = less_equal(draw(RAND, other, lengths, "float64") * (centre + root), centre)
    return astype(where(is_small, root, centre * centre / root), kind)


@public(family="random")
def negative_binomial(
    key: Tensor, n: TensorLike, p: TensorLike, shape: ShapeLike = None, dtype: object = "int64"
) -> Tensor:
    """Return how many trials fail before `n` succeed, each with probability `p`.

    Parameters
    ----------
    key, shape
        As `gamma` has them.
    n : number or tensor
        How many must succeed, above 0; it need not be whole.
    p : number or tensor
        The probability, above 0. There is no derivative by the parameters.
    dtype : dtype
        An integer's.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.negative_binomial(key, 5, 0.5, (10000,)))
    >>> round(float(drawn.mean()))
    5
    """
    check_positive("negative_binomial", n=n, p=p)
    check_between("negative_binomial", 0, 1, p=p)
    kind = integer_dtype("negative_binomial", dtype)
    lengths = shape_of("negative_binomial", key, shape, n, p)
    one, other = split(key)
    chance = parameter(p, key, _WIDE)
    rate = gamma(one, parameter(n, key, _WIDE), lengths, "float64") * ((1.0 - chance) / chance)
    return poisson(other, rate, lengths, kind)
