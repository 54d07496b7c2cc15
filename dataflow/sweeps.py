"""The reverse sweep and the forward-mode sweep: derivatives as ordinary nodes.

The reverse sweep walks the nodes between `wrt` and the outputs backwards. At each it asks the
op's vjp rule for the inputs' cotangents, and adds up what flows into one tensor:

        x --(multiply)--> y --(sum)--> out            forward
        x.ct <--multiply.vjp-- y.ct <--sum.vjp-- 1    reverse

A cotangent that is None is a zero that was never made a node, and a rule is asked only for the
cotangents that lead to `wrt`. Every node made here records the forward node and the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dataflow.collecting import collector_paused
from dataflow.cotangents import Cotangents
from dataflow.dispatch import public
from dataflow.errors import GradientError
from dataflow.operation import Absent, Application
from dataflow.seeds import check_float, check_scalar, check_seed, described, or_zeros, seed_of
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["backward", "jvp_of", "vjp_of"]


@public()
def backward(tensor: Tensor, cotangent: TensorLike | None = None) -> None:
    """Declare the reverse sweep from a tensor and add to ``grad`` of every leaf it reaches.

    See `Tensor.backward`.
    """
    builder: Any = tensor.builder
    if not tensor.requires_grad:
        msg = (f"backward() ({user_line()}) of {described(tensor)}: it doesn't require a "
               "gradient; declare a leaf that it depends on with requires_grad=True, outside "
               "no_grad()")  # fmt: skip
        raise GradientError(msg)
    leaves = [t for t in _ancestors(tensor) if t.is_leaf and t.requires_grad]
    found = vjp_of([tensor], leaves, [cotangent])
    for leaf, gradient in zip(leaves, or_zeros("cotangent", leaves, found), strict=True):
        with builder.recording("reverse", leaf.node, "accumulate", builder.source_of(leaf.node)):
            builder.accumulate(leaf, gradient)


@collector_paused()
def vjp_of(
    outputs: Sequence[Tensor], wrt: Sequence[Tensor],
    cotangents: Sequence[TensorLike | None],
) -> list[Tensor | None]:  # fmt: skip
    """Run the reverse sweep; None stands for a gradient that is zero.

    A cotangent of None stands for 1, which only a scalar may leave out.
    """
    builder: Any = outputs[0].builder
    since = builder.next_position
    active = _active(outputs, wrt)
    sums = Cotangents()
    for output, cotangent in zip(outputs, cotangents, strict=True):
        check_float(output)
        if cotangent is None:
            check_scalar(output)
        if output not in active.tensors:
            check_seed(output, "cotangent", cotangent)
            continue  # it doesn't depend on `wrt`: a seed would be read by nobody
        seed = seed_of(output, "cotangent", 1 if cotangent is None else cotangent)
        with builder.recording("reverse", output.node, "seed", builder.source_of(output.node)):
            sums.add(output, seed)
    wanted = set(wrt)
    for node in reversed(active.nodes):
        application: Application = builder.application(node)
        if not any(tensor in sums for tensor in application.outputs):
            continue
        adding = builder.recording("reverse", node, "accumulate", builder.source_of(node))
        with adding:
            given = tuple(sums.get(t) if t in wanted else sums.pop(t) for t in application.outputs)
        needs = tuple(t in active.tensors and t.spec.is_float for t in application.inputs)
        found = _pull_back(builder, node, application._replace(needs=needs), given)
        with adding:
            for tensor, needed, part in zip(application.inputs, needs, found, strict=True):
                if needed and part is not None:
                    sums.add(tensor, part)
    return _kept(builder, since, [_sum_for(tensor, sums) for tensor in wrt])


def _sum_for(tensor: Tensor, sums: Cotangents) -> Tensor | None:
    builder: Any = tensor.builder
    with builder.recording("reverse", tensor.node, "accumulate", builder.source_of(tensor.node)):
        return sums.get(tensor)


@collector_paused()
def jvp_of(
    outputs: Sequence[Tensor], wrt: Sequence[Tensor], tangents: Sequence[Tensor]
) -> list[Tensor | None]:
    """Run the forward-mode sweep; None stands for a tangent that is zero."""
    builder: Any = outputs[0].builder
    since = builder.next_position
    known: dict[Tensor, Tensor] = {}
    for tensor, given in zip(wrt, tangents, strict=True):
        known[tensor] = known[tensor] + given if tensor in known else given
    for node in _active(outputs, wrt).nodes:
        application: Application = builder.application(node)
        rule = application.op.jvp
        if isinstance(rule, Absent):
            raise _no_derivative(application, node, rule)
        with builder.recording(
            "tangent", node, f"{application.op.name}.jvp", builder.source_of(node)
        ):
            made = rule(application, tuple(known.get(t) for t in application.inputs))
        for tensor, tangent in zip(application.outputs, made, strict=True):
            if tangent is not None:  # one of `wrt` may depend on another: it moves by both
                known[tensor] = known[tensor] + tangent if tensor in known else tangent
    return _kept(builder, since, [known.get(tensor) for tensor in outputs])


def _kept(builder: Any, since: int, found: list[Tensor | None]) -> list[Tensor | None]:  # noqa: ANN401
    """Return what a sweep found, and drop the nodes that it declared for nothing."""
    builder.drop_unread(since, [tensor for tensor in found if tensor is not None])
    return found


def _pull_back(
    builder: Any, node: str, application: Application, given: tuple[Tensor | None, ...]  # noqa: ANN401
) -> Sequence[Tensor | None]:  # fmt: skip
    rule = application.op.vjp
    if isinstance(rule, Absent):
        raise _no_derivative(application, node, rule)
    with builder.recording("reverse", node, f"{application.op.name}.vjp", builder.source_of(node)):
        found = rule(application, given)
    for slot, (tensor, part) in enumerate(zip(application.inputs, found, strict=True)):
        if part is not None and part.spec != tensor.spec:
            msg = (f"the vjp of op {application.op.name!r} gives {part.spec} for slot {slot} of "
                   f"node {node!r}, which is {tensor.spec}")  # fmt: skip
            raise GradientError(msg)
    return found


class _Active:
    """The nodes and tensors that lie between `wrt` and the outputs."""

    def __init__(self, nodes: list[str], tensors: set[Tensor]) -> None:
        self.nodes = nodes  # in order of declaration
        self.tensors = tensors


def _active(outputs: Sequence[Tensor], wrt: Sequence[Tensor]) -> _Active:
    builder: Any = outputs[0].builder
    wanted = set(wrt)
    nodes: dict[str, None] = {}
    stack = [tensor.node for tensor in outputs]
    while stack:
        node = stack.pop()
        if node not in nodes:
            nodes[node] = None
            stack += [t.node for t in builder.application(node).inputs]
    tensors, between = set(wanted), []
    for node in sorted(nodes, key=builder.position):
        application = builder.application(node)
        if application.op.is_flat or builder.blocks_gradient(node):
            continue
        if any(tensor in tensors for tensor in application.inputs):
            floats = [t for t in application.outputs if t.spec.is_float]
            if floats:
                between.append(node)
                tensors.update(floats)
    return _Active(between, tensors)


def _ancestors(tensor: Tensor) -> list[Tensor]:
    """Return the tensors that a gradient from `tensor` reaches, in order of declaration."""
    builder: Any = tensor.builder
    found: dict[Tensor, None] = {}
    stack = [tensor]
    while stack:
        current = stack.pop()
        if current in found or not current.requires_grad:
            continue
        found[current] = None
        if not current.is_leaf:
            stack += builder.application(current.node).inputs
    return sorted(found, key=lambda t: (builder.position(t.node), t.output))


def _no_derivative(application: Application, node: str, absent: Absent) -> GradientError:
    builder: Any = application.outputs[0].builder
    msg = (f"node {node!r} (op {application.op.name!r}, {builder.source_of(node)}) has no "
           f"derivative: {absent.reason}; pass it through df.stop_gradient")  # fmt: skip
    return GradientError(msg)
