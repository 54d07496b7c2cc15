"""Student's distribution function. It needs SciPy.

F(t; ν) = ½ + sgn(t)/2 (1 - I_w(ν/2, ½)), w = ν / (ν + t²), and I the incomplete beta function. Its
derivative by t is the density, and the one by ν follows from those of I, see `beta_moments`. The
moment M₁₀ of I_w is -M₀₁ of the mirrored I_(1-w)(½, ν/2), which has its digits for w close to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.arithmetic import sign
from dataflow.ops.comparison import greater
from dataflow.ops.elementary import exp, log1p
from dataflow.ops.powers import square
from dataflow.ops.selection import where
from dataflow.ops.special.beta_moments import beta_moment
from dataflow.ops.special.betas import betaln
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, scipy_op
from dataflow.sampling import joined, ranges

if TYPE_CHECKING:
    from dataflow.op import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["stdtr"]


def _density(df: Tensor, t: Tensor) -> Tensor:
    half = df * 0.5
    log_bell = (half + 0.5) * log1p(square(t) / df)
    return exp(-log_bell - betaln(half, half * 0 + 0.5)) / df**0.5


def _by_argument(application: Application, change: Tensor) -> Tensor:
    df, t = application.inputs
    return change * _density(df, t)


def _by_freedom(application: Application, change: Tensor) -> Tensor:
    df, t = application.inputs
    squared = square(t)
    is_far = greater(squared, df)
    w, rest = df / (df + squared), squared / (df + squared)
    half = df * 0.5
    root = half * 0 + 0.5
    far = beta_moment(half, root, where(is_far, w, 0.5), (1, 0))
    near = beta_moment(root, half, where(is_far, 0.5, rest), (0, 1))
    moment = where(is_far, far, -near) * 0.25
    return change * -(sign(t) * moment + t / df * _density(df, t) * 0.5)


_SIDES = joined(
    *(ranges(((1.5, 6), bounds), dtypes=SCIPY_FLOATS) for bounds in ((-4, -0.3), (0.3, 4)))
)

STDTR = scipy_op("stdtr", "Stdtr", (_by_freedom, _by_argument), samples=_SIDES, ulps=64)


@public(family="special")
def stdtr(df: TensorLike, t: TensorLike) -> Tensor:
    """Return the probability that a draw of Student's distribution is below `t`; see `gamma`.

    Parameters
    ----------
    df : tensor or array_like
        The degrees of freedom, above 0; not whole, if one likes.
    t : tensor or array_like
        Real numbers of a shape that broadcasts with it.

    Examples
    --------
    >>> import dataflow as df
    >>> t = df.GraphBuilder().constant([0.0, 1.0, -2.0])
    >>> df.evaluate(df.special.stdtr(3.0, t)).round(4)
    array([0.5   , 0.8045, 0.0697], dtype=float32)
    """
    return call_scipy(STDTR, df, t)
