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
    no_workspace,
    scratch_like,
)
from dataflow.errors import ArgumentError, DTypeError, GradientError, ShapeError
from dataflow.operation import Op, Sample, register
from dataflow.ops.special.promotion import as_scipy_floats
from dataflow.source import user_line
from dataflow.spec import Spec, broadcast_shapes

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["SCIPY_FLOATS", "call_scipy", "checked_order", "refused", "scipy_op", "scipy_ufunc"]

SCIPY_FLOATS = ("float32", "float64")


def scipy_op(
    ufunc: str, label: str, maps: Sequence[LinearMap], *,
    samples: Callable[[np.random.Generator], Sequence[Sample]], flops: int = 100, ulps: int = 8,
    part: int | None = None, order: str = "",
) -> Op:  # fmt: skip
    """Declare and register the op ``special.<ufunc>``, or ``special.<label>`` of a part of one.

    Parameters
    ----------
    ufunc : str
        Its name in ``scipy.special``.
    label, samples, ulps
        See `Op`.
    maps, flops
        See `dataflow.elementwise.elementwise`.
    part : int, optional
        Which result it is, of a ufunc that gives two.
    order : str
        The integer attribute, of 1 or more, that the ufunc takes before the operands, if any.
    """
    name = ufunc if part is None else label.lower()
    return register(Op(
        name=f"special.{name}", label=label, infer=partial(_infer, len(maps), order),
        kernel=partial(_kernel, ufunc, part, order),
        reference=partial(_reference, ufunc, part, order),
        vjp=maps_vjp(maps), jvp=maps_jvp(maps), batch=batch_elementwise,
        tiling=elementwise_tiling, cost=partial(elementwise_cost, flops), samples=samples,
        inplace=tuple(range(len(maps))), extra="scipy", ulps=ulps,
        workspace=no_workspace if part is None else partial(scratch_like, 1),
        is_flat=all(linear is None for linear in maps),
    ))  # fmt: skip


def call_scipy(op: Op, *operands: TensorLike) -> Tensor:
    """Declare a node of such an op, its operands promoted as SciPy does."""
    return apply(op, as_scipy_floats(op, *operands))


def checked_order(name: str, n: object, least: int | None) -> int:
    """Return an order that must be an int, and not below `least`."""
    if type(n) is not int or (least is not None and n < least):
        bound = "" if least is None else f" of {least} or more"
        msg = f"{name} ({user_line()}) takes an int n{bound}, not {n!r}"
        raise ArgumentError(msg)
    return n


def refused(reason: str) -> LinearMap:
    """Return the map of a slot that has no derivative, which says so when it is asked for."""

    def refuse(application: Application, change: Tensor) -> Tensor:
        node = application.outputs[0].node
        msg = (f"node {node!r} (op {application.op.name!r}, {user_line()}): {reason}; pass the "
               "argument through df.stop_gradient")  # fmt: skip
        raise GradientError(msg)

    return refuse


def _infer(arity: int, order: str, specs: Specs, attrs: Attrs) -> Specs:
    if order and attrs.integer(order) < 1:
        msg = f"{order} must be 1 or more, not {attrs.integer(order)}"
        raise ShapeError(msg)
    if len(specs) != arity:
        msg = f"takes {arity} inputs, not {len(specs)}"
        raise ShapeError(msg)
    dtypes = {spec.dtype.name for spec in specs}
    if len(dtypes) != 1 or not dtypes <= set(SCIPY_FLOATS):
        msg = f"takes one of {', '.join(SCIPY_FLOATS)}, the same in every slot: cast with astype"
        raise DTypeError(msg)
    return (Spec(broadcast_shapes([spec.shape for spec in specs]), specs[0].dtype),)


def scipy_ufunc(name: str) -> Any:  # noqa: ANN401 - SciPy has no types
    """Return a function of ``scipy.special``, for kernels: importing it takes a while."""
    return getattr(importlib.import_module("scipy.special"), name)


def _kernel(
    name: str,
    part: int | None,
    order: str,
    outs: Arrays,
    ins: Arrays,
    scratch: Arrays,
    attrs: Attrs,
) -> list[Call]:
    orders = [np.asarray(attrs.integer(order), ins[0].dtype)] if order else []
    results = [*scratch, outs[0]] if part == 1 else [outs[0], *scratch]
    return [(scipy_ufunc(name), (*orders, *ins, *results))]


def _reference(
    name: str, part: int | None, order: str, *arrays: np.ndarray, attrs: Attrs
) -> np.ndarray:
    orders = [attrs.integer(order)] if order else []
    made = scipy_ufunc(name)(*orders, *arrays)
    return np.asarray(made if part is None else made[part], arrays[0].dtype)
