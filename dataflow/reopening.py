"""Finished graphs as the start of new ones: their nodes declared again in a builder.

A builder can go on where a graph ended, a loaded one too (`reopen`); and one graph can use another
as a function of tensors (`inline`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.builder import GraphBuilder
from dataflow.dims import Dim
from dataflow.errors import FeedError, GraphError
from dataflow.graph import Graph, Ref
from dataflow.redeclaring import redeclare
from dataflow.source import user_line
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from dataflow.spec import Spec
    from dataflow.tensor import TensorLike

__all__ = ["check_graph", "inline", "reopen"]


def reopen(graph: Graph, *, seed: int = 0) -> GraphBuilder:
    """Return a builder that goes on where a graph ended.

    Parameters
    ----------
    graph : Graph
        Any graph, also one that was loaded. It stays as it is.
    seed : int
        What the random draws that are declared from now on derive their keys from; those that the
        graph has count as declared before.

    Returns
    -------
    GraphBuilder
        With the graph's nodes, inputs, variables and updates, under their names;
        ``builder.tensor(name)`` gives one.

    Raises
    ------
    GraphError
        It is no graph.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder("square")
    >>> x = b.input("x", shape=("n",))
    >>> graph = b.build(outputs={"y": x * x})
    >>> b = df.reopen(graph)
    >>> y = b.tensor(*graph.outputs["y"])
    >>> list(b.build(outputs={"y": y, "total": y.sum()}).dag)
    ['x', 'multiply_0', 'sum_0']
    """
    check_graph("df.reopen", graph)
    builder = GraphBuilder(graph.name, seed=seed)
    redeclare(builder, graph, {}, {}, keeps_names=True)
    builder.skip_draws(sum(node.op in ("rand", "randn") for node in graph.nodes()))
    return builder


def inline(graph: Graph, /, **feeds: TensorLike) -> dict[str, Tensor]:
    """Declare a graph's nodes on tensors, as if its code stood here.

    Parameters
    ----------
    graph : Graph
        What to compute.
    **feeds : tensor or array
        One for each of its inputs, of its dtype; the graph's named dimensions become those of the
        feeds. At least one is a tensor.

    Returns
    -------
    dict of str to Tensor
        The graph's outputs, by name. Its variables, if any, become variables of the builder under
        the current scope, its updates theirs. Its random keys are constants, and the same at every
        use.

    Raises
    ------
    FeedError
        An input is missing, unknown, or of another shape or dtype than its feed.
    GraphError
        No feed is a tensor, or a variable's name is taken.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder("square")
    >>> x = b.input("x", shape=("n",))
    >>> square = b.build(outputs={"y": x * x})
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.inline(square, x=x + 1)["y"])
    array([4., 9.], dtype=float32)
    """
    check_graph("df.inline", graph)
    builder: Any = builder_of(*feeds.values())
    given = {name: _fed(graph, builder, name, value) for name, value in feeds.items()}
    missing = [name for name in graph.inputs if name not in given]
    if missing:
        msg = f"df.inline ({user_line()}): graph {graph.name!r} needs {missing[0]!r}, not fed"
        raise FeedError(msg)
    sizes: dict[str, int | Dim] = {}
    for name, tensor in given.items():
        _match(f"df.inline ({user_line()}): {name!r}", graph.spec(Ref(name, 0)), tensor, sizes)
    tensors = redeclare(builder, graph, given, sizes)
    return {name: tensors[ref] for name, ref in graph.outputs.items()}


def check_graph(what: str, graph: object) -> None:
    """Refuse what is no graph."""
    if not isinstance(graph, Graph):
        msg = (f"{what} ({user_line()}) takes a graph, not {type(graph).__name__}: "
               "builder.build(...) makes one, df.load reads one")  # fmt: skip
        raise GraphError(msg)


def _fed(graph: Graph, builder: Any, name: str, value: TensorLike) -> Tensor:  # noqa: ANN401
    if name not in graph.inputs:
        msg = (f"df.inline ({user_line()}): graph {graph.name!r} has no input {name!r}; it has "
               f"{list(graph.inputs)}")  # fmt: skip
        raise FeedError(msg)
    if isinstance(value, Tensor):
        return value
    tensor: Tensor = builder.constant(value, dtype=graph.spec(Ref(name, 0)).dtype)
    return tensor


def _match(what: str, spec: Spec, tensor: Tensor, sizes: dict[str, int | Dim]) -> None:
    """Read the sizes of an input's named dimensions off its feed, and compare the rest."""
    if len(spec.shape) == tensor.ndim:
        for dim, size in zip(spec.shape, tensor.shape, strict=True):
            if isinstance(dim, Dim) and dim.names() == {str(dim)}:
                sizes.setdefault(str(dim), size)
    if spec.bind(sizes) != tensor.spec:
        known = f", with {sizes}" if sizes else ""
        msg = f"{what} is {spec}{known}, the feed {tensor.spec}"
        raise FeedError(msg)
