"""Leaves: nodes that read nothing.

Inputs, constants, variables; whether a plan trains, and the size of a dimension. The values of all
but the last are handed in, so that their kernels do nothing.
"""

from __future__ import annotations

import numpy as np

from dataflow.attrs import Attrs
from dataflow.errors import ShapeError
from dataflow.operation import Absent, Arrays, Call, Cost, Op, Sample, Specs, Tiling, register
from dataflow.ops.structure import written_cost
from dataflow.spec import DTYPES, Spec, as_dtype, as_shape

__all__: list[str] = []

_NO_INPUTS = Absent("it reads nothing")


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    if specs:
        msg = f"takes no inputs, not {len(specs)}"
        raise ShapeError(msg)
    return (Spec(as_shape(attrs.dims("shape")), as_dtype(attrs.text("dtype"))),)


def _no_calls(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return []


def _no_samples(rng: np.random.Generator) -> list[Sample]:
    return []


def _no_cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    return Cost(0, 0)


def _handed_in(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    msg = "a leaf's value is handed in"
    raise ShapeError(msg)


for _name in ("input", "constant", "variable"):
    register(Op(
        name=_name, label=_name.capitalize(), infer=_infer, kernel=_no_calls, reference=_handed_in,
        vjp=_NO_INPUTS, jvp=_NO_INPUTS, batch=_NO_INPUTS, tiling=Absent("its value is handed in"),
        cost=_no_cost, samples=_no_samples, moves=True,
    ))  # fmt: skip


# training: whether a plan updates variables, a constant once it is compiled


def _training_infer(specs: Specs, attrs: Attrs) -> Specs:
    (spec,) = _infer(specs, attrs)
    if spec != Spec((), np.dtype(np.bool_)):
        msg = f"is a bool scalar, not {spec}"
        raise ShapeError(msg)
    return (spec,)


register(Op(
    name="training", label="Training", infer=_training_infer, kernel=_no_calls,
    reference=_handed_in, vjp=_NO_INPUTS, jvp=_NO_INPUTS, batch=_NO_INPUTS,
    tiling=Absent("its value is handed in"), cost=_no_cost, samples=_no_samples,
))  # fmt: skip


# size: a dimension as a tensor, a constant once the names are bound


def _size_infer(specs: Specs, attrs: Attrs) -> Specs:
    if specs or len(attrs.dims("dims")) != 1:
        msg = "takes no inputs and one dimension"
        raise ShapeError(msg)
    return (Spec((), as_dtype(attrs.text("dtype"))),)


def _fill(out: np.ndarray, value: int) -> None:
    out.fill(value)


def _size_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(_fill, (outs[0], attrs.integers("dims")[0]))]


def _size_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(attrs.integers("dims")[0], attrs.text("dtype"))


def _size_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((), Attrs(dtype=d, dims=(int(rng.integers(9)),))) for d in DTYPES]


def _scalar_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return Tiling(())


SIZE = register(Op(
    name="size", label="Size", infer=_size_infer, kernel=_size_kernel, reference=_size_reference,
    vjp=_NO_INPUTS, jvp=_NO_INPUTS, batch=_NO_INPUTS,
    tiling=_scalar_tiling,
    cost=written_cost, samples=_size_samples,
))  # fmt: skip
