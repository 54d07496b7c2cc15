"""The derivative and batch rules of `custom_gradient`.

The node holds two bodies: *forward*, from the arguments x and what comes from outside to the
results y and the residuals r; and *backward*, from the cotangents of y, from x, what comes from
outside, and r, to the cotangents of x. Then, with P the backward body,

- reverse mode is P, and for the residuals, which only derivatives of derivatives reach, the
  forward body's own reverse sweep;
- forward mode is the transpose of P, since P is linear in the cotangents: the reverse sweep over P,
  from the tangents of x to those of y. Where it isn't linear, there is no forward mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dataflow.attrs import Attrs
from dataflow.bodies import inlined, inlined_batch, placed, spread, traced
from dataflow.errors import GradientError, GraphError
from dataflow.ops.parts import picked, where_given, where_true
from dataflow.seeds import or_zeros
from dataflow.source import node_text
from dataflow.sweeps import jvp_of, vjp_of
from dataflow.transposing import transposed

if TYPE_CHECKING:
    from dataflow.attrs import Body
    from dataflow.dims import Dim
    from dataflow.operation import Application
    from dataflow.tensor import Tensor

__all__ = ["CustomForm", "batch_custom", "jvp_custom", "vjp_custom"]

_T = TypeVar("_T")


class CustomForm(NamedTuple):
    """The attributes of `custom_gradient`.

    Parameters
    ----------
    forward, backward : Body
        As the module says.
    arguments, results : int
        How many there are of x, and of y.
    moved : tuple of int
        Which of the arguments the backward body gives cotangents of.
    """

    forward: Body
    backward: Body
    arguments: int
    results: int
    moved: tuple[int, ...]

    @classmethod
    def of(cls, attrs: Attrs) -> CustomForm:
        """Read attributes.

        Raises
        ------
        GraphError
            One is missing, of another kind or out of range.
        """
        arguments, results = attrs.integer("arguments"), attrs.integer("results")
        bodies, moved = attrs.bodies(), attrs.integers("moved")
        is_known = all(0 <= place < arguments for place in moved)
        if len(bodies) != 2 or min(arguments, results) < 0 or not is_known:
            msg = (
                f"a function with its own gradient has two bodies, not {len(bodies)}; "
                f"{arguments} arguments, {moved} with cotangents; {results} results"
            )
            raise GraphError(msg)
        return cls(*bodies, arguments, results, moved)

    @property
    def graphs(self) -> tuple[Any, Any]:
        """The bodies of a node in a graph, as rules read them."""
        return self.forward, self.backward

    def attrs(self) -> Attrs:
        """Return the attributes that say this."""
        return Attrs(
            bodies=(self.forward, self.backward), arguments=self.arguments, results=self.results,
            moved=self.moved,
        )  # fmt: skip

    def split(self, operands: Sequence[_T]) -> tuple[list[_T], list[_T]]:
        """Return the first and the rest: of operands the arguments and what comes from outside."""
        return list(operands[: self.arguments]), list(operands[self.arguments :])

    def split_results(self, results: Sequence[_T]) -> tuple[list[_T], list[_T]]:
        """Return the results and the residuals."""
        return list(results[: self.results]), list(results[self.results :])


def vjp_custom(
    application: Application, cotangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Use the backward body, and for residuals the forward body's reverse sweep."""
    form = CustomForm.of(application.attrs)
    arguments, outer = form.split(application.inputs)
    needs, outer_needs = form.split(application.needs)
    _refuse_captured(application, outer, outer_needs)
    results, residuals = form.split_results(application.outputs)
    of_results, of_residuals = form.split_results(cotangents)
    parts: list[Tensor | None] = [None] * len(arguments)
    floats = where_true([tensor.spec.is_float for tensor in results])
    if where_given(of_results):
        seeds = or_zeros("cotangent", picked(results, floats), picked(of_results, floats))
        made = inlined(form.graphs[1], [*seeds, *arguments, *outer, *residuals])
        parts = placed(made, form.moved, len(arguments))
    given = where_given(of_residuals)
    wanted = where_true(needs)
    if given and wanted:
        ends = picked(inlined(form.graphs[0], application.inputs)[form.results :], given)
        found = vjp_of(ends, picked(arguments, wanted), picked(of_residuals, given))
        for place, part in zip(wanted, found, strict=True):
            parts[place] = _sum(parts[place], part)
    kept = [part if need else None for part, need in zip(parts, needs, strict=True)]
    return [*kept, *[None] * len(outer)]


