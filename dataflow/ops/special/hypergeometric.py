"""Hypergeometric functions of real numbers. They need SciPy.

By their argument, from DLMF 13.3.15 and 15.5.1; derivatives by the parameters are refused:

    1F1(a; b; x)' = a/b 1F1(a + 1; b + 1; x)
    2F1(a, b; c; x)' = ab/c 2F1(a + 1, b + 1; c + 1; x)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, refused, scipy_op
from dataflow.sampling import ranges

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["hyp1f1", "hyp2f1"]


def _hyp1f1_slope(application: Application, change: Tensor) -> Tensor:
    a, b, x = application.inputs
    return change * (hyp1f1(a + 1, b + 1, x) * (a / b))


def _hyp2f1_slope(application: Application, change: Tensor) -> Tensor:
    a, b, c, z = application.inputs
    return change * (hyp2f1(a + 1, b + 1, c + 1, z) * (a * b / c))


_BY_PARAMETER = refused("there is no formula for the derivative by a parameter")

HYP1F1 = scipy_op(
    "hyp1f1", "Hyp1f1", (_BY_PARAMETER, _BY_PARAMETER, _hyp1f1_slope),
    samples=ranges(((0.5, 2), (1, 3), (-2, 2)), dtypes=SCIPY_FLOATS), ulps=64,
)  # fmt: skip
HYP2F1 = scipy_op(
    "hyp2f1", "Hyp2f1", (_BY_PARAMETER, _BY_PARAMETER, _BY_PARAMETER, _hyp2f1_slope),
    samples=ranges(((0.5, 2), (0.5, 2), (2.2, 4), (-0.8, 0.8)), dtypes=SCIPY_FLOATS), ulps=64,
)  # fmt: skip


@public(family="special")
def hyp1f1(a: TensorLike, b: TensorLike, x: TensorLike) -> Tensor:
    """Return the confluent hypergeometric function 1F1, element by element; see `gamma`.

    Parameters
    ----------
    a, b : tensor or array_like
        Parameters. There is no derivative by them: asking raises `GradientError`.
    x : tensor or array_like
        Real numbers of a shape that broadcasts with theirs.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.hyp1f1(1.0, 2.0, x)).round(4)
    array([1.    , 1.7183], dtype=float32)
    """
    return call_scipy(HYP1F1, a, b, x)


@public(family="special")
def hyp2f1(a: TensorLike, b: TensorLike, c: TensorLike, z: TensorLike) -> Tensor:
    """Return Gauss's hypergeometric function 2F1, element by element; see `hyp1f1`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([0.0, 0.5])
    >>> df.evaluate(df.special.hyp2f1(1.0, 1.0, 2.0, z)).round(4)
    array([1.    , 1.3863], dtype=float32)
    """
    return call_scipy(HYP2F1, a, b, c, z)
