"""How an op is declared that is one ufunc of SciPy's, which is imported when its kernel binds."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import apply
from dataflow.elementwise import (
    LinearMap,
    batch_elementwise,
    elementwise_cost,
    elementwise_tiling,
    maps_jvp,
    maps_vjp,
)
from dataflow.errors import DTypeError, GradientError, ShapeError
from dataflow.op import Op, Sample, register
from dataflow.ops.special.promotion import as_scipy_floats
from dataflow.source import user_line
from dataflow.spec import Spec, broadcast_shapes

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.op import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["SCIPY_FLOATS", "call_scipy", "refused", "scipy_op"]

SCIPY_FLOATS = ("float32", "float64")


def scipy_op(
    ufunc: str, label: str, maps: Sequence[LinearMap], *,
    samples: Callable[[np.random.Generator], Sequence[Sample]], flops: int = 100, ulps: int = 8,
) -> Op:  # fmt: skip
    """Declare and register the op ``special.<ufunc>``.

    Parameters
    ----------
    ufunc : str
        Its name in ``scipy.special``.
    label, samples, ulps
        See `Op`.
    maps, flops
        See `dataflow.elementwise.elementwise`.
    """
    return register(Op(
        name=f"special.{ufunc}", label=label, infer=partial(_infer, len(maps)),
        kernel=partial(_kernel, ufunc), reference=partial(_reference, ufunc),
        vjp=maps_vjp(maps), jvp=maps_jvp(maps), batch=batch_elementwise,
        tiling=elementwise_tiling, cost=partial(elementwise_cost, flops), samples=samples,
        inplace=tuple(range(len(maps))), extra="scipy", ulps=ulps,
    ))  # fmt: skip


def call_scipy(op: Op, *operands: TensorLike) -> Tensor:
    """Declare a node of such an op, its operands promoted as SciPy does."""
    return apply(op, as_scipy_floats(op, *operands))


def refused(reason: str) -> LinearMap:
    """Return the map of a slot that has no derivative, which says so when it is asked for."""

    def refuse(application: Application, change: Tensor) -> Tensor:
        node = application.outputs[0].node
        msg = (f"node {node!r} (op {application.op.name!r}, {user_line()}): {reason}; pass the "
               "argument through df.stop_gradient")  # fmt: skip
        raise GradientError(msg)

    return refuse


def _infer(arity: int, specs: Specs, attrs: Attrs) -> Specs:
    if len(specs) != arity:
        msg = f"takes {arity} inputs, not {len(specs)}"
        raise ShapeError(msg)
    dtypes = {spec.dtype.name for spec in specs}
    if len(dtypes) != 1 or not dtypes <= set(SCIPY_FLOATS):
        msg = f"takes one of {', '.join(SCIPY_FLOATS)}, the same in every slot: cast with astype"
        raise DTypeError(msg)
    return (Spec(broadcast_shapes([spec.shape for spec in specs]), specs[0].dtype),)


def _ufunc(name: str) -> Any:  # noqa: ANN401 - SciPy has no types
    return getattr(importlib.import_module("scipy.special"), name)


def _kernel(name: str, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(_ufunc(name), (*ins, outs[0]))]


def _reference(name: str, *arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(_ufunc(name)(*arrays), arrays[0].dtype)
