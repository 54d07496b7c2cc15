"""gelu and its derivative, of floats of 32 and 64 bits, by the normal distribution's tail.

With t(a) the probability that a standard normal draw is above a, and b(a) its density,

    gelu(x) = x t(-x) = max(x, 0) - |x| t(|x|)
    its derivative = g(|x|) below 0 and 1 - g(|x|) above, where g(a) = t(a) - a b(a)

so that small results keep their digits. t(a) is exp(-a²/2) times a function without branches; see
`error_complement`. In float32 gelu is off by 6 units in the last place at most. Both together cost
little more than one of them.
"""

from __future__ import annotations

import math
from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply
from dataflow.elementwise import (
    batch_elementwise,
    call_into,
    composite,
    elementwise_cost,
    elementwise_tiling,
    scalars,
)
from dataflow.operation import Op, Workspace, register
from dataflow.ops.elementary import exp
from dataflow.ops.error_function import polynomial, working_dtype
from dataflow.ops.powers import square
from dataflow.sampling import joined, values
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = [
    "GELU", "GELU_SLOPE", "above_calls", "gate_workspace", "mirror_calls", "tail_calls", "widened",
]  # fmt: skip

_DENSITY = 1 / math.sqrt(2 * math.pi)

# Where q is (a - k) / (a + k), a polynomial in q is (1 + a) exp(a²/2) times the probability that a
# standard normal draw is above a, for a from 0 to infinity; see `error_complement`. Ours
# interpolate at Chebyshev nodes, and are off by 9e-9 and 3e-17 of themselves at most.
_TAILS: dict[str, tuple[float, tuple[float, ...]]] = {
    "f": (3.25, (
        -1.97895627e-05, 2.82971114e-05, 0.000177055515, -0.000234251112, -0.00112011643,
        0.00209017289, 0.00581804806, -0.0272890718, 0.0420900819, -0.00729527184, -0.0974741406,
        0.482171268)),
    "d": (4.0, (
        1.7569787339538164e-10, -6.736634571009946e-10, -2.599563802271586e-09,
        5.459373698638991e-09, 2.0208468930264034e-08, -1.789372651986133e-08,
        -1.1439312867331685e-07, -1.2919579985812396e-09, 5.547606949893862e-07,
        4.0676642733334854e-07, -2.61436294231482e-06, -3.4334009324152583e-06,
        1.3627374958716244e-05, 2.1250457860811776e-05, -8.78532981753416e-05,
        -9.443034215049712e-05, 0.0006948971208651091, -0.0002856230864018645,
        -0.005002378592400097, 0.017936097478834515, -0.0321978374280282, 0.028600364053578804,
        0.013999634724424469, -0.09670347732652608, 0.47205320650984467)),
}  # fmt: skip
_UPPER: dict[str, np.ndarray] = {
    "f": np.asarray(2**32 - 2**12, np.uint32), "d": np.asarray(2**64 - 2**27, np.uint64)
}  # fmt: skip
_GONE = {"f": 20.0, "d": 40.0}
"""From here on, exp(-a²/2) is 0."""


def gate_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return the scratch that these kernels share: five arrays, and the argument widened."""
    wide = Spec(specs[0].shape, working_dtype(specs[0].dtype))
    return Workspace((wide,) * (5 if wide == specs[0] else 6))


def size_calls(x: np.ndarray, a: np.ndarray) -> list[Call]:
    """Return the calls for the size of `x`, as far as exp(-x²/2) isn't 0."""
    (gone,) = scalars(x.dtype, _GONE[x.dtype.char])
    return [(np.absolute, (x, a)), call_into(np.minimum, (a, gone), a)]


def _gelu_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return _gate_calls(ins[0], scratch, outs[0], None)


def _slope_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return _gate_calls(ins[0], scratch, None, outs[0])


def _both_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return _gate_calls(ins[0], scratch, *outs)


