"""What equations between matrices share: operands of one stack, and a routine for each matrix.

Least squares, Sylvester's and Riccati's equations have several operands and one solution. NumPy
and SciPy solve them one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import promoted
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    Absent,
    Array,
    Arrays,
    Call,
    Cost,
    Op,
    Rule,
    Sample,
    Specs,
    Workspace,
    register,
)
from dataflow.ops.linalg.stacks import REAL_OF, Routine, as_inexact, matrices_in, tile_stack
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.structure import batch_all, check_inputs, each_index
from dataflow.shapes import common_shape
from dataflow.source import user_line
from dataflow.spec import Spec, shape_text

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["check_operands", "equation", "of_one_dtype", "of_one_stack"]


def check_operands(specs: Specs, count: int) -> None:
    """Refuse operands that are more or fewer, no stacks of matrices, or of several dtypes."""
    check_inputs(specs, count)
    if len({spec.dtype for spec in specs}) != 1 or specs[0].dtype.name not in REAL_OF:
        msg = f"takes one of {', '.join(REAL_OF)}, the same in every slot: cast with astype"
        raise DTypeError(msg)
    if any(spec.ndim < 2 for spec in specs):
        msg = f"takes matrices, not {', '.join(shape_text(spec.shape) for spec in specs)}"
        raise ShapeError(msg)


def of_one_dtype(name: str, op: Op, *operands: TensorLike) -> list[Tensor]:
    """Return matrices in one floating-point dtype; `ShapeError` where one has too few axes."""
    parts = [as_inexact(x) for x in promoted(op, None, *operands)]
    if any(x.ndim < 2 for x in parts):
        shapes = ", ".join(shape_text(x.shape) for x in parts)
        msg = f"{name} ({user_line()}) takes matrices, not {shapes}"
        raise ShapeError(msg)
    return parts


def of_one_stack(name: str, op: Op, *operands: TensorLike) -> list[Tensor]:
    """Return matrices in one floating-point dtype, the axes before them broadcast to each other's.

    Raises
    ------
    ShapeError
        An operand has fewer than two axes, or the axes before don't broadcast.
    """
    parts = of_one_dtype(name, op, *operands)
    stack = common_shape(name, [x.shape[:-2] for x in parts])
    return [broadcast_to(x, (*stack, *x.shape[-2:])) for x in parts]


def equation(  # noqa: PLR0913 - the facts of a record
    name: str, label: str, routine: Routine, *,
    infer: Callable[[Specs, Attrs], Specs], vjp: Rule | Absent, jvp: Rule | Absent,
    samples: Callable[[np.random.Generator], Sequence[Sample]],
    flops: Callable[[Specs], int], internal: Callable[[Specs], int], extra: str = "",
) -> Op:  # fmt: skip
    """Declare and register the op ``linalg.<name>`` whose operands and result are of one stack.

    Parameters
    ----------
    name, label, infer, vjp, jvp, samples, extra
        See `Op`.
    routine : callable
        ``routine(*matrices, attrs=attrs)`` gives one matrix, of one of each operand.
    flops : callable
        ``flops(specs)``: operations for one matrix, of real numbers.
    internal : callable
        ``internal(specs)``: bytes that the routine allocates for one matrix.
    """

    def kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
        return [(_each_one, (partial(routine, attrs=attrs), tuple(ins), outs[0]))]

    def reference(*arrays: Array, attrs: Attrs) -> Array:
        (spec,) = infer(tuple(map(Spec.like, arrays)), attrs)
        out = np.empty(spec.static_shape, spec.dtype)
        _each_one(partial(routine, attrs=attrs), arrays, out)
        return out

    def cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
        return Cost(matrices_in(ins) * flops(ins), traffic(ins, outs))

    return register(Op(
        name=f"linalg.{name}", label=label, infer=infer, kernel=kernel, reference=reference,
        vjp=vjp, jvp=jvp, batch=batch_all, tiling=tile_stack, cost=cost, samples=samples,
        workspace=lambda specs, attrs: Workspace(internal=internal(specs)), fallible=True,
        extra=extra,
    ))  # fmt: skip


def _each_one(routine: Routine, ins: Arrays, out: Array) -> None:
    """Compute one matrix after the other."""
    for place in each_index(out.shape[:-2] if out.size else (0,)):
        out[place] = routine(*(x[place] for x in ins))
