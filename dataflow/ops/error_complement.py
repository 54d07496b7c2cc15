"""The complementary error function in NumPy alone: erfc(x) = 1 - erf(x), with all its digits.

Two forms, of which a mask takes the one that holds, since NumPy has no branches:

    |x| < 0.65         1 - erf(x), by the first form of `error_function`
    otherwise          exp(-x²) erfcx(|x|), and 2 minus that for negative x

where erfcx(a) = exp(a²) erfc(a) has no branch at all: (1 + 2a) erfcx(a) is a polynomial in
q = (a - k) / (a + k), which runs from -1 to 1 as `a` does from 0 to infinity (M. M. Shepherd and
J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 <= x < ∞", Mathematics
of Computation 36 (1981) 249-253). Ours interpolates at 25 Chebyshev nodes, with k = 3.8125; it
is off by 6e-18 of itself at most.

Rounding x² would cost x² / 2 units in the last place of exp(-x²). What is lost in x * x, in
1 + 2a, in the quotient and in the product is therefore computed (T. J. Dekker, "A floating-point
technique for extending the available precision", Numerische Mathematik 18 (1971) 224-242) and
added at the end, so that only the polynomial, exp and this sum are rounded.

All is computed in 64 bits, for every dtype. Errors are at most 1.75 units in the last place of
float64 (the C library of GNU: 2.7), and half a unit of float32; a million points gave 1.64.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import unary
from dataflow.dispatch import public
from dataflow.elementwise import call_into, choose_call, composite, scalars
from dataflow.operation import Workspace
from dataflow.ops.elementary import exp
from dataflow.ops.error_function import SMALL, polynomial, rational
from dataflow.ops.powers import square
from dataflow.sampling import joined, values
from dataflow.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["erfc"]

_SPLIT = 0.65
_CENTRE = 3.8125
"""Where the error is about least, and floats hold the constant term best."""

_LAST = 27.5
"""From here on, exp(-a²) is 0."""

_FAR = 1e17
"""From here on, q is 1."""

_UPPER_25, _UPPER_26 = (np.asarray(2**64 - 2**n, np.uint64) for n in (28, 27))
"""What is left of a float are its 25 or 26 most significant bits."""

_SCALED = (
    3.3169320884341575e-10, 7.575291308720789e-10, -3.997368816044373e-09, -9.114069232293962e-09,
    3.081007839020033e-08, 6.352391398762728e-08, -2.2507371214207086e-07, -3.2540929830673164e-07,
    1.7436646566919427e-06, 7.101938852842646e-07, -1.346558252034872e-05, 1.4374206893357698e-05,
    8.064403782246675e-05, -0.00030065691533388405, 0.00011018532801048107, 0.002467910621566438,
    -0.011296473881016365, 0.03063056268465684, -0.06081432180410008, 0.09290774430809254,
    -0.10697124619072425, 0.0786243554631787, 0.0067388074508226365, -0.14015514677325858,
    1.2363539084541144,
)  # fmt: skip


def tail_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return the scratch of `erfcx_calls` and `erfc_calls`: a mask, and seven arrays."""
    shape = specs[0].shape
    return Workspace((Spec(shape, np.dtype(bool)), *[Spec(shape, np.dtype(np.float64))] * 7))


def erfcx_calls(a: np.ndarray, scratch: Sequence[np.ndarray]) -> list[Call]:
    """Return the calls for erfcx(a), of 0 and more, as a sum of two floats.

    Parameters
    ----------
    a : numpy.ndarray
        Float64.
    scratch : sequence of five numpy.ndarray
        The first becomes the upper 25 bits of erfcx, the second what is to be added.
    """
    r, low, q, p, divisor = scratch
    far, one, centre, last = scalars(a.dtype, _FAR, 1, _CENTRE, _SCALED[-1])
    return [
        call_into(np.minimum, (a, far), q),
        (np.add, (q, q, r)),
        (np.add, (r, one, divisor)),
        (np.subtract, (divisor, one, p)),
        (np.subtract, (p, r, low)),
        (np.add, (q, centre, p)),
        (np.subtract, (q, centre, q)),
        (np.divide, (q, p, q)),
        *polynomial(q, (*_SCALED[:-1], 0.0), p)[:-1],
        (np.add, (p, last, q)),
        (np.subtract, (q, last, r)),
        (np.subtract, (p, r, p)),
        *_quotient_calls(r, low, q, p, divisor),
    ]


def _quotient_calls(
    r: np.ndarray, low: np.ndarray, q: np.ndarray, p: np.ndarray, divisor: np.ndarray
) -> list[Call]:  # fmt: skip
    """Return the calls for (q + p) / (divisor - low), into ``r`` and ``low``.

    r takes 25 bits of the quotient, and its products with the two halves of the divisor are exact.
    """
    return [
        (np.divide, (q, divisor, r)),
        upper_call(r, _UPPER_25, r),
        (np.multiply, (low, r, low)),
        (np.add, (p, low, p)),
        upper_call(divisor, _UPPER_26, low),
        (np.multiply, (low, r, low)),
        (np.subtract, (q, low, q)),
        upper_call(divisor, _UPPER_26, low),
        (np.subtract, (divisor, low, low)),
        (np.multiply, (low, r, low)),
        (np.subtract, (q, low, q)),
        (np.add, (q, p, q)),
        (np.divide, (q, divisor, low)),
    ]


