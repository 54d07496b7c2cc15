"""The normal distribution's functions, of NumPy alone, all made of `erfcx_calls`.

ndtr(x) = erfc(-x/√2) / 2, where the exponent is -x²/2, exact; in float32 by the tail that gelu has
log_ndtr(x) = log1p(-erfc(x/√2) / 2) for x > 0, and log(erfcx(-x/√2) / 2) - x²/2 below
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import unary
from dataflow.dispatch import public
from dataflow.elementwise import call_into, choose_call, composite, scalars
from dataflow.ops.elementary import exp
from dataflow.ops.error_complement import (
    erfc_calls,
    erfcx_calls,
    tail_workspace,
    widened,
)
from dataflow.ops.gaussian_gate import above_calls, gate_workspace, mirror_calls, tail_calls
from dataflow.ops.gaussian_gate import widened as widened_gate
from dataflow.ops.powers import square
from dataflow.ops.special.tail_slopes import tail_slope
from dataflow.sampling import joined, values

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call, Specs, Workspace
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["erfcx", "log_ndtr", "ndtr"]

_ROOT_HALF = math.sqrt(0.5)

_FAR = 1e9
"""From here on, erfcx(x) is 1 / (x √π): what follows is 1 / (2x²) of it."""


# erfcx


def _erfcx_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the calls; for negative x, erfcx(x) = 2 exp(x²) - erfcx(-x)."""
    calls, x = widened(ins[0], scratch[7])
    mask, r, low, q, p, a, divisor = scratch[:7]
    two, zero, far, slope = scalars(x.dtype, 2, 0, _FAR, 1 / math.sqrt(math.pi))
    return [
        *calls,
        (np.absolute, (x, a)),
        *erfcx_calls(a, (r, low, q, p, divisor)),
        (np.add, (r, low, r)),
        call_into(np.minimum, (x, zero), p),
        (np.multiply, (p, p, p)),
        (np.exp, (p, p)),
        (np.multiply, (p, two, p)),
        (np.subtract, (p, r, p)),
        (np.less, (x, zero, mask)),
        choose_call(r, mask, p),
        (np.greater, (x, far, mask)),
        call_into(np.maximum, (x, far), p),
        (np.divide, (slope, p, p)),
        choose_call(r, mask, p),
        (outs[0].__setitem__, (..., r)),
    ]


def _scaled(x: float) -> float:
    """Return erfcx of one number, by a continued fraction where erfc would be 0."""
    if x < 25:
        return math.exp(x * x) * math.erfc(x)
    fraction = x
    for k in range(20, 0, -1):
        fraction = x + k / 2 / fraction
    return 1 / (fraction * math.sqrt(math.pi))


def _erfcx_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(np.frompyfunc(_scaled, 1, 1)(arrays[0]), arrays[0].dtype)


def _erfcx_slope(application: Application, change: Tensor) -> Tensor:
    (x,), (y,) = application.inputs, application.outputs
    return change * tail_slope(x, y, 2 / math.sqrt(math.pi), 1)


ERFCX = composite(
    "special.erfcx", "Erfcx", _erfcx_kernel, _erfcx_reference, (_erfcx_slope,),
    inplace=(0,), flops=80,
    workspace=tail_workspace, samples=joined(values(-1.5, 2), values(0, 40, smooth=False)),
)  # fmt: skip


@public(family="special")
def erfcx(x: TensorLike) -> Tensor:
    """Return ``exp(x ** 2) * erfc(x)``, element by element, where neither factor is a float.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.

    Returns
    -------
    Tensor
        Close to ``1 / (x √π)`` for large `x`; inf below -26.7.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 100.0])
    >>> df.evaluate(df.special.erfcx(x)).round(6)
    array([1.      , 0.005642], dtype=float32)
    """
    return unary(ERFCX, np.tanh, x)


# ndtr


def _ndtr_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    is_wide = specs[0].dtype == np.float64
    return tail_workspace(specs, attrs) if is_wide else gate_workspace(specs, attrs)


def _ndtr_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    if ins[0].dtype != np.float64:
        return _narrow_ndtr_calls(outs[0], ins[0], scratch)
    calls, x = widened(ins[0], scratch[7])
    result, (half,) = scratch[1], scalars(x.dtype, 0.5)
    return [
        *calls,
        *erfc_calls(x, scratch, -_ROOT_HALF),
        (np.multiply, (result, half, result)),
        (outs[0].__setitem__, (..., result)),
    ]


