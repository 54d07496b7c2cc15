"""The beta function and its logarithm. They need SciPy.

Their derivatives by `a` are B (ψ(a) - ψ(a + b)) and ψ(a) - ψ(a + b), and likewise by `b`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.special.gammas import psi
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, scipy_op
from dataflow.sampling import ranges

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["beta", "betaln"]


def _beta_map(application: Application, change: Tensor, slot: int) -> Tensor:
    a, b = application.inputs
    return change * (application.outputs[0] * _betaln_slope(a, b, slot))


def _betaln_map(application: Application, change: Tensor, slot: int) -> Tensor:
    a, b = application.inputs
    return change * _betaln_slope(a, b, slot)


def _betaln_slope(a: Tensor, b: Tensor, slot: int) -> Tensor:
    return psi((a, b)[slot]) - psi(a + b)


_BOTH = ranges(((0.5, 4), (0.5, 4)), dtypes=SCIPY_FLOATS)

BETA = scipy_op(
    "beta", "Beta", (partial(_beta_map, slot=0), partial(_beta_map, slot=1)), samples=_BOTH
)
BETALN = scipy_op(
    "betaln", "Betaln", (partial(_betaln_map, slot=0), partial(_betaln_map, slot=1)), samples=_BOTH
)


@public(family="special")
def beta(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the beta function, ``Γ(a) Γ(b) / Γ(a + b)``, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.beta(a, 3.0)).round(4)
    array([0.3333, 0.0833], dtype=float32)
    """
    return call_scipy(BETA, a, b)


@public(family="special")
def betaln(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the logarithm of the size of the beta function, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.betaln(a, 3.0)).round(4)
    array([-1.0986, -2.4849], dtype=float32)
    """
    return call_scipy(BETALN, a, b)