def _gate_calls(
    x: np.ndarray, scratch: Arrays, gelu: np.ndarray | None, slope: np.ndarray | None
) -> list[Call]:
    """Return the calls for gelu and for its derivative, as far as they are wanted."""
    calls, x = widened(x, scratch)
    a, tail, p, q, above = scratch[:5]
    (density,) = scalars(x.dtype, _DENSITY)
    calls += tail_calls(x, a, tail, p, q, above)
    calls += above_calls(x, p, above)  # the last time that x is read
    if gelu is not None:
        calls += [(np.multiply, (a, tail, p)), *_ended(np.subtract, above, p, gelu)]
    if slope is not None:
        calls += [(np.multiply, (a, density, a)), (np.multiply, (a, q, a))]
        calls += [(np.subtract, (tail, a, tail)), *mirror_calls(above, tail, p, q, slope)]
    return calls


def widened(x: np.ndarray, scratch: Arrays) -> tuple[list[Call], np.ndarray]:
    """Return the calls that copy `x` to the working dtype, and the copy; none where it has it."""
    if len(scratch) < 6:
        return [], x
    return [(scratch[5].__setitem__, (..., x))], scratch[5]


def above_calls(x: np.ndarray, p: np.ndarray, above: np.ndarray) -> list[Call]:
    """Return the calls for the larger of `x` and 0, which keeps the sign of `x`."""
    (zero,) = scalars(x.dtype, 0)
    unsigned = _UPPER[x.dtype.char].dtype
    sign = np.asarray(1 << (8 * unsigned.itemsize - 1), unsigned)
    bits = above.view(unsigned)
    return [
        call_into(np.maximum, (x, zero), above),
        (np.bitwise_and, (x.view(unsigned), sign, p.view(unsigned))),
        (np.bitwise_or, (bits, p.view(unsigned), bits)),
    ]