def _narrow_ndtr_calls(out: np.ndarray, x: np.ndarray, scratch: Arrays) -> list[Call]:
    """Return the calls in 32 bits, off by some units in the last place: a quarter of the time."""
    calls, x = widened_gate(x, scratch)
    a, tail, p, q, above = scratch[:5]
    return [
        *calls,
        *tail_calls(x, a, tail, p, q, above),
        *above_calls(x, p, above),
        *mirror_calls(above, tail, p, q, out),
    ]


def _ndtr_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    each = np.frompyfunc(lambda x: math.erfc(-x * _ROOT_HALF) / 2, 1, 1)
    return np.asarray(each(arrays[0].astype(np.float64)), arrays[0].dtype)


def _density(application: Application, change: Tensor) -> Tensor:
    return change * (exp(square(application.inputs[0]) * -0.5) * (1 / math.sqrt(2 * math.pi)))


def over_density(application: Application, change: Tensor) -> Tensor:
    """Return how a quantile of the normal distribution changes with its probability."""
    return change * (exp(square(application.outputs[0]) * 0.5) * math.sqrt(2 * math.pi))


NDTR = composite(
    "special.ndtr", "Ndtr", _ndtr_kernel, _ndtr_reference, (_density,), inplace=(0,), flops=100,
    workspace=_ndtr_workspace, samples=joined(values(-2, 2), values(-38, 9, smooth=False)),
)  # fmt: skip


@public(family="special")
def ndtr(x: TensorLike) -> Tensor:
    """Return the probability that a standard normal draw is below `x`, element by element.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.

    Returns
    -------
    Tensor
        Between 0 and 1, with all digits of small probabilities.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.ndtr(x)).round(4)
    array([0.5   , 0.8413], dtype=float32)
    """
    return unary(NDTR, np.tanh, x)


# log_ndtr


def _log_ndtr_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    calls, x = widened(ins[0], scratch[7])
    mask, r, low, q, p, a, divisor = scratch[:7]
    scale, half, zero, minus = scalars(x.dtype, _ROOT_HALF, 0.5, 0, -1)
    return [
        *calls,
        (np.absolute, (x, a)),
        (np.multiply, (a, scale, a)),
        *erfcx_calls(a, (r, low, q, p, divisor)),
        (np.add, (r, low, r)),
        (np.multiply, (r, half, r)),
        (np.multiply, (x, x, q)),
        (np.multiply, (q, half, q)),
        (np.log, (r, p)),
        (np.subtract, (p, q, p)),  # the result for x < 0
        (np.multiply, (q, minus, q)),
        (np.exp, (q, q)),
        (np.multiply, (q, r, q)),
        (np.multiply, (q, minus, q)),
        (np.log1p, (q, q)),
        (np.greater, (x, zero, mask)),
        choose_call(p, mask, q),
        (outs[0].__setitem__, (..., p)),
    ]


def _log_ndtr_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(np.frompyfunc(_log_below, 1, 1)(arrays[0]), arrays[0].dtype)


def _log_below(x: float) -> float:
    x = float(x)
    if x > 0:
        return math.log1p(-math.erfc(x * _ROOT_HALF) / 2)
    return math.log(_scaled(-x * _ROOT_HALF) / 2) - x * x / 2


def _log_slope(application: Application, change: Tensor) -> Tensor:
    """Return the density over the probability, with neither: √(2/π) / erfcx(-x/√2)."""
    return change * (math.sqrt(2 / math.pi) / erfcx(application.inputs[0] * -_ROOT_HALF))


LOG_NDTR = composite(
    "special.log_ndtr", "LogNdtr", _log_ndtr_kernel, _log_ndtr_reference, (_log_slope,),
    inplace=(0,), flops=110,
    workspace=tail_workspace, samples=joined(values(-3, 2), values(-100, 9, smooth=False)),
)  # fmt: skip


@public(family="special")
def log_ndtr(x: TensorLike) -> Tensor:
    """Return ``log(ndtr(x))``, element by element, finite where `ndtr` is 0, exact where it is 1.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, -100.0])
    >>> df.evaluate(df.special.log_ndtr(x)).round(2)
    array([-6.90000e-01, -5.00552e+03], dtype=float32)
    """
    return unary(LOG_NDTR, np.tanh, x)
