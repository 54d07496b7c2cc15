"""What calls cost: floating-point operations, and seconds by a simple model of a machine.

    seconds of a call = raw calls * overhead + the longer of
                        operations / rate  and  bytes that are read and written / bandwidth

where the rate is that of matrix products, or of passes over arrays. Operations and bytes are the
ops' own counts. An element-wise kernel makes about as many raw calls as it has operations an
element. Those that a convolution makes for each example count as work, since slices share them. The
rates and the rest are a *target*'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dataflow.elementwise import elementwise_tiling
from dataflow.operation import Cost
from dataflow.registry import get_op

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Op, Specs
    from scheduler.plan import Plan
    from scheduler.program import Item, Program

__all__ = ["DEFAULT_TARGET", "Cache", "CallCost", "Target", "call_cost", "call_work", "item_cost",
           "item_flops", "program_flops"]  # fmt: skip

_PRODUCTS = frozenset({"matmul", "nn.conv", "nn.conv_input", "nn.conv_weight"})
"""Ops whose work is in matrix products."""

_RAW_CALLS, _RAW_CALLS_OF_IMAGE, _MOST_RAW_CALLS = 8, 10, 64
"""Raw calls of an op that is neither, of an example's convolution, and of an element at most."""


class Cache(NamedTuple):
    """A cache: its size in bytes, and the seconds to read or write a byte of what it holds."""

    size: int
    byte: float


class Target(NamedTuple):
    """A machine, as far as plans are made for it.

    Parameters
    ----------
    name : str
        Plans record it.
    call : float
        Seconds that a raw call takes beside its work.
    product : float
        Seconds of a floating-point operation in a matrix product of float32; float64 takes twice
        as long.
    each : float
        The same in a pass over arrays.
    byte : float
        Seconds to read or write a byte of memory.
    caches : tuple of Cache
        Of one core, the smallest first.
    """

    name: str
    call: float
    product: float
    each: float
    byte: float
    caches: tuple[Cache, ...]


DEFAULT_TARGET = Target(
    "default", call=0.5e-6, product=1.5e-11, each=1.5e-10, byte=1e-10,
    caches=(Cache(2**20, 1e-11), Cache(2**25, 3e-11)),
)  # fmt: skip
"""The target that plans are made for, so that the same graph gives the same plan everywhere."""


class CallCost(NamedTuple):
    """What a call costs: its raw calls, and the seconds of work beside their overhead."""

    calls: int
    work: float

    def seconds(self, target: Target) -> float:
        """Return how long it takes in all."""
        return self.calls * target.call + self.work


def program_flops(program: Program) -> int:
    """Return the floating-point operations of all items."""
    return sum(item_flops(program, item) for item in program.items)


def item_flops(program: Program, item: Item) -> int:
    """Return the floating-point operations of an item, with those of its bodies' plans."""
    return call_work(item.op, *_specs(program, item), item.attrs).flops


def item_cost(program: Program, item: Item, target: Target = DEFAULT_TARGET) -> CallCost:
    """Return what an item costs, with its bodies' plans."""
    return call_cost(item.op, *_specs(program, item), item.attrs, target)


def call_cost(op: Op, ins: Specs, outs: Specs, attrs: Attrs, target: Target) -> CallCost:
    """Return what one call costs, views aside, which cost nothing."""
    if op.alias is not None:
        return CallCost(0, 0.0)
    if not attrs.bodies():
        return _own_cost(op, ins, outs, attrs, target)
    calls, work = _RAW_CALLS, 0.0
    for body, times in _runs(op, attrs):
        for step in body.steps:
            cost = call_cost(get_op(step.op, step.op_version), *_step_specs(step), step.attrs,
                             target)  # fmt: skip
            calls, work = calls + times * cost.calls, work + times * cost.work
    return CallCost(calls, work)


def _own_cost(op: Op, ins: Specs, outs: Specs, attrs: Attrs, target: Target) -> CallCost:
    flops, nbytes = op.cost(ins, outs, attrs)
    wide = max((spec.dtype.itemsize for spec in outs), default=4) / 4
    rate = target.product if op.name in _PRODUCTS else target.each
    work = max(flops * rate * wide, nbytes * target.caches[0].byte)
    if op.tiling is elementwise_tiling:
        size = max(outs[0].nbytes // outs[0].dtype.itemsize, 1)
        return CallCost(min(max(flops // size, 1), _MOST_RAW_CALLS), work)
    if op.name in _PRODUCTS and op.name != "matmul":
        work += _RAW_CALLS_OF_IMAGE * ins[0].static_shape[0] * target.call
    return CallCost(1 if op.name == "matmul" else _RAW_CALLS, work)


def call_work(op: Op, ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return the operations and bytes of one call, with those of its bodies' plans.

    A body that only a condition ends counts once.
    """
    if not attrs.bodies():
        return op.cost(ins, outs, attrs)
    flops = nbytes = 0
    for body, times in _runs(op, attrs):
        for step in body.steps:
            work = call_work(get_op(step.op, step.op_version), *_step_specs(step), step.attrs)
            flops, nbytes = flops + times * work.flops, nbytes + times * work.bytes
    return Cost(flops, nbytes)


def _runs(op: Op, attrs: Attrs) -> list[tuple[Plan, int]]:
    """Return the bodies, which are plans by now, and how often each runs at most."""
    bodies: Any = attrs.bodies()
    times = [1] * len(bodies) if op.runs is None else op.runs(attrs)
    return [(body, 1 if n is None else n) for body, n in zip(bodies, times, strict=True)]


def _specs(program: Program, item: Item) -> tuple[Specs, Specs]:
    ins, outs = ((program.specs[v] for v in side) for side in (item.inputs, item.outputs))
    return tuple(ins), tuple(outs)


def _step_specs(step: Any) -> tuple[Specs, Specs]:  # noqa: ANN401
    return tuple(o.spec for o in step.inputs), tuple(o.spec for o in step.outputs)
