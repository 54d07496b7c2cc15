"""`differentiate`: derivatives of a finished graph, as a graph with more outputs.

The graph is opened again, a sweep declares its nodes in it, and it is built anew: so what was
loaded from a file is differentiated like what is being declared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dataflow.derivatives import grad, jvp
from dataflow.errors import GradientError, NameTakenError, UnknownNameError
from dataflow.graph import Graph, Ref
from dataflow.jacobians import hessian, jacobian
from dataflow.reopening import check_graph, reopen
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.builder import GraphBuilder
    from dataflow.tensor import Tensor

__all__ = ["differentiate"]


def differentiate(
    graph: Graph, of: str, wrt: str | Sequence[str], *, mode: str = "reverse"
) -> Graph:
    """Return a graph that computes derivatives besides what it computed.

    Parameters
    ----------
    graph : Graph
        Any graph, also one that was loaded. It stays as it is.
    of : str
        The output, or the node, that is differentiated.
    wrt : str or sequence of str
        The inputs, variables, outputs or nodes by which.
    mode : str
        ``"reverse"``: new outputs ``grad.<wrt>``. An output that is no scalar gets a new input
        ``cotangent.<of>``, of its shape and dtype, that is multiplied with.
        ``"forward"``: new inputs ``tangent.<wrt>``, and one new output ``tangent.<of>``.
        ``"jacobian"``: new outputs ``jacobian.<wrt>``, of the shape of `of`, then of `wrt`.
        ``"hessian"``: new outputs ``hessian.<wrt>.<wrt>`` for every two, of a scalar.

    Returns
    -------
    Graph
        With the old inputs, variables, updates and outputs, and the new ones.

    Raises
    ------
    UnknownNameError
        There is no such output or node.
    GradientError
        There is no such mode or no such derivative.
    NameTakenError
        The graph has an input or output of a new one's name.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder("energy")
    >>> x = b.input("x", shape=("n",), dtype="float64")
    >>> graph = df.differentiate(b.build(outputs={"energy": (x * x).sum()}), "energy", "x")
    >>> df.Runner(df.compile(graph, dims={"n": 2})).run(x=[1.0, 2.0])
    {'energy': array(5.), 'grad.x': array([2., 4.])}
    """
    check_graph("df.differentiate", graph)
    sweeps = {"reverse": _reverse, "forward": _forward, "jacobian": _jacobian, "hessian": _hessian}
    if mode not in sweeps:
        msg = f"df.differentiate ({user_line()}): mode is one of {list(sweeps)}, not {mode!r}"
        raise GradientError(msg)
    builder = reopen(graph)
    names = [wrt] if isinstance(wrt, str) or not isinstance(wrt, Sequence) else list(wrt)
    output, *tensors = (_found(graph, builder, name) for name in (of, *names))
    made = sweeps[mode](builder, of, output, dict(zip(names, tensors, strict=True)))
    taken = [name for name in made if name in graph.outputs]
    if taken:
        msg = (f"df.differentiate ({user_line()}): graph {graph.name!r} has an output {taken[0]!r} "
               "already: rename it, or differentiate the graph before it had one")  # fmt: skip
        raise NameTakenError(msg)
    old = {name: builder.tensor(*ref) for name, ref in graph.outputs.items()}
    return builder.build(outputs={**old, **made})


def _found(graph: Graph, builder: GraphBuilder, name: str) -> Tensor:
    """Return what a name stands for: an output of the graph, or a node's first output."""
    is_name = isinstance(name, str)
    if not is_name or (name not in graph.outputs and name not in graph.dag):
        msg = (f"df.differentiate ({user_line()}): graph {graph.name!r} has no output or node "
               f"{name!r}; its outputs: {list(graph.outputs)}, its inputs: {list(graph.inputs)}, "
               f"its variables: {list(graph.variables)}")  # fmt: skip
        raise UnknownNameError(msg)
    return builder.tensor(*graph.outputs.get(name, Ref(name, 0)))


def _reverse(
    builder: GraphBuilder, of: str, output: Tensor, wrt: dict[str, Tensor]
) -> dict[str, Tensor]:
    is_scalar = output.shape == ()
    seed = None if is_scalar else builder.input(f"cotangent.{of}", output.shape, output.dtype)
    found = grad(output, tuple(wrt.values()), seed)
    return {f"grad.{name}": gradient for name, gradient in zip(wrt, found, strict=True)}


def _forward(
    builder: GraphBuilder, of: str, output: Tensor, wrt: dict[str, Tensor]
) -> dict[str, Tensor]:
    tangents = [builder.input(f"tangent.{n}", t.shape, t.dtype) for n, t in wrt.items()]
    return {f"tangent.{of}": jvp(output, tuple(wrt.values()), tangents)}


def _jacobian(
    builder: GraphBuilder, of: str, output: Tensor, wrt: dict[str, Tensor]
) -> dict[str, Tensor]:
    blocks = jacobian(output, tuple(wrt.values()))
    return {f"jacobian.{name}": block for name, block in zip(wrt, blocks, strict=True)}


def _hessian(
    builder: GraphBuilder, of: str, output: Tensor, wrt: dict[str, Tensor]
) -> dict[str, Tensor]:
    rows = hessian(output, tuple(wrt.values()))
    return {
        f"hessian.{first}.{second}": block
        for first, row in zip(wrt, rows, strict=True)
        for second, block in zip(wrt, row, strict=True)
    }
