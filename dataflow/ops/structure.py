"""What the ops on axes and positions share: one input, copies, and samples of every dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import call_function
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import Application, Array, Arrays, Call, Cost, Sample, Specs
from dataflow.source import user_line
from dataflow.spec import DTYPES, Spec, as_shape

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = [
    "again",
    "as_integer",
    "as_integers",
    "as_list",
    "batch_all",
    "check_inputs",
    "copy_cost",
    "copy_kernel",
    "each_index",
    "is_row_major",
    "is_same_memory",
    "samples_of",
    "single_dim",
    "slice_shape",
    "with_batch_axis",
    "written_cost",
]

Row = tuple[Sequence[tuple[int, ...]], Attrs]


def check_inputs(specs: Specs, count: int = 1) -> Spec:
    """Return the first of `count` specs; `ShapeError` where there are more or fewer."""
    if len(specs) != count:
        msg = f"takes {count} input{'s' if count > 1 else ''}, not {len(specs)}"
        raise ShapeError(msg)
    return specs[0]


def single_dim(attrs: Attrs, name: str) -> int | Dim:
    """Return the dimension that an attribute holds; `ShapeError` unless it is one."""
    dims = as_shape(attrs.dims(name))
    if len(dims) != 1:
        msg = f"attribute {name!r} must be one dimension, not {len(dims)}"
        raise ShapeError(msg)
    return dims[0]


def as_integer(value: Any, what: str) -> int:  # noqa: ANN401 - checked here
    """Return a whole number that a caller gave; `DTypeError` for anything else."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        msg = f"{what} ({user_line()}) is an int, not {value!r}"
        raise DTypeError(msg)
    number: int = value.__index__()
    return number


def as_list(items: Any) -> list[Any]:  # noqa: ANN401 - each is checked later
    """Return several items as a list, and one as a list of it, a dimension's name too."""
    is_one = isinstance(items, str) or not isinstance(items, (Sequence, np.ndarray))
    return [items] if is_one else list(items)


def as_integers(values: Any, what: str) -> np.ndarray:  # noqa: ANN401 - checked here
    """Return constant whole numbers that a caller gave as int64; `DTypeError` for others."""
    try:
        array = np.asarray(values)
        array = array.astype(np.int64) if array.size == 0 else array
    except (TypeError, ValueError) as error:
        msg = f"{what} ({user_line()}): {error}"
        raise DTypeError(msg) from None
    if array.dtype.kind not in "iu":
        msg = f"{what} ({user_line()}) are ints, not {array.dtype}"
        raise DTypeError(msg)
    return array.astype(np.int64)


def with_batch_axis(
    inputs: Sequence[Tensor], batched: Sequence[bool], size: int | Dim
) -> list[Tensor]:
    """Give every input the batch's leading axis, where it has none by broadcasting."""
    return [
        x if has_batch else call_function("broadcast_to", x, (size, *x.shape))
        for x, has_batch in zip(inputs, batched, strict=True)
    ]


def batch_all(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Batch an op that works along the last axes of inputs whose first axes are the same."""
    whole = with_batch_axis(inputs, batched, size)
    return whole[0].builder.apply(application.op, whole, application.attrs)


def again(application: Application, change: Tensor) -> Tensor:
    """Apply a linear op to a change of its only input."""
    return application.inputs[0].builder.apply(application.op, (change,), application.attrs)[0]


def copy_cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return no arithmetic, only traffic."""
    return Cost(0, traffic(ins, outs))


def written_cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return the bytes of the result alone: no arithmetic, and nothing worth reading."""
    return Cost(0, outs[0].nbytes)


def copy_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Copy the input, broadcast where its shape is another."""
    return [(np.copyto, (outs[0], ins[0]))]


def slice_shape(attrs: Attrs, axis: int, start: int, stop: int) -> Attrs:
    """Return the attributes of a slice, where they hold the shape of the result."""
    shape = attrs.dims("shape")
    return attrs.replace(shape=(*shape[:axis], stop - start, *shape[axis + 1 :]))


def each_index(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield the index of every element, as `numpy.ndindex` does, which lists each axis first."""
    if not shape:
        yield ()
        return
    for i in range(shape[0]):
        for rest in each_index(shape[1:]):
            yield (i, *rest)


def is_row_major(x: Tensor) -> bool:
    """Say whether a tensor surely lies row by row, so that NumPy needs no copy inside a call.

    A view may lie otherwise; a reshape is a view only where its input's rows allow one.
    """
    builder: Any = x.builder
    if x.op.name == "reshape":
        return is_row_major(builder.application(x.node).inputs[0])
    return x.op.alias is None


def is_same_memory(a: Array, b: Array) -> bool:
    """Say whether two arrays of one shape are the same elements, as where a step works in place."""
    return a.__array_interface__["data"] == b.__array_interface__["data"] and a.strides == b.strides


def samples_of(
    rows: Sequence[Row], *, dtypes: Sequence[str] = DTYPES, smooth: bool = True
) -> Callable[[np.random.Generator], list[Sample]]:
    """Make samples of every row of shapes in float64, and of the last row in every dtype."""

    def samples(rng: np.random.Generator) -> list[Sample]:
        cases = [(*row, "float64") for row in rows] + [(*rows[-1], dtype) for dtype in dtypes]
        return [
            Sample(tuple(np.asarray(rng.uniform(-3, 3, shape)).astype(dtype) for shape in shapes),
                   attrs, smooth and dtype[0] in "fc")
            for shapes, attrs, dtype in cases
        ]  # fmt: skip

    return samples
