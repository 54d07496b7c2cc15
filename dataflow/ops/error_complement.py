"""The complementary error function in NumPy alone: erfc(x) = 1 - erf(x), with all its digits.

Two forms, of which a mask takes the one that holds, since NumPy has no branches:

    |x| < 0.65         1 - erf(x), by the first form of `error_function`
    otherwise          exp(-x²) erfcx(|x|), and 2 minus that for negative x

where erfcx(a) = exp(a²) erfc(a) has no branch at all: (1 + 2a) erfcx(a) is a polynomial in
q = (a - k) / (a + k), which runs from -1 to 1 as `a` does from 0 to infinity (M. M. Shepherd and
J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 <= x < ∞", Mathematics
of Computation 36 (1981) 249-253). Ours interpolates at 25 Chebyshev nodes, with k = 3.8125; it
is off by 6e-18 of itself at most.

Rounding x² would cost x² / 2 units in the last place of exp(-x²). What is lost in x * x and in
1 + 2a is therefore computed (T. J. Dekker, "A floating-point technique for extending the available
precision", Numerische Mathematik 18 (1971) 224-242) and put back at the end, as r + r * correction.

All is computed in 64 bits, for every dtype. Errors are at most 2.5 units in the last place of
float64 (the C library of GNU: 2.7), and half a unit of float32.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import unary
from dataflow.dispatch import public
from dataflow.elementwise import call_into, choose_call, composite, scalars
from dataflow.op import Workspace
from dataflow.ops.elementary import exp
from dataflow.ops.error_function import SMALL, polynomial, rational
from dataflow.ops.powers import square
from dataflow.sampling import joined, values
from dataflow.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.op import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["erfc"]

_SPLIT = 0.65
_CENTRE = 3.8125
"""Where the error is about least, and floats hold the constant term best."""

_LAST = 27.5
"""From here on, exp(-a²) is 0."""

_FAR = 1e17
"""From here on, q is 1."""

_UPPER_BITS = np.asarray(~(2**27 - 1) & (2**64 - 1), np.uint64)
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
    """Return the calls for erfcx(a), of 0 and more, and what to correct it by.

    Parameters
    ----------
    a : numpy.ndarray
        Float64.
    scratch : sequence of four numpy.ndarray
        The first becomes erfcx to three roundings, ``r``, and the second a correction ``c``, so
        that ``r + r * c`` is closer.
    """
    r, correction, q, p = scratch
    far, one, centre, last = scalars(a.dtype, _FAR, 1, _CENTRE, _SCALED[-1])
    return [
        call_into(np.minimum, (a, far), q),
        (np.add, (q, q, r)),
        (np.add, (r, one, correction)),
        (np.subtract, (correction, one, p)),
        (np.subtract, (p, r, p)),
        (np.divide, (p, correction, correction)),
        (np.add, (q, centre, p)),
        (np.subtract, (q, centre, q)),
        (np.divide, (q, p, q)),
        *polynomial(q, (*_SCALED[:-1], 0.0), p)[:-1],
        (np.add, (p, last, q)),
        (np.subtract, (q, last, r)),
        (np.subtract, (p, r, p)),
        (np.divide, (p, q, p)),
        (np.add, (correction, p, correction)),
        (np.add, (a, a, r)),
        (np.add, (r, one, r)),
        (np.divide, (q, r, r)),
    ]


def erfc_calls(x: np.ndarray, scratch: Arrays, scale: float = 1.0) -> list[Call]:
    """Return the calls that compute erfc(scale * x), of float64 `x`, into ``scratch[1]``.

    `x` may be ``scratch[7]``. `scale` is 1 or ±√½: its square is a power of 2, so that the
    exponent is exact. `scale` 1 and -√½ give erfc, and twice the normal distribution's function.
    """
    mask, r, correction, q, p, a, lost = scratch[:7]
    one, two, split = scalars(x.dtype, 1, 2, _SPLIT)
    signed, last, zero = scalars(x.dtype, scale, _LAST / abs(scale), 0)
    is_negative = np.less if scale > 0 else np.greater
    return [
        *_clipped_calls(x, last, abs(scale), a),
        *erfcx_calls(a, (r, correction, q, p)),
        (np.absolute, (x, a)),
        call_into(np.minimum, (a, last), a),
        *_power_calls(scale * scale, (r, correction, q, p, a, lost)),
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
    """Return the calls that multiply ``r`` by exp(-factor * a²) and apply all corrections.

    With ``a`` the sum of ``h``, its upper bits, and ``l``: a² - fl(a²) = h² - fl(a²) + 2hl + l².
    """
    r, correction, h, power, a, lost = scratch
    (minus,) = scalars(a.dtype, -factor)
    return [
        (np.multiply, (a, a, power)),
        (np.bitwise_and, (a.view(np.uint64), _UPPER_BITS, h.view(np.uint64))),
        (np.subtract, (a, h, a)),
        (np.multiply, (h, h, lost)),
        (np.subtract, (lost, power, lost)),
        (np.add, (h, h, h)),
        (np.multiply, (h, a, h)),
        (np.add, (lost, h, lost)),
        (np.multiply, (a, a, a)),
        (np.add, (lost, a, lost)),
        (np.multiply, (lost, minus, lost)),
        (np.add, (correction, lost, correction)),
        (np.multiply, (power, minus, power)),
        (np.exp, (power, power)),
        (np.multiply, (r, power, r)),
        *corrected_calls(r, correction),
    ]


def corrected_calls(r: np.ndarray, correction: np.ndarray) -> list[Call]:
    """Return the calls for r + r * correction."""
    return [(np.multiply, (correction, r, correction)), (np.add, (r, correction, r))]


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
    "erfc", "Erfc", _kernel, _reference, (_minus_bell,), flops=100, workspace=tail_workspace,
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