def upper_call(x: np.ndarray, mask: np.ndarray, out: np.ndarray) -> Call:
    """Return the call that keeps the bits of `x` that `mask` has."""
    return (np.bitwise_and, (x.view(mask.dtype), mask, out.view(mask.dtype)))


def erfc_calls(x: np.ndarray, scratch: Arrays, scale: float = 1.0) -> list[Call]:
    """Return the calls that compute erfc(scale * x), of float64 `x`, into ``scratch[1]``.

    `x` may be ``scratch[7]``. `scale` is 1 or ±√½: its square is a power of 2, so that the
    exponent is exact. `scale` 1 and -√½ give erfc, and twice the normal distribution's function.
    """
    mask, r, low, q, p, a, lost = scratch[:7]
    one, two, split = scalars(x.dtype, 1, 2, _SPLIT)
    signed, last, zero = scalars(x.dtype, scale, _LAST / abs(scale), 0)
    is_negative = np.less if scale > 0 else np.greater
    return [
        *_clipped_calls(x, last, abs(scale), a),
        *erfcx_calls(a, (r, low, q, p, lost)),
        (np.absolute, (x, a)),
        call_into(np.minimum, (a, last), a),
        *_power_calls(scale * scale, (r, low, q, p, a, lost)),
        (is_negative, (x, zero, mask)),
        (np.subtract, (two, r, q)),
        choose_call(r, mask, q),
        (np.multiply, (x, signed, a)),
        (np.absolute, (a, q)),
        (np.less, (q, split, mask)),
        call_into(np.minimum, (q, split), q),
        (np.multiply, (q, q, q)),
        *rational(q, SMALL, p, lost, p),
        (np.multiply, (p, a, p)),
        (np.add, (p, a, p)),
        (np.subtract, (one, p, p)),
        choose_call(r, mask, p),
    ]


def _clipped_calls(x: np.ndarray, last: np.ndarray, scale: float, a: np.ndarray) -> list[Call]:
    calls: list[Call] = [(np.absolute, (x, a)), call_into(np.minimum, (a, last), a)]
    return calls if scale == 1 else [*calls, (np.multiply, (a, *scalars(a.dtype, scale), a))]


def _power_calls(factor: float, scratch: Sequence[np.ndarray]) -> list[Call]:
    """Return the calls that multiply ``r + low`` by exp(-factor * a²), into ``r``.

    With ``a`` the sum of ``h``, its upper bits, and ``l``: a² - fl(a²) = h² - fl(a²) + 2hl + l².
    The product of the upper bits of both factors is exact, so that one addition rounds.
    """
    r, low, h, power, a, lost = scratch
    (minus,) = scalars(a.dtype, -factor)
    return [
        (np.multiply, (a, a, power)),
        upper_call(a, _UPPER_26, h),
        (np.subtract, (a, h, a)),
        (np.multiply, (h, h, lost)),
        (np.subtract, (lost, power, lost)),
        (np.add, (h, h, h)),
        (np.multiply, (h, a, h)),
        (np.add, (lost, h, lost)),
        (np.multiply, (a, a, a)),
        (np.add, (lost, a, lost)),
        (np.multiply, (lost, minus, lost)),
        (np.multiply, (power, minus, power)),
        (np.exp, (power, power)),
        (np.multiply, (lost, r, lost)),
        (np.add, (low, lost, low)),
        (np.multiply, (low, power, low)),
        upper_call(power, _UPPER_26, h),
        (np.subtract, (power, h, power)),
        (np.multiply, (power, r, power)),
        (np.add, (low, power, low)),
        (np.multiply, (r, h, r)),
        (np.add, (r, low, r)),
    ]


def widened(x: np.ndarray, wide: np.ndarray) -> tuple[list[Call], np.ndarray]:
    """Return the calls that copy `x` to 64 bits, and the copy; nothing where it has them."""
    return ([], x) if x.dtype == wide.dtype else ([(wide.__setitem__, (..., x))], wide)


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    calls, x = widened(ins[0], scratch[7])
    return [*calls, *erfc_calls(x, scratch), (outs[0].__setitem__, (..., scratch[1]))]


_each_erfc = np.frompyfunc(math.erfc, 1, 1)


def _reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(_each_erfc(arrays[0]), arrays[0].dtype)


def _minus_bell(application: Application, change: Tensor) -> Tensor:
    return change * (exp(-square(application.inputs[0])) * (-2 / math.sqrt(math.pi)))


ERFC = composite(
    "erfc", "Erfc", _kernel, _reference, (_minus_bell,),
    inplace=(0,), flops=100, workspace=tail_workspace,
    samples=joined(values(-2, 2), values(-8, 28, smooth=False)),
)  # fmt: skip


@public()
def erfc(x: TensorLike) -> Tensor:
    """Return ``1 - erf(x)``, element by element, with all its digits where erf is close to 1.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.

    Returns
    -------
    Tensor
        Between 0 and 2; NaN at NaN.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.5, 9.0])
    >>> df.evaluate(df.erfc(x))
    array([1.0000000e+00, 4.7950011e-01, 4.1370317e-37], dtype=float32)
    """
    return unary(ERFC, np.tanh, x)  # promoted as tanh is: there is no ufunc
