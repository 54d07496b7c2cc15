"""Rows of a tensor set, added to, multiplied or bounded at indices: one op for each.

`x`, indices and updates give `x` with the updates combined into its rows, one after the other, as
NumPy's ``ufunc.at`` does it: so of several that set one row, the last one wins. The kernel takes
over the memory of `x` where it may, and then touches nothing but the rows named.

Each derivative is two diagonal maps: what a change of `x` is worth in its place, and what a change
of an update is worth in the row that it goes to. The attribute `unique` says that no row is named
twice, as where the indices are known; it saves finding out, and is trusted with nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, as_tensor, call_function
from dataflow.elementwise import conjugated
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import WHOLE, Along, Cost, Op, Sample, Tiling, Workspace, register
from dataflow.ops.gathering import SCATTER_ADD, in_one, take
from dataflow.ops.positions import check_int64, counting
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.structure import check_inputs, copy_cost, is_same_memory
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.shapes import move_axis
from dataflow.source import user_line
from dataflow.spec import DTYPES, Spec

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.op import Application, Array, Arrays, AxisUse, Call, Kernel, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__: list[str] = []

_AT, _PUT = 8192, 4096
"""Bytes that a ufunc's `at` allocates, and setting rows, whatever the sizes."""


class _Part(NamedTuple):
    """The derivative by `x` and by the updates: maps of changes of their shapes."""

    kept: Callable[[Application, Tensor], Tensor]
    used: Callable[[Application, Tensor], Tensor]


# What they share


def _infer(kinds: str, specs: Specs, attrs: Attrs) -> Specs:
    x, indices, updates = (check_inputs(specs, 3), *specs[1:])
    attrs.flag("unique")
    check_int64(indices, 1)
    if x.dtype != updates.dtype or (kinds and x.dtype.kind not in kinds):
        msg = f"{x.dtype} can't be changed by {updates.dtype}: both must be of one dtype it takes"
        raise DTypeError(msg)
    if not x.ndim or updates.shape != (*indices.shape, *x.shape[1:]):
        msg = f"{updates} aren't rows of {x}, one for each of the indices {indices}"
        raise ShapeError(msg)
    return (x,)


def _wide(specs: Specs) -> Specs:
    """Return what float16 is added up and multiplied in."""
    if specs[0].dtype != np.float16:
        return ()
    return tuple(Spec(spec.shape, np.dtype(np.float32)) for spec in (specs[0], specs[2]))


def _copying(out: Array, x: Array) -> list[Call]:
    return [] if is_same_memory(out, x) else [(np.copyto, (out, x))]


def _at_kernel(
    ufunc: np.ufunc, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs
) -> list[Call]:
    (out,), (x, indices, updates), (counted, *wide) = outs, ins, scratch
    calls = counting(indices, counted, x.shape[0])
    if not wide:
        return [*calls, *_copying(out, x), (ufunc.at, (out, counted, updates))]
    return [
        *calls,
        (np.copyto, (wide[0], x)),
        (np.copyto, (wide[1], updates)),
        (ufunc.at, (wide[0], counted, wide[1])),
        (np.copyto, (out, wide[0], "same_kind")),
    ]


def _set_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x, indices, updates), (counted,) = outs, ins, scratch
    calls = counting(indices, counted, x.shape[0])
    return [*calls, *_copying(out, x), (out.__setitem__, (counted, updates))]


