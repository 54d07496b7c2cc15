"""Inverses of the incomplete gamma and beta functions: quantiles. They need SciPy.

With F(shapes, x) = y, x moves by 1 / f as y does, f the density, and by -(∂F/∂shape) / f as a shape
does.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.special.beta_moments import beta_moment
from dataflow.ops.special.densities import beta_density, gamma_density
from dataflow.ops.special.gamma_moments import gamma_moment
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, scipy_op
from dataflow.sampling import ranges

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["betaincinv", "gammainccinv", "gammaincinv"]


def _gamma_by_shape(application: Application, change: Tensor) -> Tensor:
    a, x = application.inputs[0], application.outputs[0]
    return change * -(gamma_moment(a, x, 1) / gamma_density(a, x))


def _gamma_by_probability(application: Application, change: Tensor) -> Tensor:
    a, x = application.inputs[0], application.outputs[0]
    return change / gamma_density(a, x)


def _minus_gamma_by_probability(application: Application, change: Tensor) -> Tensor:
    return -_gamma_by_probability(application, change)


def _beta_by_shape(application: Application, change: Tensor, orders: tuple[int, int]) -> Tensor:
    (a, b, _), (x,) = application.inputs, application.outputs
    return change * -(beta_moment(a, b, x, orders) / beta_density(a, b, x))


def _beta_by_probability(application: Application, change: Tensor) -> Tensor:
    (a, b, _), (x,) = application.inputs, application.outputs
    return change / beta_density(a, b, x)


_SHAPE_AND_PROBABILITY = ranges(((0.8, 4), (0.1, 0.9)), dtypes=SCIPY_FLOATS)

GAMMAINCINV = scipy_op(
    "gammaincinv", "Gammaincinv", (_gamma_by_shape, _gamma_by_probability),
    samples=_SHAPE_AND_PROBABILITY,
)  # fmt: skip
GAMMAINCCINV = scipy_op(
    "gammainccinv", "Gammainccinv", (_gamma_by_shape, _minus_gamma_by_probability),
    samples=_SHAPE_AND_PROBABILITY,
)  # fmt: skip
BETAINCINV = scipy_op(
    "betaincinv", "Betaincinv",
    (partial(_beta_by_shape, orders=(1, 0)), partial(_beta_by_shape, orders=(0, 1)),
     _beta_by_probability),
    samples=ranges(((0.8, 4), (0.8, 4), (0.1, 0.9)), dtypes=SCIPY_FLOATS), ulps=512,
)  # fmt: skip


@public(family="special")
def gammaincinv(a: TensorLike, y: TensorLike) -> Tensor:
    """Return the `x` whose `gammainc` is `y`, element by element; see `gamma`.

    Parameters
    ----------
    a : tensor or array_like
        The shape, above 0.
    y : tensor or array_like
        A probability.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([0.25, 0.5])
    >>> df.evaluate(df.special.gammaincinv(2.0, y)).round(4)
    array([0.9613, 1.6783], dtype=float32)
    """
    return call_scipy(GAMMAINCINV, a, y)


@public(family="special")
def gammainccinv(a: TensorLike, y: TensorLike) -> Tensor:
    """Return the `x` whose `gammaincc` is `y`, element by element; see `gammaincinv`.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([0.25, 0.5])
    >>> df.evaluate(df.special.gammainccinv(2.0, y)).round(4)
    array([2.6926, 1.6783], dtype=float32)
    """
    return call_scipy(GAMMAINCCINV, a, y)


@public(family="special")
def betaincinv(a: TensorLike, b: TensorLike, y: TensorLike) -> Tensor:
    """Return the `x` whose `betainc` is `y`, element by element; see `gamma`.

    Parameters
    ----------
    a, b : tensor or array_like
        The shapes, above 0.
    y : tensor or array_like
        A probability.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([0.25, 0.5])
    >>> df.evaluate(df.special.betaincinv(2.0, 3.0, y)).round(4)
    array([0.243 , 0.3857], dtype=float32)
    """
    return call_scipy(BETAINCINV, a, b, y)
