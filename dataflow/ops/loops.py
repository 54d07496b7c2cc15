"""Loops of known length, declared with functions: `scan`, `fori_loop` and `map`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from dataflow.bodies import cut_out
from dataflow.current import builder_for
from dataflow.dim_texts import as_dim
from dataflow.dispatch import public
from dataflow.drafts import Draft, drafting
from dataflow.errors import ArgumentError, DTypeError, GraphError, ShapeError
from dataflow.ops.scan import SCAN
from dataflow.ops.scan_form import ScanForm
from dataflow.ops.segmenting import in_segments, unrolled
from dataflow.source import user_line
from dataflow.trees import form_of, leaves_of, mapped, rebuilt

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike
    from dataflow.tensor import Tensor

__all__ = ["check_carry", "fori_loop", "map", "scan"]


@public()
def scan(
    function: Callable[[Any, Any], Any], init: Any, xs: Any = None,  # noqa: ANN401 - trees
    length: DimLike | None = None, *, reverse: bool = False, unroll: int = 1,
    checkpoint_every: int | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Run a function step by step, from a carry and a row to the next carry and a result.

    Parameters
    ----------
    function : callable
        ``function(carry, row)`` returns the next carry and the step's result. It is called with
        tensors, once if neither `unroll` nor `checkpoint_every` is given; it may use other tensors
        of the builder, and what doesn't depend on the step is computed once.
    init : tensor, or a tuple, list or dictionary of tensors
        The first carry. Each step's carry has its form, shapes and dtypes.
    xs : tensor, or a tuple, list or dictionary of tensors, optional
        What is read row by row along the first axis; without it, ``row`` is None.
    length : int, str or Dim, optional
        The number of steps, where `xs` doesn't say it.
    reverse : bool
        Whether the last row comes first. Results stand where their rows do.
    unroll : int
        How many steps are one step of the loop: the function is called as often. What a step costs
        beside its operations is paid once for all of them.
    checkpoint_every : int, optional
        Keep only the carry before every so many steps for derivatives in reverse mode; those in
        between are computed once more. A derivative of n steps then keeps about
        ``n / checkpoint_every + checkpoint_every`` carries.

    Returns
    -------
    carry, ys : in the forms of what the function returns
        The last carry, and the results of all steps stacked along a first axis.

    Raises
    ------
    ShapeError, DTypeError
        A carry has another shape or dtype than the one before, or the stacks' lengths differ.
    GraphError
        The function doesn't return a pair, or a carry of another form; nothing says the length; or
        a variable's update depends on one step.
    ArgumentError
        `unroll` or `checkpoint_every` is less than 1.

    Notes
    -----
    One node of the graph holds the function as a graph of its own; a plan runs it without
    allocating, and needs memory for two carries, whatever the length. A derivative in reverse mode
    reads the carries before each step, which are then kept, and computes the step once more.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 3.0])
    >>> total, sums = df.scan(lambda carry, row: (carry + row, carry + row), x[0] * 0, x)
    >>> df.evaluate(total, sums)
    (array(6., dtype=float32), array([1., 3., 6.], dtype=float32))
    """
    builder: Any = builder_for("df.scan", None, *leaves_of((init, xs)))
    carry, stacks = (mapped(builder.asarray, tree) for tree in (init, xs))
    steps = _length("df.scan", leaves_of(stacks), length)
    _check_count("unroll", unroll)
    if checkpoint_every is not None:
        _check_count("checkpoint_every", checkpoint_every)
        inner = partial(_scanned, builder, function, reverse=reverse, unroll=unroll)
        return in_segments(inner, carry, stacks, steps, checkpoint_every, reverse=reverse)
    return _scanned(builder, function, carry, stacks, steps, reverse=reverse, unroll=unroll)


def _scanned(
    builder: Any, function: Callable[[Any, Any], Any], carry: Any, stacks: Any,  # noqa: ANN401
    steps: int | Dim, *, reverse: bool, unroll: int = 1,
) -> tuple[Any, Any]:  # fmt: skip
    """Declare one loop; of several steps at once, one more for those that are left."""
    if unroll > 1 and steps != 0:
        inner = partial(unrolled, function, reverse=reverse)
        return in_segments(inner, carry, stacks, steps, unroll, reverse=reverse)
    starts, rows = leaves_of(carry), leaves_of(stacks)
    specs = [t.spec for t in starts] + [t.spec.with_shape(t.shape[1:]) for t in rows]
    with drafting(builder, specs) as draft:
        first, row = _handed(draft, carry, stacks)
        new, results = _pair(function(first, row))
        ends = [builder.asarray(leaf) for leaf in leaves_of(new)]
        made = [builder.asarray(leaf) for leaf in leaves_of(results)]
        check_carry("df.scan", carry, new, ends)
    outer = draft.outside([*ends, *made])
    body = cut_out(draft, [*ends, *made], outer)
    form = ScanForm(body, len(starts), len(rows), steps, reverse=bool(reverse))
    outputs = builder.apply(SCAN, [*starts, *rows, *outer], form.attrs())
    last, stacked, _ = form.split_results(outputs)
    return rebuilt(carry, last), rebuilt(results, stacked)


