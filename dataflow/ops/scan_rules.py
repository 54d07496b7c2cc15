"""The derivative and batch rules of `scan`: scans again, with bodies made from the body.

Reverse mode runs a scan the other way round. A step of it reads the carries and rows that the
forward step had, computes the body once more, and pulls the cotangents back through it. Its carries
are the cotangents of the forward carries, and the sums for what comes from outside:

    forward   c ──► body ──► c'                  history: c before each step
    reverse   c̄ ◄── body's vjp ◄── c̄'            w̄ ◄── w̄ + this step's

Forward mode runs a scan of the tangents in the forward order, which reads the history too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dataflow.bodies import inlined, inlined_batch, placed, pulled_back, spread, traced
from dataflow.calling import call_function
from dataflow.errors import GradientError
from dataflow.ops.parts import cut, picked, where_given, where_true
from dataflow.ops.scan_form import ScanForm
from dataflow.seeds import or_zeros
from dataflow.sweeps import jvp_of

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.graph import Graph
    from dataflow.operation import Application
    from dataflow.spec import Spec
    from dataflow.tensor import Tensor

__all__ = ["batch_scan", "jvp_scan", "vjp_scan"]


class _Pull(NamedTuple):
    """What a step of the reverse loop pulls back, by places among the forward loop's ends.

    Parameters
    ----------
    form : ScanForm
        The forward loop's.
    carried : list of int
        The carries that have cotangents.
    by_rows, by_outer : list of int
        The stacks, and what comes from outside, by which is differentiated.
    rows, before : list of int
        The results' rows, and the carries in the history, whose cotangents are given.
    """

    form: ScanForm
    carried: list[int]
    by_rows: list[int]
    by_outer: list[int]
    rows: list[int]
    before: list[int]

    def cut(self, tensors: Sequence[Tensor], sums: int) -> list[list[Tensor]]:
        """Return the parts of a step's inputs, with so many sums."""
        return cut(tensors, len(self.carried), sums, self.form.carries, self.form.stacks,
                   len(self.rows), len(self.before))  # fmt: skip

    def pulled(self, parts: Sequence[list[Tensor]]) -> list[list[Tensor]]:
        """Return one step's cotangents of the carries, of the stacks, and of what is outside."""
        last, _, carries, stacks, row_cotangents, history_cotangents, outer = parts
        made = inlined(self.form.graph, [*carries, *stacks, *outer])
        ends = [made[i] for i in self.carried] + [made[self.form.carries + i] for i in self.rows]
        wrt = [*picked(carries, self.carried), *picked(stacks, self.by_rows),
               *picked(outer, self.by_outer)]  # fmt: skip
        found = pulled_back(ends, wrt, [*last, *row_cotangents])
        by_carries, by_stacks, by_outside = cut(found, len(self.carried), len(self.by_rows))
        for place, cotangent in zip(self.before, history_cotangents, strict=True):
            at = self.carried.index(place)
            by_carries[at] = by_carries[at] + cotangent
        return [by_carries, by_stacks, by_outside]

    def products(self, builder: Any, specs: Sequence[Spec]) -> dict[int, tuple[int, int]]:  # noqa: ANN401
        """Return which sums are of products of rows that are stacked in any case.

        For each such place in `by_outer`, the operand of the loop and the stack of results whose
        rows are multiplied: one product of all rows takes the place of a product a step.
        """
        fresh = builder.fresh("body")
        inputs = [fresh.input(f"in_{i}", s.shape, s.dtype) for i, s in enumerate(specs)]
        parts = self.cut(inputs, len(self.by_outer))
        _, by_stacks, by_outside = self.pulled(parts)
        read = {_ref(tensor): place for place, tensor in enumerate([*parts[2], *parts[3]])}
        made = {_ref(tensor): place for place, tensor in enumerate(by_stacks)}
        found = {}
        for place, tensor in enumerate(by_outside):
            left, right = _factors(fresh, tensor)
            if left in read and right in made:
                found[place] = read[left], made[right]
        return found


def _ref(tensor: Tensor) -> tuple[str, int]:
    return tensor.node, tensor.output


def _factors(builder: Any, tensor: Tensor) -> tuple[object, object]:  # noqa: ANN401
    """Return a and b where a tensor is the product of a's transpose and b, both matrices."""
    application = builder.application(tensor.node)
    if application.op.name != "matmul" or tensor.ndim != 2:
        return None, None
    left, right = application.inputs
    turned = builder.application(left.node)
    is_turned = turned.op.name == "transpose" and left.ndim == right.ndim == 2
    return (_ref(turned.inputs[0]), _ref(right)) if is_turned else (None, None)


