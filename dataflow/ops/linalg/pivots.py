"""The LU factorisation in LAPACK's form: one matrix for both factors, and the exchanges of rows.

Step i of the elimination exchanges row i with row ``piv[i]``, which is never above it. So the
exchanges and the order that they leave the rows in say the same; two ops turn one into the other,
exchange by exchange.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, as_tensor
from dataflow.dispatch import public
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, GraphError, KernelError, ShapeError
from dataflow.operation import WHOLE, Absent, Along, Cost, Op, Sample, Tiling, Workspace, register
from dataflow.ops.along import take_along_axis
from dataflow.ops.linalg.lu import LU
from dataflow.ops.linalg.pieces import filled, triangle
from dataflow.ops.linalg.solving import as_system
from dataflow.ops.linalg.stacks import as_inexact, least
from dataflow.ops.linalg.triangular import solve_triangular
from dataflow.ops.shaping import broadcast_to, expand_dims, squeeze
from dataflow.ops.sorting import argsort
from dataflow.ops.structure import batch_all, check_inputs, each_index, single_dim
from dataflow.shapes import common_shape
from dataflow.source import user_line
from dataflow.spec import Spec, shape_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.operation import Array, Arrays, Call, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["lu_factor", "lu_solve"]

_FLAT = Absent("its output holds integers")


# Exchanges and orders


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    if spec.dtype != np.int64:
        msg = f"takes int64, not {spec.dtype}: cast with astype"
        raise DTypeError(msg)
    if not spec.ndim:
        msg = "takes one axis or more, not []"
        raise ShapeError(msg)
    return (Spec((*spec.shape[:-1], single_dim(attrs, "count")), np.dtype(np.int64)),)


def _exchanges(order: Array, count: int) -> Array:
    """Return the exchanges that leave the rows in an order: row ``order[i]`` is the i-th."""
    rows, found = list(range(len(order))), np.empty(count, np.int64)
    for i in range(count):
        found[i] = rows.index(order[i], i)
        rows[i], rows[found[i]] = rows[found[i]], rows[i]
    return found


def _order(exchanges: Array, count: int) -> Array:
    """Return the order in which exchanges leave rows."""
    rows = list(range(count))
    for i, other in enumerate(exchanges.tolist()):
        if not 0 <= other < count:
            msg = f"row {i} can't be exchanged with row {other}: there are {count}"
            raise KernelError(msg)
        rows[i], rows[other] = rows[other], rows[i]
    return np.array(rows, np.int64)


def _each_line(function: Callable[[Array, int], Array], x: Array, out: Array) -> None:
    for line in each_index(out.shape[:-1]):
        out[line] = function(x[line], out.shape[-1])


def _kernel(
    function: Callable[[Array, int], Array], outs: Arrays, ins: Arrays, scratch: Arrays,
    attrs: Attrs,
) -> list[Call]:  # fmt: skip
    return [(_each_line, (function, ins[0], outs[0]))]


def _reference(function: Callable[[Array, int], Array], x: Array, attrs: Attrs) -> Array:
    (spec,) = _infer((Spec.like(x),), attrs)
    out = np.empty(spec.static_shape, np.int64)
    _each_line(function, x, out)
    return out


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    return Cost(0, traffic(ins, outs))


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return Tiling(((*map(Along, range(specs[0].ndim - 1)), WHOLE),))


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace(internal=8192 + 128 * specs[0].static_shape[-1])


def _samples(
    draw: Callable[[np.random.Generator, int], Array], rng: np.random.Generator
) -> list[Sample]:
    rows: list[tuple[tuple[int, ...], int]] = [((), 1), ((), 0), ((0,), 2), ((3,), 4), ((2, 1), 5)]
    made = []
    for stack, n in rows:
        x = np.broadcast_to(draw(rng, n).astype(np.int64), (*stack, n)).copy()
        made.append(Sample((x,), Attrs(count=(n,))))
    return made


def _declared(
    name: str, label: str, function: Callable[[Array, int], Array],
    draw: Callable[[np.random.Generator, int], Array],
) -> Op:  # fmt: skip
    return register(Op(
        name=f"linalg.{name}", label=label, infer=_infer, kernel=partial(_kernel, function),
        reference=partial(_reference, function), vjp=_FLAT, jvp=_FLAT, batch=batch_all,
        tiling=_tiling, cost=_cost, samples=partial(_samples, draw), workspace=_workspace,
        fallible=True,
    ))  # fmt: skip


EXCHANGES = _declared("exchanges", "Exchanges", _exchanges, np.random.Generator.permutation)
"""From the order of rows to the exchanges that made it."""

EXCHANGED = _declared("exchanged", "Exchanged", _order,
                      lambda rng, n: rng.integers(np.arange(n), n))  # fmt: skip
"""From exchanges to the order of rows that they make."""


# The public functions


@public(family="linalg")
def lu_factor(a: Tensor) -> tuple[Tensor, Tensor]:
    """Return the LU factors of matrices in one matrix, and their exchanges of rows, as SciPy does.

    Parameters
    ----------
    a : Tensor
        ``(..., m, n)``. Integers count as float64, float16 as float32.

    Returns
    -------
    lu : Tensor
        ``(..., m, n)``: U on and above the diagonal, L below it, whose diagonal is 1.
    piv : Tensor
        ``(..., k)``, k the smaller of m and n: row i was exchanged with row ``piv[i]``, in turn.
        They count from 0, PyTorch's from 1.

    Raises
    ------
    ShapeError
        These aren't matrices, or it isn't known whether there are more rows or columns.

    Notes
    -----
    See `lu` for derivatives. Needs SciPy.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[2.0, 3.0], [4.0, 8.0]])
    >>> factors, piv = df.linalg.lu_factor(a)
    >>> df.evaluate(factors, piv)
    (array([[ 4. ,  8. ],
           [ 0.5, -1. ]], dtype=float32), array([1, 1]))
    """
    x = as_inexact(a)
    places, lower, upper = x.builder.apply(LU, (x,), Attrs())
    packed = filled(triangle(lower, lower=True, offset=1), x) + filled(upper, x)
    count = Attrs(count=(least(*x.shape[-2:]),))
    return packed, apply(EXCHANGES, (argsort(places, -1),), count)


@public(family="linalg")
def lu_solve(lu_and_piv: tuple[TensorLike, TensorLike], b: TensorLike, trans: int = 0) -> Tensor:
    """Return the solutions of linear systems, given the factors of their matrices.

    Parameters
    ----------
    lu_and_piv : tuple of two tensors
        What `lu_factor` returns of square matrices.
    b : tensor or array_like
        ``(n,)``, one vector, or ``(..., n, k)``; see `solve`. A tensor is among the three.
    trans : int
        0 for ``a @ x == b``, 1 with `a` transposed, 2 with its conjugate transpose.

    Raises
    ------
    ShapeError
        The factors aren't square, or the shapes don't agree.
    GraphError
        `trans` is another.
    KernelError
        While running: a matrix is singular, or no such exchanges exist.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[2.0, 0.0], [4.0, 8.0]])
    >>> df.evaluate(df.linalg.lu_solve(df.linalg.lu_factor(a), np.array([2.0, 12.0], "f")))
    array([1., 1.], dtype=float32)
    """
    if trans not in (0, 1, 2):
        msg = f"lu_solve ({user_line()}): trans is 0, 1 or 2, not {trans!r}"
        raise GraphError(msg)
    factors, right, vector = as_system(lu_and_piv[0], b)
    piv = as_tensor(lu_and_piv[1], factors)
    piv = piv.astype(np.int64) if piv.dtype.kind in "iu" else piv
    n = factors.shape[-1]
    if factors.ndim < 2 or factors.shape[-2] != n or piv.shape[-1:] != (n,):
        msg = (f"lu_solve ({user_line()}) takes square factors and a pivot for each row, not "
               f"{shape_text(factors.shape)} and {shape_text(piv.shape)}")  # fmt: skip
        raise ShapeError(msg)
    order = apply(EXCHANGED, (piv,), Attrs(count=(n,)))
    if trans == 0:
        middle = solve_triangular(factors, _in_order(right, order), lower=True, unit_diagonal=True)
        made = solve_triangular(factors, middle)
    else:
        middle = solve_triangular(factors, right, trans=trans)
        middle = solve_triangular(factors, middle, trans=trans, lower=True, unit_diagonal=True)
        made = _in_order(middle, argsort(order, -1))
    return squeeze(made, -1) if vector else made


def _in_order(x: Tensor, order: Tensor) -> Tensor:
    """Return rows in an order, of a stack for each."""
    stack = common_shape("lu_solve", [x.shape[:-2], order.shape[:-1]])
    x, order = (broadcast_to(t, (*stack, *t.shape[len(t.shape) - k :]))
                for t, k in ((x, 2), (order, 1)))  # fmt: skip
    return take_along_axis(x, expand_dims(order, -1), -2)
