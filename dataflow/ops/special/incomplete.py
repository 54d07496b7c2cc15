"""The incomplete gamma and beta functions, regularised. They need SciPy.

Their derivatives by the upper limit are their integrands; those by their shapes are integrals of
their own, see `gamma_moments`
and `beta_moments`.
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

__all__ = ["betainc", "gammainc", "gammaincc"]


def _gamma_by_shape(application: Application, change: Tensor) -> Tensor:
    a, x = application.inputs
    return change * gamma_moment(a, x, 1)


def _minus_gamma_by_shape(application: Application, change: Tensor) -> Tensor:
    return -_gamma_by_shape(application, change)


def _gamma_by_limit(application: Application, change: Tensor) -> Tensor:
    return change * gamma_density(*application.inputs)


def _minus_gamma_by_limit(application: Application, change: Tensor) -> Tensor:
    return -_gamma_by_limit(application, change)


def _beta_by_shape(application: Application, change: Tensor, orders: tuple[int, int]) -> Tensor:
    a, b, x = application.inputs
    return change * beta_moment(a, b, x, orders)


def _beta_by_limit(application: Application, change: Tensor) -> Tensor:
    return change * beta_density(*application.inputs)


_SHAPE_AND_LIMIT = ranges(((0.5, 4), (0.5, 5)), dtypes=SCIPY_FLOATS)

GAMMAINC = scipy_op(
    "gammainc", "Gammainc", (_gamma_by_shape, _gamma_by_limit), samples=_SHAPE_AND_LIMIT
)
GAMMAINCC = scipy_op(
    "gammaincc", "Gammaincc", (_minus_gamma_by_shape, _minus_gamma_by_limit),
    samples=_SHAPE_AND_LIMIT,
)  # fmt: skip
BETAINC = scipy_op(
    "betainc", "Betainc",
    (partial(_beta_by_shape, orders=(1, 0)), partial(_beta_by_shape, orders=(0, 1)),
     _beta_by_limit),
    samples=ranges(((0.5, 4), (0.5, 4), (0.1, 0.9)), dtypes=SCIPY_FLOATS),
    ulps=512,  # SciPy's loop in float32
)  # fmt: skip


@public(family="special")
def gammainc(a: TensorLike, x: TensorLike) -> Tensor:
    """Return the regularised lower incomplete gamma function, element by element; see `gamma`.

    Parameters
    ----------
    a : tensor or array_like
        The shape, above 0.
    x : tensor or array_like
        The upper limit, 0 or more.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.gammainc(2.0, x)).round(4)
    array([0.2642, 0.594 ], dtype=float32)
    """
    return call_scipy(GAMMAINC, a, x)


@public(family="special")
def gammaincc(a: TensorLike, x: TensorLike) -> Tensor:
    """Return ``1 - gammainc(a, x)``, with its digits where it is small; see `gammainc`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.gammaincc(2.0, x)).round(4)
    array([0.7358, 0.406 ], dtype=float32)
    """
    return call_scipy(GAMMAINCC, a, x)


@public(family="special")
def betainc(a: TensorLike, b: TensorLike, x: TensorLike) -> Tensor:
    """Return the regularised incomplete beta function, element by element; see `gamma`.

    Parameters
    ----------
    a, b : tensor or array_like
        The shapes, above 0.
    x : tensor or array_like
        The upper limit, between 0 and 1.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.25, 0.5])
    >>> df.evaluate(df.special.betainc(2.0, 3.0, x)).round(4)
    array([0.2617, 0.6875], dtype=float32)
    """
    return call_scipy(BETAINC, a, b, x)
