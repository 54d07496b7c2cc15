"""Drafts: what a function does to one example, to be declared for a whole batch of them.

A function of tensors can't be asked what it does; it can only be called. So it is called once, on
*stand-ins*, leaves of the specs of one example. The nodes that depend on a stand-in are then
withdrawn from the builder and declared again by their ops' batch rules, with one more leading
axis; what doesn't depend on them stays as it is, once for the whole batch:

    s --(multiply w)--> t --(sum)--> u          the draft, of one example
    x --(multiply w)--> y --(sum axis=1)--> z   what is declared, of a batch x

A Jacobian is the same with a sweep as the function, one cotangent as the example, and the rows of
the identity as the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from dataflow.errors import GraphError
from dataflow.operation import Absent
from dataflow.source import node_text

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.nodes import Declared
    from dataflow.spec import Spec
    from dataflow.tensor import Tensor

__all__ = ["Draft", "drafting"]


class Draft:
    """Nodes that depend on stand-ins, withdrawn from their builder.

    Parameters
    ----------
    builder : GraphBuilder
        The builder.
    stand_ins : tuple of Tensor
        The leaves, each of one example's spec.
    """

    def __init__(self, builder: Any, stand_ins: tuple[Tensor, ...]) -> None:  # noqa: ANN401
        self.builder = builder
        self.stand_ins = stand_ins
        self.declared: Sequence[Declared] = ()

    def batch(
        self, values: Sequence[Tensor], size: int | Dim, results: Sequence[Tensor]
    ) -> list[tuple[Tensor, bool]]:
        """Declare the draft for a batch.

        Parameters
        ----------
        values : sequence of Tensor
            For every stand-in, a tensor with one more leading axis of length `size`.
        size : int or Dim
            The number of examples.
        results : sequence of Tensor
            What is wanted: tensors of the draft, or others.

        Returns
        -------
        list of (Tensor, bool)
            For each of `results` the tensor, and whether it has the new leading axis: it has none
            where it doesn't depend on a stand-in.

        Raises
        ------
        GraphError
            An op has no batch rule.
        """
        known = dict(zip(self.stand_ins, values, strict=True))
        names: dict[str, str] = {}
        wanted = _leading_to(self.declared, results)
        for node in self.declared:
            if node.name in wanted:
                made = self._batched(node, known, names, size)
                known.update(zip(node.application.outputs, made, strict=True))
        return [(known.get(tensor, tensor), tensor in known) for tensor in results]

    def outside(self, results: Sequence[Tensor]) -> list[Tensor]:
        """Return the tensors that are read from outside, or are themselves wanted, in order."""
        wanted = _leading_to(self.declared, results)
        nodes = [node for node in self.declared if node.name in wanted]
        made = {*self.stand_ins, *(tensor for node in nodes for tensor in node.application.outputs)}
        read = [tensor for node in nodes for tensor in node.application.inputs]
        return [tensor for tensor in dict.fromkeys([*read, *results]) if tensor not in made]

    def redeclare(
        self, builder: Any, known: dict[Tensor, Tensor], results: Sequence[Tensor]  # noqa: ANN401
    ) -> None:  # fmt: skip
        """Declare what the results depend on in another builder, adding to `known`.

        Parameters
        ----------
        builder : GraphBuilder
            Where.
        known : dict of Tensor to Tensor
            What stands there for a tensor here; at first for every stand-in, and for every tensor
            from outside.
        results : sequence of Tensor
            What is wanted.
        """
        names: dict[str, str] = {}
        wanted = _leading_to(self.declared, results)
        for node in self.declared:
            if node.name in wanted:
                op, attrs, inputs = node.application[:3]
                with self._belonging(builder, node, names):
                    made = (
                        builder.apply(op, [known[t] for t in inputs], attrs)
                        if node.value is None
                        else (builder.constant(node.value),)
                    )
                names[node.name] = made[0].node
                known.update(zip(node.application.outputs, made, strict=True))

    @contextmanager
    def _belonging(self, builder: Any, node: Declared, names: dict[str, str]) -> Iterator[None]:  # noqa: ANN401
        """Let what is declared belong to the line and the sweep of a node of the draft."""
        forward = names.get(node.forward, node.forward)
        sealed = builder.no_grad() if node.no_grad else nullcontext()
        with sealed, builder.recording(node.sweep, forward, node.rule, node.source):
            yield

    def _batched(
        self, node: Declared, known: dict[Tensor, Tensor], names: dict[str, str], size: int | Dim
    ) -> Sequence[Tensor]:
        application = node.application
        rule = application.op.batch
        if isinstance(rule, Absent):
            where = node_text(node.name, application.op.name, node.source)
            msg = f"{where} has no batch rule: {rule.reason}"
            raise GraphError(msg)
        flags = tuple(tensor in known for tensor in application.inputs)
        inputs = tuple(known.get(tensor, tensor) for tensor in application.inputs)
        with self._belonging(self.builder, node, names):
            made = rule(application, inputs, flags, size)
        names[node.name] = made[0].node
        return made


@contextmanager
def drafting(
    builder: Any, specs: Sequence[Spec], *, takes_all: bool = False  # noqa: ANN401 - a GraphBuilder
) -> Iterator[Draft]:  # fmt: skip
    """Give a draft whose stand-ins can be used within the ``with`` block, and no longer.

    Parameters
    ----------
    builder : GraphBuilder
        Where.
    specs : sequence of Spec
        Of the stand-ins.
    takes_all : bool
        Whether all that is declared within the block is drafted: of a branch, which may not be
        taken. Else what depends on no stand-in stays where it is.

    Raises
    ------
    GraphError
        At the end of the block, what depends on a stand-in is a variable's update or gradient.
    """
    since = builder.next_position if takes_all else None
    before = builder.promises()
    draft = Draft(builder, tuple(builder.stand_in(spec) for spec in specs))
    try:
        yield draft
    except BaseException:
        with suppress(GraphError):  # what went wrong first is what the user must hear of
            builder.withdraw(draft.stand_ins, since)
        builder.restore(before)
        raise
    try:
        draft.declared = builder.withdraw(draft.stand_ins, since)
    except GraphError:
        builder.restore(before)
        raise


def _leading_to(declared: Sequence[Declared], results: Sequence[Tensor]) -> set[str]:
    """Return the names of the nodes that the results depend on."""
    by_name = {node.name: node for node in declared}
    wanted: set[str] = set()
    stack = [tensor.node for tensor in results]
    while stack:
        name = stack.pop()
        if name in by_name and name not in wanted:
            wanted.add(name)
            stack += [tensor.node for tensor in by_name[name].application.inputs]
    return wanted