def jvp_custom(
    application: Application, tangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Transpose the backward body, and push through the forward body for residuals."""
    form = CustomForm.of(application.attrs)
    arguments, outer = form.split(application.inputs)
    of_arguments, of_outer = form.split(tangents)
    _refuse_captured(application, outer, [tangent is not None for tangent in of_outer])
    results, residuals = form.split_results(application.outputs)
    floats = where_true([tensor.spec.is_float for tensor in results])
    given = [place for place in where_given(of_arguments) if place in form.moved]
    found: list[Tensor | None] = [None] * len(results)
    if given and floats:
        places = [form.moved.index(place) for place in given]

        def pull(seeds: list[Tensor], rest: list[Tensor]) -> list[Tensor]:
            return picked(inlined(form.graphs[1], [*seeds, *rest]), places)

        rest = [*arguments, *outer, *residuals]
        made = transposed(
            pull, picked(of_arguments, given), picked(results, floats), rest,
            f"{_where(application)}, has no forward mode by its gradient; use reverse mode",
        )  # fmt: skip
        found = placed(made, floats, len(results))
    moving = where_true([tensor.spec.is_float for tensor in residuals])
    if not moving or not where_given(of_arguments):
        return [*found, *[None] * len(residuals)]
    ends = picked(inlined(form.graphs[0], application.inputs)[form.results :], moving)
    places = where_given(of_arguments)
    pushed = jvp_of(ends, picked(arguments, places), picked(of_arguments, places))
    by_place = dict(zip(moving, pushed, strict=True))
    return [*found, *(by_place.get(place) for place in range(len(residuals)))]


def batch_custom(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    """Hold both bodies of a whole batch."""
    form = CustomForm.of(application.attrs)
    arguments, outer = form.split(inputs)
    flags, outer_flags = form.split(batched)
    every = [
        tensor if flag else spread(tensor, size)
        for tensor, flag in zip(arguments, flags, strict=True)
    ]
    wide = [*[True] * len(every), *outer_flags]
    builder: Any = inputs[0].builder
    forward = traced(
        builder, [tensor.spec for tensor in (*every, *outer)],
        lambda tensors: inlined_batch(form.graphs[0], tensors, wide, size),
    )  # fmt: skip
    made, residuals = form.split_results(forward.output_specs)
    seeds = [spec for spec in made if spec.is_float]
    back = [*[True] * len(seeds), *wide, *[True] * len(residuals)]
    specs = [*seeds, *(tensor.spec for tensor in (*every, *outer)), *residuals]
    backward = traced(
        builder, specs, lambda tensors: inlined_batch(form.graphs[1], tensors, back, size)
    )
    new = form._replace(forward=forward, backward=backward)
    return list(builder.apply(application.op, [*every, *outer], new.attrs()))


def _sum(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _refuse_captured(
    application: Application, outer: Sequence[Tensor], needs: Sequence[bool]
) -> None:
    """Refuse a derivative by what the function read from outside."""
    for tensor, needed in zip(outer, needs, strict=True):
        if needed:
            msg = (
                f"{_where(application)}, is differentiated by {tensor.node!r}, which its function "
                "reads from outside and its gradient knows nothing of: make it an argument, or "
                "pass it through df.stop_gradient"
            )
            raise GradientError(msg)


def _where(application: Application) -> str:
    node = application.outputs[0].node
    builder: Any = application.outputs[0].builder
    return node_text(node, application.op.name, builder.source_of(node))
