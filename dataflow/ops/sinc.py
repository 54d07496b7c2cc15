"""`sinc`: sin(πx) / (πx), exact at whole numbers, with derivatives that keep their digits at 0.

The sine is of π times the distance to the nearest whole number, which is exact, so that the value
keeps its digits close to its zeros too.

The slope (cos(u) - sinc) / u, u = πx, subtracts two numbers that are the same at 0. There, for
|u| < 1, it is the power series of the derivative, which is differentiated term by term in turn:

    d/du sin(u)/u = -u Σ (-u²)^k (2k+2) / (2k+3)!
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply, call_function
from dataflow.dispatch import public
from dataflow.elementwise import (
    batch_elementwise,
    elementwise_cost,
    elementwise_tiling,
    maps_jvp,
    maps_vjp,
    scalars,
)
from dataflow.errors import DTypeError
from dataflow.operation import Op, Workspace, register
from dataflow.ops.casting import astype
from dataflow.ops.comparison import less
from dataflow.ops.elementary import cos
from dataflow.ops.selection import where
from dataflow.ops.structure import check_inputs
from dataflow.sampling import COMPLEX, FLOATS, few, joined
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = ["sinc"]

_TERMS = 11
"""The last is 1e-20 of the first at |u| = 1, and 1e-16 in the second derivative."""


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    if not spec.is_float:
        msg = f"slot 0 can't be {spec.dtype}: cast it with astype"
        raise DTypeError(msg)
    return (spec,)


def _working(dtype: np.dtype) -> np.dtype:
    """Return the dtype of the argument of the sine: float16 would lose its phase."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    (x,) = specs
    wide = _working(x.dtype)
    part = np.dtype(f"f{wide.itemsize // 2}") if wide.kind == "c" else wide
    return Workspace((Spec(x.shape, wide), Spec(x.shape, wide), Spec(x.shape, part),
                      Spec(x.shape, np.dtype(np.bool_))))  # fmt: skip


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x,), (sine, angle, whole, is_zero) = outs, ins, scratch
    pi, zero, one = scalars(angle.dtype, math.pi, 0, 1)
    two, minus_two, plus_one = scalars(whole.dtype, 2, -2, 1)
    parts = (sine.real, sine.imag) if sine.dtype.kind == "c" else (sine,)
    return [
        (sine.__setitem__, (..., x)),
        (np.multiply, (sine, pi, angle)),
        (np.rint, (parts[0], whole)),
        (np.subtract, (parts[0], whole, parts[0])),
        (np.multiply, (sine, pi, sine)),
        (np.sin, (sine, sine)),
        (np.remainder, (whole, two, whole)),  # 1 for an odd number, whose sine has the other sign
        (np.multiply, (whole, minus_two, whole)),
        (np.add, (whole, plus_one, whole)),
        *((np.multiply, (part, whole, part)) for part in parts),
        (np.equal, (angle, zero, is_zero)),
        *((np.copyto, (a, one, "same_kind", is_zero)) for a in (sine, angle)),
        (np.divide, (sine, angle, sine)),
        (out.__setitem__, (..., sine)),
    ]


def _reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    wide = x.astype(_working(x.dtype))
    return np.asarray(np.sinc(wide)).astype(x.dtype)


def _slope(application: Application, change: Tensor) -> Tensor:
    (x,) = application.inputs
    angle = x * math.pi
    is_close = less(abs(angle), 1)
    near, far = where(is_close, angle, 0), where(is_close, 1, angle)
    outer = (cos(far) - where(is_close, 0, application.outputs[0])) / far
    return change * (where(is_close, _series(near), outer) * math.pi)


def _series(angle: Tensor) -> Tensor:
    """Return the slope of sin(u) / u as the polynomial in u² by Horner's rule."""
    square: Tensor = call_function("square", angle)
    terms = [(-1) ** (k + 1) * (2 * k + 2) / math.factorial(2 * k + 3) for k in range(_TERMS)]
    total: Tensor = square * terms[-1] + terms[-2]
    for term in reversed(terms[:-2]):
        total = total * square + term
    return angle * total


SINC = register(Op(
    name="sinc", label="Sinc", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=maps_vjp((_slope,)), jvp=maps_jvp((_slope,)), batch=batch_elementwise,
    tiling=elementwise_tiling, cost=partial(elementwise_cost, 40), workspace=_workspace,
    samples=joined(few((-3, 3), dtypes=(*COMPLEX, *FLOATS)), few((-0.2, 0.2), dtypes=("float64",))),
    inplace=(0,),
))  # fmt: skip


@public(np.sinc)
def sinc(x: Tensor) -> Tensor:
    """Return ``sin(πx) / (πx)``, element by element, and 1 at 0.

    Parameters
    ----------
    x : Tensor
        Floats or complex numbers of any shape; integers become float64.

    Returns
    -------
    Tensor
        The same shape. All derivatives at 0 are the function's: 0 and -π²/3, the first two.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.5, 1.0])
    >>> df.evaluate(df.sinc(x)).round(4)
    array([ 1.    ,  0.6366, -0.    ], dtype=float32)
    """
    return apply(SINC, (x if x.spec.is_float else astype(x, np.float64),))