def _workspace(wide: bool, internal: int, specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace((specs[1], *(_wide(specs) if wide else ())), internal)


def _reference(
    ufunc: np.ufunc | None, x: np.ndarray, indices: np.ndarray, updates: np.ndarray, attrs: Attrs
) -> np.ndarray:
    wide = np.float32 if x.dtype == np.float16 and ufunc in (np.add, np.multiply) else x.dtype
    out = x.astype(wide)
    if ufunc is None:
        out[indices] = updates
    else:
        ufunc.at(out, indices, updates.astype(wide))
    return out.astype(x.dtype)


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    x, indices, _ = specs
    rest: tuple[AxisUse, ...] = tuple(map(Along, range(1, x.ndim)))
    whole: tuple[AxisUse, ...] = (WHOLE,) * indices.ndim
    return Tiling(((WHOLE, *rest), whole, (*whole, *rest)))


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[2].size
    return Cost(size if isinstance(size, int) else 0, copy_cost(ins, outs, attrs).bytes)


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    x, updates = (t if b else broadcast_to(t, (size, *t.shape))
                  for t, b in ((inputs[0], batched[0]), (inputs[2], batched[2])))  # fmt: skip
    indices, op, attrs = inputs[1], application.op, application.attrs
    if not batched[1]:
        rows = move_axis(updates, 0, indices.ndim)
        return [move_axis(apply(op, (move_axis(x, 0, 1), indices, rows), attrs), 1, 0)]
    length = x.shape[1]
    flat = reshape(x, (size * length, *x.shape[2:]))
    return [reshape(apply(op, (flat, in_one(indices, length), updates), attrs), x.shape)]


def _vjp(part: _Part, application: Application, cotangents: Any) -> list[Tensor | None]:  # noqa: ANN401
    (cotangent,), indices = cotangents, application.inputs[1]
    if cotangent is None:
        return [None] * 3
    seen = conjugated(application)
    return [
        part.kept(seen, cotangent) if application.needs[0] else None,
        None,
        part.used(seen, take(cotangent, indices, 0)) if application.needs[2] else None,
    ]


def _jvp(part: _Part, application: Application, tangents: Any) -> list[Tensor | None]:  # noqa: ANN401
    x, _, updates = tangents
    made = [] if x is None else [part.kept(application, x)]
    if updates is not None:
        made.append(_spread(application, part.used(application, updates)))
    return [sum(made[1:], made[0]) if made else None]


def _spread(application: Application, updates: Tensor) -> Tensor:
    """Add up what belongs to the updates in the rows that they go to."""
    attrs = Attrs(axis=0, length=application.inputs[0].shape[:1])
    return apply(SCATTER_ADD, (updates, application.inputs[1]), attrs)


def _rows_of(application: Application, x: Tensor) -> Tensor:
    return take(x, application.inputs[1], 0)


def _combined(op: Op, application: Application, x: Tensor, updates: Tensor) -> Tensor:
    return apply(op, (x, application.inputs[1], updates), application.attrs)


def _same(application: Application, change: Tensor) -> Tensor:
    return change


# set: the last one wins, and has the gradient


def _unset(application: Application, change: Tensor) -> Tensor:
    updates = application.inputs[2]
    zeros = change.builder.full(updates.shape, 0, change.dtype)
    return _combined(SET_ROWS, application, change, zeros)


def _where_last(application: Application, change: Tensor) -> Tensor:
    """Pass what belongs to the updates that no later one overwrites."""
    if application.attrs.flag("unique"):
        return change
    (x, indices, _), builder = application.inputs, change.builder
    count = indices.spec.size
    turns = reshape(builder.arange(count), indices.shape)
    last = _combined(SET_ROWS, application, builder.full(x.shape[:1], 0, np.int64), turns)
    won = call_function("equal", _rows_of(application, last), turns)
    mask = reshape(won, (*won.shape, *[1] * (x.ndim - 1)))
    return call_function("where", mask, change, 0)


# multiply: an update's derivative is the product of all others of its row


def _times_updates(application: Application, change: Tensor) -> Tensor:
    return _combined(MULTIPLY_ROWS, application, change, application.inputs[2])


def _times_others(application: Application, change: Tensor) -> Tensor:
    x, _, updates = application.inputs
    here = change * _rows_of(application, x)
    return here if application.attrs.flag("unique") else here * _others(application, updates)


def _others(application: Application, updates: Tensor) -> Tensor:
    """Return for every update the product of the other updates of its row, also where it is 0."""
    x, where = application.inputs[0], partial(call_function, "where")
    is_zero = call_function("equal", updates, 0)
    others = where(is_zero, 1, updates)
    ones = x.builder.full(x.shape, 1, x.dtype)
    whole = _rows_of(application, _combined(MULTIPLY_ROWS, application, ones, others))
    zeros = _rows_of(application, _spread(application, is_zero.astype(np.int64)))
    alone = call_function("equal", zeros, is_zero.astype(np.int64))  # no other is 0
    return where(alone, whole / others, 0)


# maximum and minimum: ties share the gradient equally, as PyTorch has it


def _if_kept(application: Application, change: Tensor) -> Tensor:
    return _shares(application)[0] * change


def _if_used(application: Application, change: Tensor) -> Tensor:
    return _shares(application)[1] * change


def _shares(application: Application) -> tuple[Tensor, Tensor]:
    (x, _, updates), (result,) = application.inputs, application.outputs
    kept = call_function("equal", x, result).astype(x.dtype)
    used = call_function("equal", updates, _rows_of(application, result)).astype(x.dtype)
    count = kept + _spread(application, used)
    return kept / count, used / _rows_of(application, count)


# The records


_CASES: list[tuple[tuple[int, ...], list[int] | int | list[list[int]]]] = [
    ((3,), 1), ((3, 2), []), ((0, 2), []), ((4,), [2, -2, 0]), ((4, 2), [[1, -1], [3, 0]]),
    ((3,), [1, 1, 0, 1]),
]  # fmt: skip


def _samples(dtypes: tuple[str, ...], rng: np.random.Generator) -> list[Sample]:
    made = []
    for dtype in dtypes:
        for shape, places in _CASES if dtype == "float64" else _CASES[-2:]:
            indices = np.array(places, np.int64)
            x = _permuted(rng, shape, 1)  # no ties
            updates = _permuted(rng, (*indices.shape, *shape[1:]), 1.5)
            made.append(Sample((x.astype(dtype), indices, updates.astype(dtype)),
                               Attrs(unique=False), dtype[0] in "fc"))  # fmt: skip
    return made


def _permuted(rng: np.random.Generator, shape: tuple[int, ...], first: float) -> np.ndarray:
    return np.asarray(rng.permutation(np.prod(shape, dtype=int)) + first).reshape(shape)


def _rows_op(
    name: str, label: str, ufunc: np.ufunc | None, part: _Part, *, kinds: str,
    dtypes: tuple[str, ...],
) -> Op:  # fmt: skip
    kernel: Kernel = partial(_at_kernel, ufunc) if ufunc else _set_kernel
    wide = ufunc in (np.add, np.multiply)
    return register(Op(
        name=name, label=label, infer=partial(_infer, kinds),
        kernel=kernel, reference=partial(_reference, ufunc),
        vjp=partial(_vjp, part), jvp=partial(_jvp, part), batch=_batch, tiling=_tiling,
        cost=_cost, samples=partial(_samples, dtypes), inplace=(0,), fallible=True,
        workspace=partial(_workspace, wide, _AT if ufunc else _PUT), moves=ufunc is None,
    ))  # fmt: skip


SET_ROWS = _rows_op(
    "set_rows", "SetRows", None, _Part(_unset, _where_last), kinds="", dtypes=DTYPES,
)  # fmt: skip
ADD_ROWS = _rows_op(
    "add_rows", "AddRows", np.add, _Part(_same, _same), kinds="biufc",
    dtypes=DTYPES,
)  # fmt: skip
MULTIPLY_ROWS = _rows_op(
    "multiply_rows", "MultiplyRows", np.multiply, _Part(_times_updates, _times_others),
    kinds="biufc", dtypes=DTYPES,
)  # fmt: skip
MAXIMUM_ROWS = _rows_op(
    "maximum_rows", "MaximumRows", np.maximum, _Part(_if_kept, _if_used), kinds="biuf",
    dtypes=("bool", *INTEGERS, *FLOATS),
)  # fmt: skip
MINIMUM_ROWS = _rows_op(
    "minimum_rows", "MinimumRows", np.minimum, _Part(_if_kept, _if_used), kinds="biuf",
    dtypes=("bool", *INTEGERS, *FLOATS),
)  # fmt: skip

_RANK = {"b": 0, "u": 1, "i": 2, "f": 3, "V": 3, "c": 4}
"""Kinds of dtype in the order in which NumPy casts them; V is bfloat16's."""


def update_rows(
    how: str, x: Tensor, indices: Tensor, updates: Tensor, *, unique: bool = False
) -> Tensor:
    """Return `x` with updates combined into its rows at int64 indices.

    Parameters
    ----------
    how : str
        "set", "add", "multiply", "max" or "min".
    x : Tensor
        At least one axis.
    indices : Tensor
        int64, along axis 0; negative ones count from the end.
    updates : Tensor
        The dtype of `x`, the indices' shape and then that of a row.
    unique : bool
        Whether no row is named twice.
    """
    ops = {"set": SET_ROWS, "add": ADD_ROWS, "multiply": MULTIPLY_ROWS, "max": MAXIMUM_ROWS,
           "min": MINIMUM_ROWS}  # fmt: skip
    return apply(ops[how], (x, indices, updates), Attrs(unique=unique))


def as_updates(value: TensorLike, x: Tensor) -> Tensor:
    """Return what is to be put into `x`, cast to its dtype.

    Raises
    ------
    DTypeError
        The cast would change the kind: a float's into integers, a complex number's into reals.
    """
    tensor = as_tensor(value, x)
    if _RANK[tensor.dtype.kind] > _RANK[x.dtype.kind]:
        msg = (f"{tensor.dtype} can't be put into a tensor of {x.dtype} ({user_line()}): "
               f"use .astype({str(x.dtype)!r})")  # fmt: skip
        raise DTypeError(msg)
    return call_function("astype", tensor, x.dtype)
