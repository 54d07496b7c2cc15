"""Gamma draws, and what is made of them: beta, Dirichlet, chi-square, Student's t and F.

A gamma draw's derivative by its shape is that of the quantile, ``gamma_integrals``, as in PyTorch
and JAX: the rejections of the method jump. So it isn't what differences of draws of one key show,
but its mean is the derivative of the mean, and that of any function of the draw.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.elementwise import maps_jvp, maps_vjp
from dataflow.errors import ShapeError
from dataflow.operation import Op, register
from dataflow.ops.activations import sigmoid
from dataflow.ops.casting import astype
from dataflow.ops.draws import RANDN
from dataflow.ops.elementary import exp
from dataflow.ops.neural import softmax
from dataflow.ops.powers import sqrt
from dataflow.ops.random import blocks, gamma_draws
from dataflow.ops.random.domains import check_not_negative, check_positive
from dataflow.ops.random.gamma_integrals import loggamma_slope
from dataflow.ops.random.keys import draw, split
from dataflow.ops.random.parameters import (
    float_dtype,
    parameter,
    shape_of,
    shifted,
)
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.structure import batch_all
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.operation import Application
    from dataflow.ops.random.parameters import ShapeLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["beta", "chisquare", "dirichlet", "f", "gamma", "loggamma", "t"]


def _by_shape(application: Application, change: Tensor) -> Tensor:
    return change * loggamma_slope(application.inputs[1], application.outputs[0])


LOGGAMMA = register(Op(
    name="random.loggamma", label="Loggamma", infer=partial(blocks.infer, gamma_draws.METHOD),
    kernel=partial(blocks.kernel, gamma_draws.METHOD), reference=gamma_draws.reference,
    vjp=maps_vjp((None, _by_shape)), jvp=maps_jvp((None, _by_shape)), batch=batch_all,
    tiling=blocks.tiling, cost=blocks.cost, samples=gamma_draws.samples,
    workspace=partial(blocks.workspace, gamma_draws.METHOD), implicit=True,
))  # fmt: skip


def _logs(key: Tensor, a: TensorLike, lengths: Shape) -> Tensor:
    """Return the logarithms of gamma draws in float64."""
    shape = parameter(a, key, np.dtype(np.float64))
    return apply(LOGGAMMA, (key, broadcast_to(shape, (*key.shape, *lengths))), Attrs(first=0))


@public(family="random")
def gamma(
    key: Tensor, a: TensorLike, shape: ShapeLike = None, dtype: object = "float32",
    scale: TensorLike = 1.0,
) -> Tensor:  # fmt: skip
    """Return gamma draws.

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    a : number or tensor
        The shape parameter, above 0, which broadcasts to the result.
    shape : sequence of int, str or Dim, optional
        The shape of what each key draws; by default that of the parameters.
    dtype : dtype
        float16, float32 or float64.
    scale : number or tensor
        One over the rate.

    Returns
    -------
    Tensor
        The keys' shape, and then `shape`. It can be differentiated by `a` and by `scale`.

    Raises
    ------
    DTypeError, ShapeError
        There is no such dtype or shape, the parameters don't broadcast to it, or numbers, arrays
        or constants among them are out of their range. Where a tensor holds such an `a` when a
        plan runs, the draw is NaN, and 0 for an `a` of 0.

    Notes
    -----
    Draws are by Marsaglia and Tsang's method. The derivative by `a` is implicit, that of the
    quantile [1]_, and compiling it needs the extra ``scipy``. Where `a` is so small that a draw
    is 0, use `loggamma`.

    References
    ----------
    .. [1] M. Figurnov, S. Mohamed, A. Mnih, "Implicit reparameterization gradients", NeurIPS 2018.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.gamma(key, 3.0, (10000,)))
    >>> round(float(drawn.mean())), round(float(drawn.var()))
    (3, 3)
    """
    check_positive("gamma", a=a)
    check_not_negative("gamma", scale=scale)
    kind, lengths = float_dtype("gamma", dtype), shape_of("gamma", key, shape, a, scale)
    return shifted(astype(exp(_logs(key, a, lengths)), kind), key, 0.0, scale)


@public(family="random")
def loggamma(
    key: Tensor, a: TensorLike, shape: ShapeLike = None, dtype: object = "float32"
) -> Tensor:
    """Return the logarithms of gamma draws, exact where the draws would be 0; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.loggamma(key, 1e-4, (1000,)))
    >>> bool(drawn.min() < -10000)
    True
    """
    check_positive("loggamma", a=a)
    kind = float_dtype("loggamma", dtype)
    return astype(_logs(key, a, shape_of("loggamma", key, shape, a)), kind)


@public(family="random")
def beta(
    key: Tensor, a: TensorLike, b: TensorLike, shape: ShapeLike = None, dtype: object = "float32"
) -> Tensor:
    """Return beta draws: the part that one gamma draw has in the sum of two.

    Parameters
    ----------
    key, shape, dtype
        As `gamma` has them.
    a, b : number or tensor
        The shape parameters, above 0; the result can be differentiated by them.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> round(float(df.evaluate(df.random.beta(key, 3.0, 1.0, (10000,))).mean()), 2)
    0.75
    """
    check_positive("beta", a=a, b=b)
    kind, lengths = float_dtype("beta", dtype), shape_of("beta", key, shape, a, b)
    one, other = _two(key)
    return astype(sigmoid(_logs(one, a, lengths) - _logs(other, b, lengths)), kind)


def _two(key: Tensor) -> tuple[Tensor, Tensor]:
    one, other = split(key)
    return one, other


@public(family="random")
def dirichlet(
    key: Tensor, alpha: TensorLike, shape: ShapeLike = None, dtype: object = "float32"
) -> Tensor:
    """Return Dirichlet draws: the parts that gamma draws have in their sum.

    Parameters
    ----------
    key, dtype
        As `gamma` has them.
    alpha : tensor or array_like
        The concentrations along the last axis, above 0; the result can be differentiated by them.
    shape : sequence of int, str or Dim, optional
        The shape of what each key draws but for the last axis; by default that of `alpha`.

    Returns
    -------
    Tensor
        The keys' shape, `shape`, and the axis of `alpha`, along which numbers add up to 1.

    Raises
    ------
    ShapeError
        `alpha` has no axis, doesn't broadcast to the shape, or isn't above 0.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.dirichlet(key, [1.0, 2.0, 5.0], (1000,)))
    >>> drawn.shape, bool(abs(drawn.sum(-1) - 1).max() < 1e-6)
    ((1000, 3), True)
    """
    check_positive("dirichlet", alpha=alpha)
    kind, weights = float_dtype("dirichlet", dtype), parameter(alpha, key, np.dtype(np.float64))
    if not weights.ndim:
        msg = f"dirichlet ({user_line()}): alpha has one axis or more, not {weights.spec}"
        raise ShapeError(msg)
    if shape is not None:
        leading = shape_of("dirichlet", key, shape)
        shape = (*leading, weights.shape[-1])
    return astype(softmax(_logs(key, weights, shape_of("dirichlet", key, shape, weights))), kind)


@public(family="random")
def chisquare(
    key: Tensor, df: TensorLike, shape: ShapeLike = None, dtype: object = "float32"
) -> Tensor:
    """Return chi-square draws, of so many degrees of freedom; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> round(float(df.evaluate(df.random.chisquare(key, 4.0, (10000,))).mean()))
    4
    """
    check_positive("chisquare", df=df)
    return astype(_half_chisquare(key, df, "chisquare", shape) * 2, float_dtype("chisquare", dtype))


def _half_chisquare(
    key: Tensor, degrees: TensorLike, name: str, shape: ShapeLike, *others: TensorLike
) -> Tensor:
    half = parameter(degrees, key, np.dtype(np.float64)) * 0.5
    return exp(_logs(key, half, shape_of(name, key, shape, degrees, *others)))


@public(family="random")
def t(key: Tensor, df: TensorLike, shape: ShapeLike = None, dtype: object = "float32") -> Tensor:
    """Return draws of Student's t, of so many degrees of freedom; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> bool(abs(df.evaluate(df.random.t(key, 5.0, (10000,))).mean()) < 0.05)
    True
    """
    check_positive("t", df=df)
    kind, (one, other) = float_dtype("t", dtype), _two(key)
    normal = draw(RANDN, one, shape_of("t", key, shape, df), "float64")
    half = parameter(df, key, np.dtype(np.float64)) * 0.5
    return astype(normal * sqrt(half / _half_chisquare(other, df, "t", shape)), kind)


@public(family="random")
def f(
    key: Tensor, dfnum: TensorLike, dfden: TensorLike, shape: ShapeLike = None,
    dtype: object = "float32",
) -> Tensor:  # fmt: skip
    """Return draws of Fisher's F: the quotient of two chi-squares over their degrees; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> bool(df.evaluate(df.random.f(key, 5.0, 9.0, (100,))).min() > 0)
    True
    """
    check_positive("f", dfnum=dfnum, dfden=dfden)
    kind, (one, other) = float_dtype("f", dtype), _two(key)
    above = _half_chisquare(one, dfnum, "f", shape, dfden)
    below = _half_chisquare(other, dfden, "f", shape, dfnum)
    ratio = above / below
    above_degrees, below_degrees = (parameter(n, key, np.dtype(np.float64)) for n in (dfnum, dfden))
    return astype(ratio * (below_degrees / above_degrees), kind)
