"""The error function in NumPy alone: erf(x) = 2/√π ∫ exp(-t²) dt from 0 to x.

Two rational functions, of which a mask takes the one that holds, since NumPy has no branches:

    |x| < 0.84375      x + x P(x²) / Q(x²)
    otherwise          ±(1 - exp(-x²) P(|x|) / Q(|x|))

The first is fdlibm's (s_erf.c, Sun Microsystems 1993). The second is W. J. Cody's, "Rational
Chebyshev approximations for the error function", Mathematics of Computation 23 (1969) 631-637,
as in his CALERF of SPECFUN. He gives it for erfc up to 4; we use it up to 6, where erfc is less
than half a unit in the last place of erf, so that its own error doesn't count any more.

Floats of 16 bits are computed in 32. Errors are at most 2 units in the last place.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dataflow.calling import unary
from dataflow.dispatch import public
from dataflow.elementwise import call_into, choose_call, composite, scalars
from dataflow.operation import Workspace
from dataflow.ops.elementary import exp
from dataflow.ops.powers import square
from dataflow.sampling import joined, values
from dataflow.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["erf"]

_SPLIT, _LAST = 0.84375, 6.0

# Numerator and denominator, from the highest power down.
_Form: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]
SMALL: _Form = (
    (-2.37630166566501626084e-5, -5.77027029648944159157e-3, -2.84817495755985104766e-2,
     -3.25042107247001499370e-1, 1.28379167095512558561e-1),
    (-3.96022827877536812320e-6, 1.32494738004321644526e-4, 5.08130628187576562776e-3,
     6.50222499887672944485e-2, 3.97917223959155352819e-1, 1.0),
)  # fmt: skip
_LARGE: _Form = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
     1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3,
     1.23033935480374942e3),
)  # fmt: skip


def working_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype in which erf and what is made of it are computed."""
    return np.result_type(dtype, np.float32)


def erf_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return the scratch of `erf_calls`: a mask, four arrays to compute in, and one for `x`."""
    shape = specs[0].shape
    working = Spec(shape, working_dtype(specs[0].dtype))
    return Workspace((Spec(shape, np.dtype(np.bool_)), *[working] * 5))


def erf_calls(x: np.ndarray, scratch: Arrays) -> list[Call]:
    """Return the calls that compute erf of `x`, in the working dtype, into ``scratch[1]``.

    `x` may be ``scratch[5]``.
    """
    small, result, power, p, q = scratch[:5]
    split, last, one, minus = scalars(result.dtype, _SPLIT, _LAST, 1, -1)
    return [
        (np.absolute, (x, power)),
        (np.less, (power, split, small)),
        call_into(np.minimum, (power, last), power),
        *rational(power, _LARGE, p, q, result),
        (np.multiply, (power, power, power)),
        (np.multiply, (power, minus, p)),
        (np.exp, (p, p)),
        (np.multiply, (result, p, result)),
        (np.subtract, (one, result, result)),
        (np.copysign, (result, x, result)),
        *rational(power, SMALL, p, q, p),
        (np.multiply, (p, x, p)),
        (np.add, (p, x, p)),
        choose_call(result, small, p),
    ]


def rational(
    x: np.ndarray, form: _Form, p: np.ndarray, q: np.ndarray, out: np.ndarray
) -> list[Call]:  # fmt: skip
    """Return the calls for a quotient of polynomials."""
    above, below = form
    return [*polynomial(x, above, p), *polynomial(x, below, q), (np.divide, (p, q, out))]


def polynomial(x: np.ndarray, coefficients: Sequence[float], out: np.ndarray) -> list[Call]:
    """Return the calls of Horner's scheme; a leading 1 saves a product."""
    first, second, *rest = scalars(x.dtype, *coefficients)
    calls: list[Call] = [(np.add, (x, second, out))]
    if coefficients[0] != 1:
        calls = [(np.multiply, (x, first, out)), (np.add, (out, second, out))]
    for coefficient in rest:
        calls += [(np.multiply, (out, x, out)), (np.add, (out, coefficient, out))]
    return calls


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (x,), (out,), wide = ins, outs, scratch[5]
    calls: list[Call] = []
    if x.dtype != wide.dtype:
        calls, x = [(wide.__setitem__, (..., x))], wide
    return [*calls, *erf_calls(x, scratch), (out.__setitem__, (..., scratch[1]))]


_each_erf = np.frompyfunc(math.erf, 1, 1)


def erf_reference(x: np.ndarray) -> np.ndarray:
    """Return erf by Python's own function, element by element."""
    return np.asarray(_each_erf(x), x.dtype)


def _reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    return erf_reference(arrays[0])


def _bell(application: Application, change: Tensor) -> Tensor:
    return change * (exp(-square(application.inputs[0])) * (2 / math.sqrt(math.pi)))


ERF = composite(
    "erf", "Erf", _kernel, _reference, (_bell,), inplace=(0,), flops=70, workspace=erf_workspace,
    samples=joined(values(-2, 2), values(-8, 8, smooth=False)),
)  # fmt: skip


@public()
def erf(x: TensorLike) -> Tensor:
    """Return the error function, ``2/√π ∫ exp(-t²) dt`` from 0 to x, element by element.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.

    Returns
    -------
    Tensor
        Between -1 and 1; NaN at NaN.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.5, 10.0])
    >>> df.evaluate(df.erf(x)).round(4)
    array([0.    , 0.5205, 1.    ], dtype=float32)
    """
    return unary(ERF, np.tanh, x)  # promoted as tanh is: there is no ufunc