def vjp_scan(
    application: Application, cotangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Run the loop backwards, each step's cotangents through the body's reverse sweep."""
    form = ScanForm.of(application.attrs)
    inputs, needs = form.split(application.inputs), form.split(application.needs)
    of_last, of_rows, of_history = form.split_results(cotangents)
    history = _history(form, application)
    carried = [i for i, tensor in enumerate(inputs[0]) if tensor.spec.is_float]
    by_rows, by_outer = (where_true(flags) for flags in needs[1:])
    pull = _Pull(form, carried, by_rows, by_outer, where_given(of_rows), where_given(of_history))
    stacks = [*history, *inputs[1], *picked(of_rows, pull.rows), *picked(of_history, pull.before)]
    firsts, weights = picked(inputs[0], carried), picked(inputs[2], by_outer)
    specs = _step_specs([*firsts, *weights], stacks, inputs[2])
    products = pull.products(application.inputs[0].builder, specs)
    summed = [place for place in range(len(by_outer)) if place not in products]

    def step(tensors: list[Tensor]) -> list[Tensor]:
        parts = pull.cut(tensors, len(summed))
        by_carries, by_stacks, by_outside = pull.pulled(parts)
        sums = zip(parts[1], picked(by_outside, summed), strict=True)
        return [*by_carries, *(a + b for a, b in sums), *by_stacks]

    starts = [*firsts, *picked(weights, summed)]
    seeds = [*picked(of_last, carried), *[None] * len(summed)]
    made = _scanned(
        application, step, or_zeros("cotangent", starts, seeds), stacks, inputs[2],
        reverse=not form.reverse,
    )  # fmt: skip
    by_carries, sums, by_stacks = cut(made, len(carried), len(summed), len(by_rows))[:3]
    by_outside = dict(zip(summed, sums, strict=True))
    for place, (operand, result) in products.items():
        left, right = _all_rows(stacks[operand]), _all_rows(by_stacks[result])
        by_outside[place] = call_function("transpose", left) @ right
    asked = [i for i in carried if needs[0][i]]
    by_starts = [part for i, part in zip(carried, by_carries, strict=True) if needs[0][i]]
    return [
        *placed(by_starts, asked, form.carries),
        *placed(by_stacks, by_rows, form.stacks),
        *placed([by_outside[place] for place in range(len(by_outer))], by_outer, len(inputs[2])),
    ]


def _all_rows(stack: Tensor) -> Tensor:
    """Return the rows of all matrices of a stack as one matrix."""
    length, rows, columns = stack.shape
    return call_function("reshape", stack, (length * rows, columns))


def jvp_scan(
    application: Application, tangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Run the loop on tangents, each step's through the body's forward-mode sweep."""
    form = ScanForm.of(application.attrs)
    inputs, given = form.split(application.inputs), form.split(tangents)
    rows, history = form.split_results(application.outputs)[1], _history(form, application)
    carried = [i for i, tensor in enumerate(inputs[0]) if tensor.spec.is_float]
    by_rows, by_outer = where_given(given[1]), where_given(given[2])
    moving = [i for i, tensor in enumerate(rows) if tensor.spec.is_float]

    def step(tensors: list[Tensor]) -> list[Tensor]:
        parts = cut(tensors, len(carried), form.carries, form.stacks, len(by_rows), len(inputs[2]))
        of_carries, carries, stacks, of_stacks, outer, of_outer = parts
        made = inlined(form.graph, [*carries, *stacks, *outer])
        ends = [made[i] for i in carried] + [made[form.carries + i] for i in moving]
        wrt = picked(carries, carried) + picked(stacks, by_rows) + picked(outer, by_outer)
        directions = [*of_carries, *of_stacks, *of_outer]
        return or_zeros("tangent", ends, jvp_of(ends, wrt, directions) if ends else [])

    starts = or_zeros("tangent", picked(inputs[0], carried), picked(given[0], carried))
    stacks = [*history, *inputs[1], *picked(given[1], by_rows)]
    outer = [*inputs[2], *picked(given[2], by_outer)]
    made = _scanned(application, step, starts, stacks, outer, reverse=form.reverse)
    last, of_rows, of_history = cut(made, len(carried), len(moving))
    return [
        *placed(last, carried, form.carries),
        *placed(of_rows, moving, len(rows)),
        *placed(of_history, carried, form.carries),
    ]


def batch_scan(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    """Run one loop whose steps are those of a whole batch."""
    form = ScanForm.of(application.attrs)
    carries, stacks, outer = form.split(inputs)
    flags = [*[True] * form.carries, *batched[form.carries :]]
    starts = [
        tensor if has_batch else spread(tensor, size)
        for tensor, has_batch in zip(carries, batched, strict=False)
    ]
    rows = [
        call_function("moveaxis", tensor, 1, 0) if has_batch else tensor
        for tensor, has_batch in zip(stacks, flags[form.carries :], strict=False)
    ]

    def step(tensors: list[Tensor]) -> list[Tensor]:
        return inlined_batch(form.graph, tensors, flags, size)

    made = _scanned(
        application, step, starts, rows, outer, reverse=form.reverse, history=form.history
    )
    last, rest = made[: form.carries], made[form.carries :]
    return [*last, *(call_function("moveaxis", tensor, 0, 1) for tensor in rest)]


def _history(form: ScanForm, application: Application) -> list[Tensor]:
    if not form.history:
        msg = f"node {application.outputs[0].node!r}: a scan without its history has no derivative"
        raise GradientError(msg)
    return form.split_results(application.outputs)[2]


def _scanned(
    application: Application, step: Any, carries: Sequence[Tensor], stacks: Sequence[Tensor],  # noqa: ANN401
    outer: Sequence[Tensor], *, reverse: bool, history: bool = True,
) -> list[Tensor]:  # fmt: skip
    """Declare another scan of the same length, of a body that a function declares."""
    form = ScanForm.of(application.attrs)
    specs = _step_specs(carries, stacks, outer)
    builder: Any = application.inputs[0].builder
    body: Graph = traced(builder, specs, step)
    new = ScanForm(body, len(carries), len(stacks), form.length, reverse, history)
    operands = [*carries, *stacks, *outer]
    return list(builder.apply(application.op, operands, new.attrs()))


def _step_specs(
    carries: Sequence[Tensor], stacks: Sequence[Tensor], outer: Sequence[Tensor]
) -> list[Spec]:
    """Return the specs of a step's inputs: of a stack, a row."""
    rows = [tensor.spec.with_shape(tensor.shape[1:]) for tensor in stacks]
    return [*(t.spec for t in carries), *rows, *(t.spec for t in outer)]