def _ended(ufunc: np.ufunc, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> list[Call]:
    """Return the calls of a ufunc into `out`, by way of `b` where that is narrower."""
    if out.dtype == b.dtype:
        return [(ufunc, (a, b, out))]
    return [(ufunc, (a, b, b)), (out.__setitem__, (..., b))]


def mirror_calls(
    above: np.ndarray, tail: np.ndarray, p: np.ndarray, q: np.ndarray, out: np.ndarray
) -> list[Call]:
    """Return the calls for ``tail``, taken from 1 where `above` is more than 0; it is lost."""
    one, minus_two = scalars(tail.dtype, 1, -2)
    mask = q.reshape(-1).view(np.bool_)[: q.size].reshape(q.shape)
    return [
        (np.greater, (above, above.dtype.type(0), mask)),
        (p.__setitem__, (..., mask)),
        (np.multiply, (p, minus_two, q)),
        (np.add, (q, one, q)),
        (np.multiply, (tail, q, tail)),
        *_ended(np.add, p, tail, out),
    ]


def tail_calls(
    x: np.ndarray, a: np.ndarray, tail: np.ndarray, p: np.ndarray, q: np.ndarray, r: np.ndarray
) -> list[Call]:
    """Return the calls for `a` = |x|, ``tail`` = P(draw > a) and `q` = exp(-a²/2)."""
    return [
        *size_calls(x, a),
        *_scaled_calls(a, tail, p, q),
        *_bell_calls(a, p, q, r),
        (np.multiply, (tail, q, tail)),
    ]


def _scaled_calls(a: np.ndarray, tail: np.ndarray, p: np.ndarray, q: np.ndarray) -> list[Call]:
    """Return the calls for exp(a²/2) P(draw > a)."""
    k, form = _TAILS[a.dtype.char]
    centre, one = scalars(a.dtype, k, 1)
    return [
        (np.add, (a, centre, p)),
        (np.subtract, (a, centre, q)),
        (np.divide, (q, p, q)),
        *polynomial(q, form, tail),
        (np.add, (a, one, p)),
        (np.divide, (tail, p, tail)),
    ]


def _bell_calls(a: np.ndarray, p: np.ndarray, q: np.ndarray, r: np.ndarray) -> list[Call]:
    """Return the calls for exp(-a²/2), into ``q``.

    With h the upper bits of a, that is exp(-h²/2) exp(-(a - h) (a + h) / 2), where h² is exact.
    """
    (minus_half,) = scalars(a.dtype, -0.5)
    upper = _UPPER[a.dtype.char]
    return [
        (np.bitwise_and, (a.view(upper.dtype), upper, p.view(upper.dtype))),
        (np.subtract, (a, p, q)),
        (np.add, (a, p, r)),
        (np.multiply, (q, r, q)),
        (np.multiply, (q, minus_half, q)),
        (np.exp, (q, q)),
        (np.multiply, (p, p, p)),
        (np.multiply, (p, minus_half, p)),
        (np.exp, (p, p)),
        (np.multiply, (p, q, q)),
    ]


def _gelu(x: float) -> float:
    size = min(abs(x), 40.0)
    return math.copysign(max(x, 0.0) - size * _above(size), x)


def _above(a: float) -> float:
    return math.erfc(a * math.sqrt(0.5)) / 2


def _slope(x: float) -> float:
    size = min(abs(x), 40.0)
    share = _above(size) - size * math.exp(-size * size / 2) * _DENSITY
    return share if x < 0 else 1 - share


def _each(function: np.ufunc, x: np.ndarray) -> np.ndarray:
    return np.asarray(function(x.astype(np.float64)), x.dtype)


def _gelu_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    return _each(np.frompyfunc(_gelu, 1, 1), arrays[0])


def _slope_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    return _each(np.frompyfunc(_slope, 1, 1), arrays[0])


def _times_slope(application: Application, change: Tensor) -> Tensor:
    return change * apply(GELU_SLOPE, application.inputs)


def _times_curvature(application: Application, change: Tensor) -> Tensor:
    squared = square(application.inputs[0])
    return change * ((2 - squared) * (exp(squared * -0.5) * _DENSITY))


GELU = composite(
    "gelu", "Gelu", _gelu_kernel, _gelu_reference, (_times_slope,), inplace=(0,), flops=50,
    workspace=gate_workspace, united=("gelu_with_slope", 0),
    samples=joined(values(-3, 3), values(-12, 9, smooth=False)),
)  # fmt: skip

GELU_SLOPE = composite(
    "gelu_slope", "GeluSlope", _slope_kernel, _slope_reference, (_times_curvature,),
    inplace=(0,), flops=55, workspace=gate_workspace, united=("gelu_with_slope", 1),
    samples=joined(values(-3, -1), values(-0.5, 3)),
)  # fmt: skip


def _both_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (*GELU.infer(specs, attrs), *GELU_SLOPE.infer(specs, attrs))


def _both_vjp(
    application: Application, cotangents: tuple[Tensor | None, ...]
) -> list[Tensor | None]:  # fmt: skip
    both = zip((_times_slope, _times_curvature), cotangents, strict=True)
    parts = [linear(application, change) for linear, change in both if change is not None]
    return [reduce(add, parts)] if parts else [None]


def _both_jvp(
    application: Application, tangents: tuple[Tensor | None, ...]
) -> list[Tensor | None]:  # fmt: skip
    (change,) = tangents
    if change is None:
        return [None, None]
    return [_times_slope(application, change), _times_curvature(application, change)]


def _both_reference(*arrays: np.ndarray, attrs: Attrs) -> tuple[np.ndarray, np.ndarray]:
    return _gelu_reference(*arrays, attrs=attrs), _slope_reference(*arrays, attrs=attrs)


GELU_WITH_SLOPE = register(Op(
    name="gelu_with_slope", label="GeluWithSlope", infer=_both_infer, kernel=_both_kernel,
    reference=_both_reference, vjp=_both_vjp, jvp=_both_jvp, batch=batch_elementwise,
    tiling=elementwise_tiling, cost=partial(elementwise_cost, 65), inplace=(0,),
    workspace=gate_workspace, samples=joined(values(-3, -1), values(-0.5, 3)),
))  # fmt: skip
