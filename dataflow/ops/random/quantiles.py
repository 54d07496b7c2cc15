"""The normal distribution's quantile in NumPy alone: what truncated normal draws are made by.

Three quotients of polynomials, of which a mask takes the one that holds, since NumPy has no
branches (M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution",
Applied Statistics 37 (1988) 477-484): in the middle, ``|p - ½| <= 0.425``, of ``p - ½``; outside,
of the root of ``-log(min(p, 1 - p))``, up to 5 and from there on. Errors are at most some units in
the last place of float64. All is computed in 64 bits, for every dtype.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply
from dataflow.elementwise import call_into, choose_call, composite, scalars
from dataflow.operation import Workspace
from dataflow.ops.error_complement import widened
from dataflow.ops.error_function import rational
from dataflow.ops.special.normal import over_density
from dataflow.sampling import joined, values
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = ["normal_quantile"]

_MIDDLE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1.0),
)  # fmt: skip
_NEAR = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550,
     4.63033784615654529590, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940,
     2.05319162663775882187, 1.0),
)  # fmt: skip
_FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580,
     5.46378491116411436990, 6.65790464350110377720),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    shape = specs[0].shape
    return Workspace((Spec(shape, np.dtype(bool)), *[Spec(shape, np.dtype(np.float64))] * 7))


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    mask, q, r, found, tail, spare = scratch[:6]
    calls, p = widened(ins[0], scratch[6])
    half, zero, one, edge, least = scalars(p.dtype, 0.5, 0, 1, 0.425, 5e-324)
    endless = scalars(p.dtype, math.inf)
    return [
        *calls,
        (np.subtract, (p, half, q)),
        *_middle_calls(q, r, found, (tail, spare)),
        (np.subtract, (one, p, r)),
        call_into(np.minimum, (p, r), r),
        (np.equal, (r, zero, mask)),
        (np.copyto, (r, least, "same_kind", mask)),
        *_tail_calls(r, mask, tail, spare, scratch[7]),
        (np.equal, (p, zero, mask)),
        (np.copyto, (tail, *endless, "same_kind", mask)),
        (np.equal, (p, one, mask)),
        (np.copyto, (tail, *endless, "same_kind", mask)),
        (np.copysign, (tail, q, tail)),
        (np.absolute, (q, q)),
        (np.greater, (q, edge, mask)),
        choose_call(found, mask, tail),
        (outs[0].__setitem__, (..., found)),
    ]


def _middle_calls(
    q: np.ndarray, r: np.ndarray, found: np.ndarray, spare: tuple[np.ndarray, np.ndarray]
) -> list[Call]:
    (centre,) = scalars(q.dtype, 0.180625)
    return [
        (np.multiply, (q, q, r)),
        (np.subtract, (centre, r, r)),
        *rational(r, _MIDDLE, *spare, found),
        (np.multiply, (found, q, found)),
    ]


def _tail_calls(
    r: np.ndarray, mask: np.ndarray, tail: np.ndarray, spare: np.ndarray, other: np.ndarray
) -> list[Call]:
    """Return the calls that turn the smaller probability `r` into the size of its quantile."""
    near, far, between = scalars(r.dtype, 1.6, 5, 3.4)
    return [
        (np.log, (r, r)),
        (np.negative, (r, r)),
        (np.sqrt, (r, r)),
        (np.subtract, (r, near, r)),
        *rational(r, _NEAR, tail, spare, tail),
        (np.greater, (r, between, mask)),
        (np.add, (r, near, r)),
        (np.subtract, (r, far, r)),
        *rational(r, _FAR, other, spare, other),
        choose_call(tail, mask, other),
    ]


def _each(p: float) -> float:
    if 0 < p < 1:
        return NormalDist().inv_cdf(p)
    return math.copysign(math.inf, p - 0.5) if p in (0, 1) else math.nan


def _reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    wide = arrays[0].astype(np.float64)
    return np.asarray(np.frompyfunc(_each, 1, 1)(wide), arrays[0].dtype)


NORMAL_QUANTILE = composite(
    "random.normal_quantile", "NormalQuantile", _kernel, _reference, (over_density,),
    inplace=(0,), flops=120,
    workspace=_workspace,
    samples=joined(values(0.05, 0.95), values(0, 0.02, smooth=False), values(1, 1, smooth=False)),
)  # fmt: skip


def normal_quantile(p: Tensor) -> Tensor:
    """Return the number that a standard normal draw is below with probability `p`."""
    return apply(NORMAL_QUANTILE, (p,))
