"""Inverses: of the error functions, and of the normal distribution's function. They need SciPy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.elementary import exp
from dataflow.ops.powers import square
from dataflow.ops.special.normal import over_density
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, scipy_op
from dataflow.sampling import values

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["erfcinv", "erfinv", "ndtri"]


def _over_bell(application: Application, change: Tensor, sign: float = 1.0) -> Tensor:
    return change * (exp(square(application.outputs[0])) * (sign * math.sqrt(math.pi) / 2))


def _minus_over_bell(application: Application, change: Tensor) -> Tensor:
    return _over_bell(application, change, -1.0)


ERFINV = scipy_op("erfinv", "Erfinv", (_over_bell,), samples=values(-0.9, 0.9, dtypes=SCIPY_FLOATS))

ERFCINV = scipy_op(
    "erfcinv", "Erfcinv", (_minus_over_bell,), samples=values(0.1, 1.9, dtypes=SCIPY_FLOATS)
)

NDTRI = scipy_op("ndtri", "Ndtri", (over_density,), samples=values(0.05, 0.95, dtypes=SCIPY_FLOATS))


@public(family="special")
def erfinv(y: TensorLike) -> Tensor:
    """Return the `x` whose `erf` is `y`, element by element: ±inf at ±1, NaN outside.

    Parameters
    ----------
    y : tensor
        Floats of any shape; integers become floats, and those of 16 bits float32.

    Notes
    -----
    Compiling needs the extra ``scipy``, as for all functions here that name it.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([0.0, 0.5])
    >>> df.evaluate(df.special.erfinv(y)).round(4)
    array([0.    , 0.4769], dtype=float32)
    """
    return call_scipy(ERFINV, y)


@public(family="special")
def erfcinv(y: TensorLike) -> Tensor:
    """Return the `x` whose `erfc` is `y`, element by element; see `erfinv`.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([0.2, 0.5])
    >>> df.evaluate(df.special.erfcinv(y)).round(4)
    array([0.9062, 0.4769], dtype=float32)
    """
    return call_scipy(ERFCINV, y)


@public(family="special")
def ndtri(p: TensorLike) -> Tensor:
    """Return the `x` whose `ndtr` is `p`, element by element; see `erfinv`.

    Examples
    --------
    >>> import dataflow as df
    >>> p = df.GraphBuilder().constant([0.5, 0.975])
    >>> df.evaluate(df.special.ndtri(p)).round(4)
    array([0.  , 1.96], dtype=float32)
    """
    return call_scipy(NDTRI, p)
