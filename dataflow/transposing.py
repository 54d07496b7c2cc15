"""Turns one mode of a derivative into the other: what is linear has a transpose.

A pull-back, from cotangents of results to those of arguments, is linear in the cotangents; the
reverse sweep over it gives its transpose, from tangents of arguments to those of results. And the
other way round. So whoever brings one of the two rules has both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dataflow.bodies import inlined, pulled_back, traced
from dataflow.errors import GradientError

if TYPE_CHECKING:
    from dataflow.graph import Graph
    from dataflow.tensor import Tensor

__all__ = ["transposed"]


def transposed(
    linear: Callable[[list[Tensor], list[Tensor]], Sequence[Tensor]],
    given: Sequence[Tensor], like: Sequence[Tensor], rest: Sequence[Tensor], what: str,
) -> list[Tensor]:  # fmt: skip
    """Apply the transpose of a function that is linear in its first operands.

    Parameters
    ----------
    linear : callable
        ``linear(operands, rest)`` declares the function and returns its results.
    given : sequence of Tensor
        One for each result: what the transpose is applied to.
    like : sequence of Tensor
        Tensors with the specs of the operands; their values don't matter.
    rest : sequence of Tensor
        What else the function reads.
    what : str
        Begins the message of an error.

    Returns
    -------
    list of Tensor
        One for each operand.

    Raises
    ------
    GradientError
        What the transpose gives depends on the operands, so the function isn't linear in them.
    """
    first, second = len(given), len(given) + len(like)

    def transpose(tensors: list[Tensor]) -> list[Tensor]:
        operands = tensors[first:second]
        ends = linear(operands, tensors[second:])
        return pulled_back(ends, operands, tensors[:first])

    every = [*given, *like, *rest]
    builder: Any = every[0].builder
    body = traced(builder, [tensor.spec for tensor in every], transpose)
    if not _read(body).isdisjoint(list(body.inputs)[first:second]):
        msg = f"{what}: it isn't linear"
        raise GradientError(msg)
    return inlined(body, every)


def _read(body: Graph) -> set[str]:
    """Return the nodes that a body's results depend on."""
    found: set[str] = set()
    stack = [ref.node for ref in body.outputs.values()]
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack += body.dag.pred[name]
    return found
