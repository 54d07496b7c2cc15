"""Functions of tensors as bodies of one node: branches, and what is computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dataflow.bodies import cut_out
from dataflow.drafts import Draft, drafting
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.source import user_line
from dataflow.trees import form_of, leaves_of, rebuilt

if TYPE_CHECKING:
    from dataflow.graph import Graph
    from dataflow.tensor import Tensor

__all__ = ["Drafted", "drafted_functions"]


class Drafted(NamedTuple):
    """Functions as graphs of the same operands.

    Parameters
    ----------
    bodies : tuple of Graph
        One for each function.
    operands : list of Tensor
        What each of them takes: the leaves of the arguments, and what any reads from outside.
    form : tree
        Of what they return.
    """

    bodies: tuple[Graph, ...]
    operands: list[Tensor]
    form: Any


def drafted_functions(
    what: str, builder: Any, functions: Sequence[Callable[..., Any]], arguments: tuple[Any, ...]  # noqa: ANN401
) -> Drafted:  # fmt: skip
    """Call functions on stand-ins for the arguments, and cut out what they declare.

    Raises
    ------
    GraphError, ShapeError, DTypeError
        They don't return the same form, shapes and dtypes; the message begins with `what`.
    """
    given = [builder.asarray(leaf) for leaf in leaves_of(arguments)]
    drafts: list[tuple[Draft, list[Tensor]]] = []
    forms: list[Any] = []
    for function in functions:
        with drafting(builder, [tensor.spec for tensor in given], takes_all=True) as draft:
            result = function(*rebuilt(arguments, list(draft.stand_ins)))
            drafts.append((draft, [builder.asarray(leaf) for leaf in leaves_of(result)]))
        forms.append(form_of(result))
    _check_agreement(what, forms, [results for _, results in drafts])
    outer = list(dict.fromkeys(t for draft, results in drafts for t in draft.outside(results)))
    bodies = tuple(cut_out(draft, results, outer) for draft, results in drafts)
    return Drafted(bodies, [*given, *outer], forms[0])


def _check_agreement(what: str, forms: Sequence[object], results: Sequence[list[Tensor]]) -> None:
    """Refuse branches that don't give the same kind of thing."""
    for place, (form, tensors) in enumerate(zip(forms, results, strict=True)):
        if form != forms[0]:
            msg = f"{what} ({user_line()}): branch {place} gives {form}, branch 0 {forms[0]}"
            raise GraphError(msg)
        for first, tensor in zip(results[0], tensors, strict=True):
            if first.spec != tensor.spec:
                kind = ShapeError if first.shape != tensor.shape else DTypeError
                msg = (f"{what} ({user_line()}): branch {place} gives {tensor.spec}, branch 0 "
                       f"{first.spec}")  # fmt: skip
                raise kind(msg)
