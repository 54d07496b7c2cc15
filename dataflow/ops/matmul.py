"""Matrix products, stacked and broadcast as NumPy's ``@`` has them.

The op takes two or more axes; one-dimensional operands become views with an axis of length 1. The
kernel chooses among NumPy's routines when it binds, since memory decides which one is quick and
which allocates:

* `numpy.ndarray.dot` where both matrices and the result are contiguous: least overhead;
* `numpy.matmul` where BLAS can read the layout, one call for a whole stack by a single matrix;
* `numpy.einsum` otherwise: slow, but it makes no copy. `matmul` copies first what would need it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import apply, call_function, promoted
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.elementwise import batch_elementwise, traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Along,
    Application,
    Array,
    Arrays,
    AxisUse,
    Call,
    Contracted,
    Cost,
    Op,
    Sample,
    Specs,
    Tiling,
    register,
)
from dataflow.ops.axes import swapaxes
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import check_inputs
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.shapes import sum_to
from dataflow.source import user_line
from dataflow.spec import Spec, broadcast_shapes, shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["matmul"]

_BLAS = "fdFD"


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    check_inputs(specs, 2)
    a, b = specs
    if a.dtype != b.dtype:
        msg = f"both must have one dtype, not {a.dtype} and {b.dtype}: cast with astype"
        raise DTypeError(msg)
    if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-2]:
        msg = (f"can't multiply {shape_text(a.shape)} by {shape_text(b.shape)}: the last axis of "
               "the first must be the last but one of the second")  # fmt: skip
        raise ShapeError(msg)
    stack = broadcast_shapes([a.shape[:-2], b.shape[:-2]])
    return (Spec((*stack, a.shape[-2], b.shape[-1]), a.dtype),)


# The kernel


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (a, b), (out,) = ins, outs
    if a.ndim > 2 and b.ndim == 2:
        a, out = _flat(a, out)
    if a.dtype.char not in _BLAS or not all((a.size, b.size, out.size)):
        return [(np.matmul, (a, b, out))]
    if a.ndim == b.ndim == 2 and out.flags.c_contiguous and _is_dense(a) and _is_dense(b):
        return [(np.ndarray.dot, (a, b, out))]
    if all(map(_suits_blas, (a, b, out))):
        return [(np.matmul, (a, b, out))]
    return [(partial(np.einsum, out=out), ("...ij,...jk->...ik", a, b))]


def _flat(a: Array, out: Array) -> tuple[Array, Array]:
    """Make one matrix of a stack, if its memory allows it."""
    try:
        return (a.reshape(-1, a.shape[-1], copy=False), out.reshape(-1, out.shape[-1], copy=False))
    except ValueError:
        return a, out


def _is_dense(array: Array) -> bool:
    return bool(array.flags.c_contiguous or array.flags.f_contiguous)


def _suits_blas(array: Array) -> bool:
    """Say whether NumPy hands the last two axes to BLAS as they lie, and not as a copy."""
    (rows, columns), (down, across) = array.shape[-2:], array.strides[-2:]
    item = array.itemsize
    return (across == item and down % item == 0 and down >= columns * item) or (
        down == item and across % item == 0 and across >= rows * item
    )


def _reference(a: np.ndarray, b: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401
    return np.matmul(a, b)


# Rules


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (a, b), (cotangent,), needs = application.inputs, cotangents, application.needs
    if cotangent is None:
        return [None, None]
    first = sum_to(matmul(cotangent, _adjoint(b)), a.shape) if needs[0] else None
    return [first, _second(a, b, cotangent) if needs[1] else None]


def _second(a: Tensor, b: Tensor, cotangent: Tensor) -> Tensor:
    if a.ndim > 2 and b.ndim == 2:  # one product over all rows, not a stack to be added up
        a, cotangent = _rows(a), _rows(cotangent)
    return sum_to(matmul(_adjoint(a), cotangent), b.shape)


def _adjoint(x: Tensor) -> Tensor:
    return swapaxes(call_function("conj", x), -1, -2)


def _rows(x: Tensor) -> Tensor:
    return reshape(x, (product(x.shape[:-1]), x.shape[-1]))


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (a, b), (da, db) = application.inputs, tangents
    parts = [
        matmul(left, right) for left, right in ((da, b), (a, db))
        if left is not None and right is not None
    ]  # fmt: skip
    return [parts[0] + parts[1] if len(parts) == 2 else parts[0] if parts else None]


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    a, b = specs
    (out,) = _infer(specs, attrs)
    rows, columns = out.ndim - 2, out.ndim - 1
    contracted = Contracted("add")
    return Tiling((
        (*_stack(a.shape[:-2], out.shape[:-2]), Along(rows), contracted),
        (*_stack(b.shape[:-2], out.shape[:-2]), contracted, Along(columns)),
    ))  # fmt: skip


def _stack(shape: Shape, result: Shape) -> tuple[AxisUse, ...]:
    first = len(result) - len(shape)
    return tuple(
        Along(first + i) if dim == result[first + i] else WHOLE for i, dim in enumerate(shape)
    )


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    flops = 2 * product((*outs[0].shape, ins[0].shape[-1]))
    return Cost(flops if isinstance(flops, int) else 0, traffic(ins, outs))


def _samples(rng: np.random.Generator) -> list[Sample]:
    rows = [((1, 1), (1, 1)), ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((2, 2, 3), (3, 4)),
            ((3, 2), (2, 2, 4)), ((2, 1, 3, 2), (3, 2, 2))]  # fmt: skip
    dtypes = ("bool", *INTEGERS, *FLOATS, "complex64", "complex128")
    cases = [(row, "float64") for row in rows] + [(((2, 3), (3, 4)), dtype) for dtype in dtypes]
    return [
        Sample(tuple(rng.uniform(-3, 3, shape).astype(dtype) for shape in shapes),
               smooth=dtype[0] in "fc")
        for shapes, dtype in cases
    ]  # fmt: skip


MATMUL = register(Op(
    name="matmul", label="Matmul", infer=_infer, kernel=_kernel, reference=_reference, vjp=_vjp,
    jvp=_jvp, batch=batch_elementwise, tiling=_tiling, cost=_cost, samples=_samples,
))  # fmt: skip


# The public function


@public(np.matmul)
def matmul(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the matrix product ``a @ b``.

    Parameters
    ----------
    a, b : tensor or array_like
        The last two axes are matrices, those before a stack that broadcasts; an operand with one
        axis is a row on the left and a column on the right, and the result lacks that axis.
        dtypes are promoted as NumPy 2 does.

    Returns
    -------
    Tensor
        Of the operands' common dtype; float16 adds up in float32 inside.

    Raises
    ------
    ShapeError
        An operand has no axis, or the contracted lengths differ.
    DTypeError
        The dtypes have no common one.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.matmul(x, [1, 1]))
    array([3, 7])
    """
    left, right = promoted(MATMUL, np.matmul, a, b)
    if not left.ndim or not right.ndim:
        msg = f"matmul ({user_line()}): an operand is a scalar; use multiply"
        raise ShapeError(msg)
    row, column = left.ndim == 1, right.ndim == 1
    left = reshape(left, (1, *left.shape)) if row else left
    right = reshape(right, (*right.shape, 1)) if column else right
    out = apply(MATMUL, (_laid_out(left), _laid_out(right)))
    stack, matrix = out.shape[:-2], out.shape[-2:]
    return reshape(out, (*stack, *matrix[int(row) : 2 - int(column)]))


def _laid_out(x: Tensor) -> Tensor:
    """Copy a tensor whose memory BLAS might be unable to read as it is."""
    unit = _unit_axis(x)
    return x if unit is not None and unit >= x.ndim - 2 else call_function("copy", x)


def _unit_axis(x: Tensor) -> int | None:
    """Return the axis along which the elements surely lie side by side; None if that is unknown."""
    builder: Any = x.builder
    application: Application = builder.application(x.node)
    op, attrs = application.op, application.attrs
    if op.alias is None:
        return x.ndim - 1
    if not application.inputs[0].ndim:
        return None if op.name == "broadcast_to" else x.ndim - 1
    return _unit_axis_of(op, attrs, application.inputs[0].shape, _unit_axis(application.inputs[0]))


def _unit_axis_of(op: Op, attrs: Attrs, shape: Shape, unit: int | None) -> int | None:
    if unit is None or op.name == "stop_gradient":
        return unit
    if op.name == "transpose":
        return attrs.integers("axes").index(unit)
    if op.name == "reshape" and unit == len(shape) - 1:
        return len(attrs.dims("shape")) - 1
    if op.name == "slice" and min(attrs.integers("step")) > 0 and attrs.integers("step")[unit] == 1:
        return unit
    return None
