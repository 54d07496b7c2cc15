"""`GraphBuilder`: declares a computation node by node in a growing networkx DAG.

The builder is the graph while it can still change, so that sweeps are written once: they add
nodes through `GraphBuilder.apply` like everyone else. `GraphBuilder.build` freezes the DAG.
What it can do stands in four files, each a class over the one before:

    nodes.py        a node is declared, and belongs to a line, a sweep and a scope
    leaves.py       inputs, constants, draws
    variables.py    variables and their updates
    builder.py      gradients that add up, and the graph when it is done
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import networkx as nx

import dataflow.sweeps  # noqa: F401 - enters `backward` among the functions of tensors
from dataflow.attrs import Attrs
from dataflow.collecting import collector_paused
from dataflow.creating import Creation
from dataflow.current import within
from dataflow.dags import copied
from dataflow.dim_texts import as_dim
from dataflow.dims import Dim, DimLike, as_int, product
from dataflow.errors import GraphError, ShapeError
from dataflow.graph import Graph, Ref, Variable
from dataflow.registry import get_op
from dataflow.source import user_line
from dataflow.spec import as_dtype
from dataflow.tensor import Tensor
from dataflow.values import shortened
from dataflow.variables import Variables

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from dataflow.nodes import Declared

__all__ = ["GraphBuilder"]


class GraphBuilder(Variables, Creation):
    """Declares a graph.

    Parameters
    ----------
    name : str
        The graph's name.
    seed : int
        What every random draw of this graph derives its key from.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder("line")
    >>> x = b.input("x", shape=("batch",), dtype="float32")
    >>> y = 2 * x + 1
    >>> b.build(outputs={"y": y}).spec(df.Ref(y.node, 0))
    Spec('float32[batch]')
    """

    def __init__(self, name: str = "graph", *, seed: int = 0) -> None:
        if not isinstance(name, str):
            msg = f"GraphBuilder ({user_line()}): its name is a text, not {shortened(name)}"
            raise GraphError(msg)
        start = as_int(seed)
        if start is None or start < 0:
            msg = (f"GraphBuilder ({user_line()}): its seed is an int of 0 or more, not "
                   f"{shortened(seed)}")  # fmt: skip
            raise GraphError(msg)
        super().__init__(name, start)
        self._grads: dict[Tensor, Tensor] = {}
        self._entered: list[AbstractContextManager[None]] = []

    def __reduce_ex__(self, protocol: object) -> Any:  # noqa: ANN401 - never returns
        msg = "a builder can't be copied or pickled: build its graph, and df.save that"
        raise GraphError(msg)

    def __enter__(self) -> Self:
        """Let creation functions declare in this graph, within the ``with`` block."""
        self._entered.append(within(self))
        self._entered[-1].__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._entered.pop().__exit__(None, None, None)

    def fresh(self, name: str) -> GraphBuilder:
        """Return an empty builder of another graph, such as the body of a loop."""
        return GraphBuilder(name)

    def dim(self, text: DimLike) -> int | Dim:
        """Return a dimension by name or expression, to calculate with.

        Examples
        --------
        >>> GraphBuilder().dim("batch") * 2
        Dim('2*batch')
        """
        try:
            return as_dim(text)
        except ShapeError as error:
            msg = f"dim ({user_line()}): {error}"
            raise ShapeError(msg) from None

    def size_of(self, dims: Sequence[int | Dim], dtype: object) -> Tensor:
        """Return the product of dimensions as a scalar tensor, a constant once they are bound."""
        if not isinstance(dims, Iterable) or any(not isinstance(d, int | Dim) for d in dims):
            msg = f"size_of ({user_line()}) takes ints and dimensions, not {shortened(dims)}"
            raise ShapeError(msg)
        attrs = Attrs(dtype=as_dtype(dtype).name, dims=(product(dims),))
        return self.apply(get_op("size"), (), attrs)[0]

    def gradient(self, tensor: Tensor) -> Tensor | None:
        """Return what ``backward()`` has added up for a tensor; None before the first."""
        return self._grads.get(tensor) if self._owns(tensor) else None

    def accumulate(self, tensor: Tensor, gradient: Tensor) -> None:
        """Add to a tensor's gradient."""
        before = self._grads.get(tensor)
        self._grads[tensor] = gradient if before is None else before + gradient

    @property
    def next_position(self) -> int:
        """The place in the order of declaration that the next node will have."""
        return self._next_position

    def promises(self) -> tuple[dict[str, Tensor], dict[Tensor, Tensor]]:
        """Return the updates and the gradients as they stand, for `restore`."""
        return dict(self._updates), dict(self._grads)

    def restore(self, promises: tuple[dict[str, Tensor], dict[Tensor, Tensor]]) -> None:
        """Set updates and gradients back to what they were: what came since is refused."""
        self._updates, self._grads = promises

    def withdraw(
        self, stand_ins: Sequence[Tensor], since: int | None = None
    ) -> tuple[Declared, ...]:
        """Take stand-ins and what depends on them out of the graph; see `dataflow.drafts`.

        Parameters
        ----------
        stand_ins : sequence of Tensor
            The leaves.
        since : int, optional
            Take all nodes out that were declared from this position on, but for leaves.

        Returns
        -------
        tuple of Declared
            The nodes, in the order of declaration, the stand-ins not among them.

        Raises
        ------
        GraphError
            An update or a gradient that stays depends on them; it is dropped.
        """
        leaves = {tensor.node for tensor in stand_ins}
        self._stand_ins -= leaves
        more = () if since is None else self._declared_since(since)
        declared = tuple(
            node._replace(value=self._constants.pop(node.name, None))
            for node in self._remove({*leaves, *more})
            if node.name not in leaves
        )
        updates = [n for n, tensor in self._updates.items() if not self._owns(tensor)]
        gradients = [t for t, gradient in self._grads.items() if not self._owns(gradient)]
        for name in updates:
            del self._updates[name]
        for tensor in gradients:
            del self._grads[tensor]
        kept = [f"the update of variable {name!r}" for name in updates]
        kept += [f"the gradient of {t.node!r}" for t in gradients if self._owns(t)]
        if kept:
            msg = (f"{kept[0]} ({user_line()}) depends on one example of a batch, one step of a "
                   "loop or a branch: return it from the function, and set it outside")  # fmt: skip
            raise GraphError(msg)
        return declared

    def drop_unread(self, since: int, kept: Sequence[Tensor]) -> None:
        """Drop the nodes declared from a position on that none of some tensors depends on.

        A rule may declare what its results don't need: the cotangent of what has no derivative, or
        the shape of something that it conjugates.
        """
        dead = set(self._declared_since(since))
        stack = [tensor.node for tensor in kept]
        while stack:
            name = stack.pop()
            if name in dead:
                dead.remove(name)
                stack += self._dag.predecessors(name)
        for node in self._remove(dead):
            self._constants.pop(node.name, None)

    def _state(self, name: str, update: Ref | None) -> Variable:
        first, variable = self._initials[name], self.tensor(name)
        return Variable(Ref(first.node, first.output), update, variable.requires_grad)

    def build(
        self, outputs: Mapping[str, Tensor] | Sequence[Tensor] | Tensor | None = None
    ) -> Graph:
        """Freeze what was declared into a graph; the builder can go on and build again.

        Parameters
        ----------
        outputs : mapping of str to Tensor, sequence of Tensor, or Tensor
            The results, by name; without names they are called by their nodes.

        Returns
        -------
        Graph
            Verified.

        Raises
        ------
        GraphError
            An output is no tensor of this builder.
        """
        if self._stand_ins:
            msg = (f"build ({user_line()}): a function that is called with one example of a batch "
                   "has no values: build or evaluate what it returns")  # fmt: skip
            raise GraphError(msg)
        if outputs is None:
            outputs = {}
        if isinstance(outputs, Tensor):
            outputs = (outputs,)
        if not isinstance(outputs, Iterable):
            msg = f"build ({user_line()}): outputs are tensors, by name or not, not {outputs!r}"
            raise GraphError(msg)
        if not isinstance(outputs, Mapping):
            outputs = {t.node if isinstance(t, Tensor) else str(t): t for t in outputs}
        for name, tensor in outputs.items():
            if not self._owns(tensor):
                msg = (f"build ({user_line()}): output {name!r} is no tensor of graph "
                       f"{self.name!r}")  # fmt: skip
                raise GraphError(msg)
            if not isinstance(name, str) or not name:
                msg = (f"build ({user_line()}): an output's name is a text that isn't empty, not "
                       f"{shortened(name)}")  # fmt: skip
                raise GraphError(msg)
        updates = {name: Ref(t.node, t.output) for name, t in self._updates.items()}
        with collector_paused():
            graph = Graph(
                name=self.name,
                dag=nx.freeze(copied(self._dag)),
                inputs=tuple(self._inputs),
                outputs={name: Ref(t.node, t.output) for name, t in outputs.items()},
                variables={name: self._state(name, updates.get(name)) for name in self._initials},
                constants=self._constants,
            )  # fmt: skip
            graph.verify()
        return graph
