"""Loops whose length is known only when they run, declared with functions: `while_loop`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.bodies import cut_out
from dataflow.current import builder_for
from dataflow.dim_texts import as_dim
from dataflow.dispatch import public
from dataflow.drafts import drafting
from dataflow.errors import ArgumentError, DTypeError
from dataflow.ops.loops import check_carry
from dataflow.ops.while_form import WhileForm
from dataflow.ops.while_op import WHILE
from dataflow.source import user_line
from dataflow.trees import leaves_of, mapped, rebuilt

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike
    from dataflow.tensor import Tensor

__all__ = ["while_loop"]

_SLOTS = 32
"""Reverses 561 steps with each run at most twice again, 6,545 with three times."""


@public()
def while_loop(
    cond: Callable[[Any], Tensor], body: Callable[[Any], Any], init: Any,  # noqa: ANN401 - trees
    *, max_steps: DimLike | None = None, checkpoint_slots: int | None = None,
) -> Any:  # fmt: skip  # noqa: ANN401 - in the form of `init`
    """Run a function of a carry again and again, while a condition holds.

    Parameters
    ----------
    cond : callable
        ``cond(carry)`` returns a bool scalar: whether there is another step.
    body : callable
        ``body(carry)`` returns the next carry. Both are called once, with tensors, and may use
        other tensors of the builder; what doesn't depend on the carry is computed once.
    init : tensor, or a tuple, list or dictionary of tensors
        The first carry. Each step's carry has its form, shapes and dtypes.
    max_steps : int, str or Dim, optional
        After how many steps the loop ends, whatever the condition says.
    checkpoint_slots : int, optional
        How many carries the reverse sweep may keep, beside the first; by default 32, or
        `max_steps` if that is less.

    Returns
    -------
    tensor, or a tuple, list or dictionary of tensors
        The last carry, in the form of `init`.

    Raises
    ------
    ShapeError, DTypeError
        A carry has another shape or dtype than the one before, or the condition is no bool scalar.
    GraphError
        The next carry has another form, there is no carry, or a variable's update depends on a
        step.
    ArgumentError
        `max_steps` or `checkpoint_slots` is less than 1.

    Notes
    -----
    The plan needs memory for two carries. Derivatives have no limit of order, in either mode.
    Reverse mode takes the number of steps as it was, and needs memory for `checkpoint_slots`
    carries, whatever that number: it runs steps again from the carries that it keeps, by the
    schedule with the fewest runs ([1]_). With s slots, steps are run at most r times each before
    they are pulled back if there are no more than binomial(s + 1 + r, r) of them.

    Without `max_steps` nothing bounds how long a plan runs: ``Runner(plan, max_calls=)`` refuses
    it. Under `vmap` all examples step together until the last is done; those that are done keep
    their carries, but a step is computed of them, and a gradient is NaN where that divides by zero.

    References
    ----------
    .. [1] A. Griewank, A. Walther, "Algorithm 799: Revolve", ACM TOMS 26 (2000) 19-45.

    Examples
    --------
    Newton's iteration for a square root, and its derivative:

    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant(2.0, dtype="float64")
    >>> root = df.while_loop(
    ...     lambda x: abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, a, max_steps=20
    ... )
    >>> [round(float(value), 8) for value in df.evaluate(root, df.grad(root, a))]
    [1.41421356, 0.35355339]
    """
    what = "df.while_loop"
    builder: Any = builder_for(what, None, *leaves_of(init))
    most = _most(max_steps)
    slots = _slots(checkpoint_slots, most)
    carry = mapped(builder.asarray, init)
    starts: list[Tensor] = leaves_of(carry)
    specs = [tensor.spec for tensor in starts]
    with drafting(builder, specs) as test:
        flag = builder.asarray(cond(rebuilt(carry, list(test.stand_ins))))
        _check_flag(flag)
    with drafting(builder, specs) as step:
        new = body(rebuilt(carry, list(step.stand_ins)))
        ends = [builder.asarray(leaf) for leaf in leaves_of(new)]
        check_carry(what, carry, new, ends)
    outer = list(dict.fromkeys([*test.outside([flag]), *step.outside(ends)]))
    bodies = cut_out(test, [flag], outer), cut_out(step, ends, outer)
    form = WhileForm(*bodies, len(starts), most, slots)
    outputs = builder.apply(WHILE, [*starts, *outer], form.attrs())
    return rebuilt(carry, list(outputs[:-1]))


def _most(max_steps: DimLike | None) -> int | Dim | None:
    most = None if max_steps is None else as_dim(max_steps)
    if isinstance(most, int) and most < 1:
        msg = f"df.while_loop ({user_line()}): max_steps is 1 or more, not {most}"
        raise ArgumentError(msg)
    return most


def _slots(given: int | None, most: int | Dim | None) -> int:
    if given is None:
        return min(_SLOTS, most) if isinstance(most, int) else _SLOTS
    if isinstance(given, bool) or not hasattr(given, "__index__") or given.__index__() < 1:
        msg = (f"df.while_loop ({user_line()}): checkpoint_slots is a number of carries of 1 or "
               f"more, not {given!r}")  # fmt: skip
        raise ArgumentError(msg)
    return given.__index__()


def _check_flag(flag: Tensor) -> None:
    if flag.shape or flag.dtype != np.bool_:
        msg = (f"df.while_loop ({user_line()}): the condition is a bool scalar, not "
               f"{flag.spec}: compare, and join with .all() or .any()")  # fmt: skip
        raise DTypeError(msg)
