"""Finds the ops that code can declare, by reading the code objects of functions and rules."""

from collections.abc import Iterable, Iterator
from functools import cache, partial
from types import CodeType, FunctionType

from dataflow.builder import GraphBuilder
from dataflow.dispatch import FUNCTIONS
from dataflow.operation import Op
from dataflow.registry import registered_ops
from dataflow.tensor import Tensor


@cache
def reachable_ops() -> set[str]:
    """Return the ops that a call can declare, or a rule of these, or that the compiler unites."""
    methods = [v for kind in (GraphBuilder, Tensor) for v in vars(kind).values()]
    return set(_walk([*FUNCTIONS.values(), *methods]))


def _walk(roots: Iterable[object]) -> Iterator[str]:
    """Follow functions through what they refer to, ops among it; yield the ops."""
    ops, stack, seen = registered_ops(), list(roots), set()
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        op = ops.get(value) if isinstance(value, str) else value
        if isinstance(op, Op):
            yield op.name
            stack += [op.vjp, op.jvp, op.batch, op.united]
        stack += _parts(value)


def _parts(value: object) -> list[object]:
    """Return what a value is made of, or refers to, if it is code of ours."""
    if isinstance(value, partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, (tuple, list, frozenset)):
        return list(value)
    for wrapped in ("fget", "__func__", "__wrapped__"):  # of properties, methods and contexts
        if hasattr(value, wrapped):
            return [getattr(value, wrapped)]
    if isinstance(value, FunctionType) and value.__module__.startswith("dataflow"):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        return [*cells, *(value.__globals__.get(n) for n in _names(value.__code__)),
                *_constants(value.__code__)]  # fmt: skip
    return []


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _names(code: CodeType) -> set[str]:
    return {name for inner in _codes(code) for name in inner.co_names}


def _constants(code: CodeType) -> list[object]:
    return [c for inner in _codes(code) for c in inner.co_consts if not isinstance(c, CodeType)]
