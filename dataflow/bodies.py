"""Bodies: sub-graphs as values of a node, cut out of a draft or made from another body.

A function that is called on stand-ins (see `dataflow.drafts`) may also use tensors from outside.
Cut out as a graph of its own, it gets an input for each of these; the node that holds it reads
them. What doesn't depend on a stand-in was never in the draft: it stays outside, so that a loop
computes it once.

Derivative rules make bodies from bodies: they declare one in a fresh builder, sweep there, and
build again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import call_function
from dataflow.drafts import drafting
from dataflow.operation import Cost
from dataflow.redeclaring import redeclare
from dataflow.refs import Ref
from dataflow.registry import get_op
from dataflow.seeds import or_zeros
from dataflow.sweeps import vjp_of

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.drafts import Draft
    from dataflow.graph import Graph
    from dataflow.operation import Array
    from dataflow.spec import Spec
    from dataflow.tensor import Tensor

__all__ = ["beside", "cost_of", "cut_out", "evaluated", "inlined", "inlined_batch", "placed",
           "pulled_back", "spread", "traced"]  # fmt: skip


def cut_out(draft: Draft, results: Sequence[Tensor], outer: Sequence[Tensor]) -> Graph:
    """Return a draft as a graph.

    Parameters
    ----------
    draft : Draft
        Withdrawn: its ``with`` block is over.
    results : sequence of Tensor
        What the graph gives, in order.
    outer : sequence of Tensor
        Tensors from outside, all that ``draft.outside(results)`` names among them.

    Returns
    -------
    Graph
        Its inputs are the stand-ins, then the tensors from outside.
    """
    builder = draft.builder.fresh("body")
    known = {t: builder.input(f"in_{i}", t.shape, t.dtype) for i, t in enumerate(draft.stand_ins)}
    known |= {t: builder.input(f"outer_{i}", t.shape, t.dtype) for i, t in enumerate(outer)}
    draft.redeclare(builder, known, results)
    body: Graph = builder.build(outputs={f"out_{i}": known[t] for i, t in enumerate(results)})
    return body


def traced(
    builder: Any, specs: Sequence[Spec], function: Callable[[list[Tensor]], Sequence[Tensor]]  # noqa: ANN401
) -> Graph:  # fmt: skip
    """Return the graph of what a function does to inputs of these specs, all that it uses."""
    fresh = builder.fresh("body")
    inputs = [fresh.input(f"in_{i}", spec.shape, spec.dtype) for i, spec in enumerate(specs)]
    body: Graph = fresh.build(outputs={f"out_{i}": t for i, t in enumerate(function(inputs))})
    return body


def inlined(body: Graph, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Declare a body's nodes on tensors, one for each input, and return its outputs."""
    feeds = dict(zip(body.inputs, tensors, strict=True))
    made = redeclare(tensors[0].builder, body, feeds, {})
    return [made[ref] for ref in body.outputs.values()]


def inlined_batch(
    body: Graph, tensors: Sequence[Tensor], flags: Sequence[bool], size: int | Dim
) -> list[Tensor]:
    """Declare a body's nodes for a batch; all outputs have its axis.

    Parameters
    ----------
    body : Graph
        Of one example.
    tensors, flags : sequence of Tensor, of bool
        For each input, and whether it has the batch as its first axis; at least one has.
    size : int or Dim
        The number of examples.
    """
    examples = [tensor for tensor, has_batch in zip(tensors, flags, strict=True) if has_batch]
    specs = [tensor.spec.with_shape(tensor.shape[1:]) for tensor in examples]
    with drafting(tensors[0].builder, specs) as draft:
        stand_ins = iter(draft.stand_ins)
        mixed = [
            next(stand_ins) if has_batch else tensor
            for tensor, has_batch in zip(tensors, flags, strict=True)
        ]
        results = inlined(body, mixed)
    made = draft.batch(examples, size, results)
    return [tensor if is_batched else spread(tensor, size) for tensor, is_batched in made]


def beside(flag: Tensor, tensor: Tensor) -> Tensor:
    """Return a flag for each example with the rank of a batched tensor."""
    return call_function("reshape", flag, (tensor.shape[0], *[1] * (tensor.ndim - 1)))


def spread(tensor: Tensor, size: int | Dim) -> Tensor:
    """Return the same for every example of a batch."""
    return call_function("broadcast_to", tensor, (size, *tensor.shape))


def pulled_back(
    ends: Sequence[Tensor], wrt: Sequence[Tensor], cotangents: Sequence[Tensor]
) -> list[Tensor]:
    """Run the reverse sweep within a body, zeros where there is no derivative."""
    found = vjp_of(ends, wrt, cotangents) if ends else [None] * len(wrt)
    return or_zeros("cotangent", wrt, found)


def placed(found: Sequence[Tensor], places: Sequence[int], length: int) -> list[Tensor | None]:
    """Return a list of a length with what was found at its places, None elsewhere."""
    parts: list[Tensor | None] = [None] * length
    for place, tensor in zip(places, found, strict=True):
        parts[place] = tensor
    return parts


def evaluated(body: Graph, arrays: Sequence[Array]) -> list[Array]:
    """Compute a body in plain NumPy, by its ops' references."""
    known: dict[Ref, Array] = {
        Ref(name, 0): array for name, array in zip(body.inputs, arrays, strict=True)
    }
    known |= {Ref(name, 0): array for name, array in body.constants.items()}
    for node in body.nodes():
        if Ref(node.name, 0) in known:
            continue
        op = get_op(node.op, node.op_version)
        made = op.reference(*(known[ref] for ref in node.inputs), attrs=node.attrs)
        results = made if isinstance(made, tuple) else (made,)
        known.update({Ref(node.name, i): np.asarray(a) for i, a in enumerate(results)})
    return [known[ref] for ref in body.outputs.values()]


def cost_of(body: Graph) -> Cost:
    """Return the sum of what a body's nodes cost."""
    flops = nbytes = 0
    for node in body.nodes():
        inputs = tuple(map(body.spec, node.inputs))
        cost = get_op(node.op, node.op_version).cost(inputs, node.specs, node.attrs)
        flops, nbytes = flops + cost.flops, nbytes + cost.bytes
    return Cost(flops, nbytes)
