"""Rows of a tensor set, added to, multiplied or bounded at indices: one op for each.

`x`, indices and updates give `x` with the updates combined into its rows, one after the other, as
NumPy's ``ufunc.at`` does it: so of several that set one row, the last one wins. The kernel takes
over the memory of `x` where it may, and then touches nothing but the rows named.

The attribute `unique` says that no row is named twice, as where the indices are known; it saves
finding out, and is trusted with nothing else. For derivatives see `row_derivatives`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, as_tensor, call_function
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import WHOLE, Along, Cost, Op, Sample, Tiling, Workspace, register
from dataflow.ops.combining import INTERNAL, combining, scratch_of
from dataflow.ops.gathering import in_one
from dataflow.ops.positions import check_int64, counting
from dataflow.ops.row_derivatives import ADD, EXTREME, MULTIPLY, SET, Part, rows_jvp, rows_vjp
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import check_inputs, copy_cost, is_same_memory, with_batch_axis
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.shapes import move_axis
from dataflow.source import user_line
from dataflow.spec import DTYPES, Spec

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.operation import Application, Array, Arrays, AxisUse, Call, Kernel, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__: list[str] = []

_PUT = 4096
"""Bytes that setting rows allocates, whatever the sizes."""


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


def _wide(dtype: np.dtype) -> np.dtype:
    """Return what a dtype is added up and multiplied in."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def _copying(out: Array, x: Array) -> list[Call]:
    return [] if is_same_memory(out, x) else [(np.copyto, (out, x))]


def _at_kernel(
    ufunc: np.ufunc, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs
) -> list[Call]:
    (out,), (x, indices, updates), (counted, *block) = outs, ins, scratch
    calls = counting(indices, counted, x.shape[0])
    if len(block) == 2:
        return [*calls, *_copying(out, x), *combining(ufunc, out, counted, updates, 0, block)]
    total, *block = block
    return [
        *calls,
        (np.copyto, (total, x)),
        *combining(ufunc, total, counted, updates, 0, block),
        (np.copyto, (out, total, "same_kind")),
    ]


def _set_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x, indices, updates), (counted,) = outs, ins, scratch
    calls = counting(indices, counted, x.shape[0])
    return [*calls, *_copying(out, x), (out.__setitem__, (counted, updates))]


def _at_workspace(wide: bool, specs: Specs, attrs: Attrs) -> Workspace:
    x, indices, _ = specs
    dtype = _wide(x.dtype) if wide else x.dtype
    total = () if dtype == x.dtype else (Spec(x.shape, dtype),)
    return Workspace((indices, *total, *scratch_of(dtype)), INTERNAL)


def _set_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace((specs[1],), _PUT)


def _reference(
    ufunc: np.ufunc | None, x: np.ndarray, indices: np.ndarray, updates: np.ndarray, attrs: Attrs
) -> np.ndarray:
    wide = _wide(x.dtype) if ufunc in (np.add, np.multiply) else x.dtype
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
    x, updates = with_batch_axis(inputs[::2], batched[::2], size)
    indices, op, attrs = inputs[1], application.op, application.attrs
    if not batched[1]:
        rows = move_axis(updates, 0, indices.ndim)
        return [move_axis(apply(op, (move_axis(x, 0, 1), indices, rows), attrs), 1, 0)]
    length = x.shape[1]
    flat = reshape(x, (size * length, *x.shape[2:]))
    return [reshape(apply(op, (flat, in_one(indices, length), updates), attrs), x.shape)]


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
    name: str, label: str, ufunc: np.ufunc | None, part: Part, *, kinds: str,
    dtypes: tuple[str, ...],
) -> Op:  # fmt: skip
    kernel: Kernel = partial(_at_kernel, ufunc) if ufunc else _set_kernel
    wide = ufunc in (np.add, np.multiply)
    return register(Op(
        name=name, label=label, infer=partial(_infer, kinds),
        kernel=kernel, reference=partial(_reference, ufunc),
        vjp=partial(rows_vjp, part), jvp=partial(rows_jvp, part), batch=_batch, tiling=_tiling,
        cost=_cost, samples=partial(_samples, dtypes), inplace=(0,), fallible=True,
        workspace=partial(_at_workspace, wide) if ufunc else _set_workspace, moves=ufunc is None,
    ))  # fmt: skip


SET_ROWS = _rows_op(
    "set_rows", "SetRows", None, SET, kinds="", dtypes=DTYPES,
)  # fmt: skip
ADD_ROWS = _rows_op(
    "add_rows", "AddRows", np.add, ADD, kinds="biufc",
    dtypes=DTYPES,
)  # fmt: skip
MULTIPLY_ROWS = _rows_op(
    "multiply_rows", "MultiplyRows", np.multiply, MULTIPLY,
    kinds="biufc", dtypes=DTYPES,
)  # fmt: skip
MAXIMUM_ROWS = _rows_op(
    "maximum_rows", "MaximumRows", np.maximum, EXTREME, kinds="biuf",
    dtypes=("bool", *INTEGERS, *FLOATS),
)  # fmt: skip
MINIMUM_ROWS = _rows_op(
    "minimum_rows", "MinimumRows", np.minimum, EXTREME, kinds="biuf",
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
