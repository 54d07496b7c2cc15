"""How a linear recurrence runs: row by row, and a long one with short rows in blocks.

A row of a few numbers costs as much as one of hundreds, since each is two calls of NumPy. So an
axis of length n is cut into about √n blocks, which start from 0 side by side: √n wide steps. Then
each block is given what its predecessor ends with, times the products of a up to each place: √n
more. The products can overflow where the recurrence doesn't, but over √n places at most.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.operation import Workspace
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Array, Arrays, Call, Specs

__all__ = ["recurrence_kernel", "recurrence_workspace"]

_NARROW, _LONG = 512, 64
"""Rows shorter than the one, more of them than the other: then in blocks."""

_VIEWS = 2048
"""Bytes of the views of rows that are alive at once."""


def _block(length: int, width: int) -> int:
    """Return the length of a block."""
    return math.isqrt(length) if width < _NARROW and length > _LONG else max(1, length)


def recurrence_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return a row of every block, three arrays for float16, and the products of blocks."""
    shape, axis, is_half = (
        specs[0].static_shape,
        attrs.integer("axis"),
        specs[0].dtype == np.float16,
    )
    wide = Spec(shape, np.dtype(np.float32) if is_half else specs[0].dtype)
    row = (*shape[:axis], *shape[axis + 1 :])
    size = _block(shape[axis], math.prod(row))
    count = max(1, shape[axis] // size)
    products = [wide.with_shape((size, count, *row))] * (count > 1)
    halves = [wide] * (3 * is_half)
    return Workspace((wide.with_shape((count, *row)), *halves, *products), internal=_VIEWS)


def recurrence_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the calls that set h, the output, of a and b; see `Op`."""
    (out,), (a, b), (row, *more) = outs, ins, scratch
    row = row[..., None]
    products = [more.pop()[..., None]] if len(row) > 1 else []
    rows = [_rows(array, attrs) for array in (more or (a, b, out))]
    running: Call = (_start, (*rows, row[0]))
    if products:
        running = (_in_blocks, (*rows, row, *products))
    if not more:
        return [running]
    copying: list[Call] = [(np.copyto, (more[0], a)), (np.copyto, (more[1], b))]
    return [*copying, running, (np.copyto, (out, more[2], "same_kind"))]


def _rows(array: Array, attrs: Attrs) -> Array:
    """Return a view with the axis first, in the order of the scan, and one more axis last."""
    rows = np.moveaxis(array, attrs.integer("axis"), 0)[..., None]
    return rows[::-1] if attrs.flag("reverse") else rows


def _start(a: Array, b: Array, h: Array, row: Array) -> None:
    """Begin with 0 and go on to the end."""
    h[:1] = 0
    _go_on(a, b, h, row)


def _go_on(a: Array, b: Array, h: Array, row: Array) -> None:
    """Go row by row from the first, which is known; each is a view, which NumPy writes into.

    Two rows of one array may lie interleaved, and NumPy would copy one to be safe: so the product
    goes through a row of its own.
    """
    for factor, term, now, following in zip(a, b, h, h[1:], strict=False):
        np.multiply(factor, now, row)
        np.add(row, term, following)


def _in_blocks(a: Array, b: Array, h: Array, row: Array, products: Array) -> None:
    size, count = products.shape[:2]
    blocks = size * count
    a_split, b_split, h_split = (
        array[:blocks].reshape(count, size, *array.shape[1:], copy=False) for array in (a, b, h)
    )
    factors = a_split.swapaxes(0, 1)
    _start(factors, b_split.swapaxes(0, 1), h_split.swapaxes(0, 1), row)
    products[0] = 1
    for factor, now, following in zip(factors, products, products[1:], strict=False):
        np.multiply(factor, now, following)
    _join(a_split, b_split, h_split, row[0], products)
    _go_on(a[blocks - 1 :], b[blocks - 1 :], h[blocks - 1 :], row[0])


def _join(a: Array, b: Array, h: Array, carry: Array, products: Array) -> None:
    """Give every block what comes out of the one before it."""
    for i in range(1, len(h)):
        np.multiply(a[i - 1, -1], h[i - 1, -1], carry)
        np.add(carry, b[i - 1, -1], carry)
        np.multiply(products[:, i], carry, products[:, i])
        np.add(h[i], products[:, i], h[i])