@public()
def fori_loop(
    lower: DimLike, upper: DimLike, function: Callable[[Tensor, Any], Any], init: Any,  # noqa: ANN401
    *, unroll: int = 1, checkpoint_every: int | None = None,
) -> Any:  # fmt: skip  # noqa: ANN401 - in the form of `init`
    """Run a function of a counter and a carry from `lower` to before `upper`.

    Parameters
    ----------
    lower, upper : int, str or Dim
        The first value of the counter, and the first that it doesn't take.
    function : callable
        ``function(index, carry)`` returns the next carry; `index` is an int64 scalar.
    init : tensor, or a tuple, list or dictionary of tensors
        The first carry.
    unroll, checkpoint_every
        As `scan` has them.

    Returns
    -------
    tensor, or a tuple, list or dictionary of tensors
        The last carry.

    Raises
    ------
    ShapeError, DTypeError, GraphError, ArgumentError
        As `scan`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant(1.0)
    >>> df.evaluate(df.fori_loop(1, 5, lambda index, carry: carry * index.astype(x.dtype), x))
    array(24., dtype=float32)
    """
    builder: Any = builder_for("df.fori_loop", None, *leaves_of(init))
    indices = builder.arange(lower, upper)
    carry, _ = scan(
        lambda carry, index: (function(index, carry), None), init, indices,
        unroll=unroll, checkpoint_every=checkpoint_every,
    )  # fmt: skip
    return carry


@public()
def map(function: Callable[[Any], Any], xs: Any) -> Any:  # noqa: ANN401 - JAX's name; trees
    """Run a function on each row of tensors, one after the other, and stack the results.

    Parameters
    ----------
    function : callable
        Of one row of `xs`, in its form.
    xs : tensor, or a tuple, list or dictionary of tensors
        What is read row by row along the first axis.

    Returns
    -------
    tensor, or a tuple, list or dictionary of tensors
        In the form of what the function returns. `vmap` computes the same at once, in more memory.

    Raises
    ------
    ShapeError, GraphError
        As `scan`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 4.0]])
    >>> df.evaluate(df.map(lambda row: row.sum(), x))
    array([3., 7.], dtype=float32)
    """
    _, results = scan(lambda _, row: (None, function(row)), None, xs)
    return results


def _length(what: str, stacks: Sequence[Tensor], length: DimLike | None) -> int | Dim:
    """Return the number of steps, on which all stacks must agree."""
    known = [] if length is None else [as_dim(length)]
    for stack in stacks:
        if not stack.ndim:
            msg = f"{what} ({user_line()}): {stack!r} has no axis to read rows along"
            raise ShapeError(msg)
        known.append(stack.shape[0])
    if not known:
        msg = f"{what} ({user_line()}): there is nothing to say how many steps: give length"
        raise GraphError(msg)
    if any(dim != known[0] for dim in known):
        lengths = ", ".join([str(dim) for dim in known])
        msg = f"{what} ({user_line()}): the lengths differ: {lengths}"
        raise ShapeError(msg)
    return known[0]


def _handed(draft: Draft, carry: object, stacks: object) -> tuple[Any, Any]:
    count = len(leaves_of(carry))
    first, row = list(draft.stand_ins[:count]), list(draft.stand_ins[count:])
    return rebuilt(carry, first), rebuilt(stacks, row)


def _pair(result: object) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        msg = (f"df.scan ({user_line()}): the function returns the next carry and the step's "
               f"result, not {result!r}")  # fmt: skip
        raise GraphError(msg)
    return result


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        msg = f"df.scan ({user_line()}): {name} is a number of steps of 1 or more, not {value!r}"
        raise ArgumentError(msg)


def check_carry(what: str, old: object, new: object, ends: Sequence[Tensor]) -> None:
    """Refuse a next carry that couldn't be the carry of the step after."""
    if form_of(old) != form_of(new):
        msg = f"{what} ({user_line()}): the carry is {form_of(old)}, the next one {form_of(new)}"
        raise GraphError(msg)
    for before, after in zip(leaves_of(old), ends, strict=True):
        if before.spec != after.spec:
            kind = ShapeError if before.shape != after.shape else DTypeError
            remedy = "" if kind is ShapeError else f": use .astype({str(before.dtype)!r})"
            msg = (f"{what} ({user_line()}): the carry {before.node!r} is {before.spec}, the next "
                   f"one {after.node!r} is {after.spec}{remedy}")  # fmt: skip
            raise kind(msg)
