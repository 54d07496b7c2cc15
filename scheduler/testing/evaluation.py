"""Values of a graph near a point: what differences and complex steps are made of.

A graph is computed by its kernels, item by item, at a point where some values are given: those that
a derivative is taken by are moved, and those behind `df.stop_gradient` stay as they are at the
point, since derivatives take them for constant. In between, all may be computed in a wider dtype:
float64, so that differences of float32 graphs say something, or complex128, for the complex step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.errors import DataflowError
from dataflow.spec import Spec
from scheduler.environment import kernel_context
from scheduler.program import Item, lower
from scheduler.reference import initial_values, run_item, sizes_from

if TYPE_CHECKING:
    from dataflow.graph import Graph, Ref

__all__ = ["Point", "can_step_complex"]

Array = np.ndarray[Any, Any]

_HOLOMORPHIC = frozenset({
    "acos", "acosh", "add", "asin", "asinh", "atan", "atanh", "broadcast_to", "concat", "copy",
    "cos", "cosh", "cumsum", "diagonal", "divide", "exp", "expm1", "integer_power", "log", "log1p",
    "matmul", "mean", "multiply", "negative", "pad_slice", "put_diagonal", "reciprocal", "reshape",
    "set_rows", "set_slice", "sin", "sinh", "slice", "sqrt", "square", "subtract", "sum", "take",
    "tan", "tanh", "transpose", "where", "zero_where",
})  # fmt: skip
"""Ops that compute an analytic function of complex operands, no conjugate or absolute value."""


class Point:
    """A graph's values at fed inputs, and near them.

    Parameters
    ----------
    graph : Graph
        What is computed.
    feeds : mapping of str to numpy.ndarray
        Its inputs.
    wrt : sequence of Ref
        What moves.
    """

    def __init__(self, graph: Graph, feeds: Mapping[str, Array], wrt: Sequence[Ref]) -> None:
        sizes = sizes_from(graph, feeds)
        ends = {**graph.outputs, **{f"wrt {i}": ref for i, ref in enumerate(wrt)}}
        self.program = lower(graph, sizes, ends, {})
        self.wrt = [self.program.outputs[f"wrt {i}"] for i in range(len(wrt))]
        first = initial_values(graph, sizes) if graph.variables else {}
        self._leaves = {
            **self.program.constants,
            **{value: feeds[name] for name, value in self.program.inputs.items()},
            **{value: first[name] for name, value in self.program.variables.items()},
        }
        self._frozen: dict[int, Array] = {}
        self.values = self._computed({}, None)
        stopped = [item for item in self.program.items if item.op.name == "stop_gradient"]
        self._frozen = {value: self.values[value] for item in stopped for value in item.outputs}

    def near(
        self, shifts: Sequence[Array], names: Sequence[str], dtype: type[np.generic] | None = None
    ) -> list[Array]:
        """Return outputs where something is added to what moves.

        What moves and depends on something else that does moves by both, as derivatives have it.

        Raises
        ------
        DataflowError
            An op can't compute in this dtype.
        """
        known = self._computed(dict(zip(self.wrt, shifts, strict=True)), dtype)
        return [known[self.program.outputs[name]] for name in names]

    def _computed(
        self, shifts: Mapping[int, Array], dtype: type[np.generic] | None
    ) -> dict[int, Array]:
        given = {**self._leaves, **self._frozen}
        known = {value: _lifted(array, dtype) for value, array in given.items()}
        known.update({v: known[v] + shift for v, shift in shifts.items() if v in self._leaves})
        kernel_context().run(self._compute, known, shifts, dtype)
        return known

    def _compute(
        self, known: dict[int, Array], shifts: Mapping[int, Array], dtype: type[np.generic] | None
    ) -> None:
        for item in self.program.items:
            if any(value in self._frozen for value in item.outputs):
                continue
            arrays = [known[value] for value in item.inputs]
            made = _run(item, arrays, [self.program.specs[v] for v in item.outputs], dtype)
            known.update(zip(item.outputs, made, strict=True))
            known.update({v: known[v] + shifts[v] for v in item.outputs if v in shifts})


def can_step_complex(point: Point) -> bool:
    """Say whether all that depends on what moves is analytic, so that a complex step applies."""
    moving = set(point.wrt)
    for item in point.program.items:
        if moving.isdisjoint(item.inputs) or item.op.name == "stop_gradient":
            continue
        if any(point.program.specs[value].is_float for value in item.outputs):
            if item.op.name not in _HOLOMORPHIC:
                return False
            moving.update(item.outputs)
    return all(point.program.specs[value].dtype.kind == "f" for value in point.wrt)


def _lifted(array: Array, dtype: type[np.generic] | None) -> Array:
    """Return a floating array in a wider dtype, complex if it is or the dtype is."""
    if dtype is None or array.dtype.kind not in "fc":
        return np.asarray(array)
    return array.astype(np.complex128 if array.dtype.kind == "c" else dtype)


def _run(
    item: Item, arrays: list[Array], specs: list[Spec], dtype: type[np.generic] | None
) -> list[Array]:
    if dtype is None:
        return run_item(item, arrays, specs)
    if not any(spec.is_float for spec in specs):  # a comparison, an index: of the real parts
        real = [array.real if array.dtype.kind == "c" else array for array in arrays]
        wide = item.op.infer(tuple(map(Spec.like, real)), item.attrs)
        return run_item(item, real, list(wide))
    lifted = item._replace(attrs=_lifted_attrs(item, dtype))
    wide = item.op.infer(tuple(map(Spec.like, arrays)), lifted.attrs)
    if any(one.shape != two.shape for one, two in zip(wide, specs, strict=True)):
        msg = f"{item.where()} has another shape in another dtype"
        raise DataflowError(msg)
    made = run_item(lifted, arrays, list(wide))
    return [_lifted(array, dtype) for array in made]


def _lifted_attrs(item: Item, dtype: type[np.generic]) -> Any:  # noqa: ANN401 - Attrs
    given = item.attrs.get("dtype")
    if isinstance(given, str) and np.dtype(given).kind == "f":
        return item.attrs.replace(dtype=np.dtype(dtype).name)
    return item.attrs
