"""The op below the activations that keep a number between two bounds.

Two ufuncs, where branches by masks would take four times as long. Unlike `clip`, whose derivative
at a bound is a half, it has 0 there, as PyTorch's `hardtanh`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.elementwise import (
    batch_elementwise,
    call_into,
    elementwise_cost,
    elementwise_tiling,
    maps_jvp,
    maps_vjp,
    scalars,
)
from dataflow.errors import ArgumentError, DTypeError
from dataflow.operation import Op, Sample, register
from dataflow.ops.bitwise import logical_or
from dataflow.ops.comparison import greater_equal, less_equal
from dataflow.ops.masking import zero_where
from dataflow.ops.structure import check_inputs
from dataflow.sampling import FLOATS

if TYPE_CHECKING:
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = ["HARDTANH"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    if spec.dtype.kind != "f":
        msg = f"takes real floating-point numbers, not {spec.dtype}: use .astype('float32')"
        raise DTypeError(msg)
    low, high = attrs.number("low"), attrs.number("high")
    if not low < high:
        msg = f"the lower bound {low} must be below the upper one {high}"
        raise ArgumentError(msg)
    return (spec,)


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x,) = outs, ins
    low, high = scalars(out.dtype, attrs.number("low"), attrs.number("high"))
    return [call_into(np.maximum, (x, low), out), call_into(np.minimum, (out, high), out)]


def _reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    bounds = np.asarray((attrs.number("low"), attrs.number("high")), x.dtype)
    return np.asarray(np.clip(x, *bounds))


def _inside(application: Application, change: Tensor) -> Tensor:
    (x,), attrs = application.inputs, application.attrs
    outside = logical_or(less_equal(x, attrs.number("low")), greater_equal(x, attrs.number("high")))
    return zero_where(outside, change)


def _samples(rng: np.random.Generator) -> list[Sample]:
    attrs = Attrs(low=-1.0, high=0.5)
    rows = [((), "float64"), ((0, 3), "float64"), *[((3, 4), dtype) for dtype in FLOATS]]
    made = []
    for shape, dtype in rows:
        places = rng.integers(0, 3, shape)  # below, between and above, away from the bounds
        x = np.asarray(places * 1.5 - 1.75 + rng.uniform(-0.5, 0.5, shape))
        made.append(Sample((x.astype(dtype),), attrs))
    return made


HARDTANH = register(Op(
    name="nn.hardtanh", label="Hardtanh", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=maps_vjp((_inside,)), jvp=maps_jvp((_inside,)), batch=batch_elementwise,
    tiling=elementwise_tiling, cost=partial(elementwise_cost, 2), samples=_samples, inplace=(0,),
))  # fmt: skip
