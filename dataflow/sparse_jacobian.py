"""Jacobians of a known pattern: few directions, from each of which many elements are read.

Columns that no row shares get one colour. Forward mode along the sum of a colour's unit tangents
gives all their elements at once; reverse mode does the same for rows. What is left is to take each
element from where it came out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.calling import call_function
from dataflow.coloring import colored
from dataflow.drafts import drafting
from dataflow.sparsity import Pattern, detected, given_pattern
from dataflow.sweeps import jvp_of, vjp_of

if TYPE_CHECKING:
    from dataflow.operation import Array
    from dataflow.tensor import Tensor

__all__ = ["SparseJacobian", "sparse_jacobian"]


class SparseJacobian(NamedTuple):
    """A Jacobian by its elements that may not be zero.

    Parameters
    ----------
    values : Tensor
        One axis: the elements, row by row.
    rows, columns : numpy.ndarray
        int64, as many: of each the element of the output, and of what it is differentiated by,
        counted row by row.
    output_shape, input_shape : tuple of int
        The output's shape, and that of what it is differentiated by.
    directions : int
        How many directions it was computed in.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 3.0])
    >>> jacobian = df.jacobian(x[1:] * x[:-1], x, sparsity="detect")
    >>> jacobian.rows.tolist(), jacobian.columns.tolist(), jacobian.directions
    ([0, 0, 1, 1], [0, 1, 1, 2], 2)
    >>> df.evaluate(jacobian.values, jacobian.dense())
    (array([2., 1., 3., 2.], dtype=float32), array([[2., 1., 0.],
           [0., 3., 2.]], dtype=float32))
    """

    values: Tensor
    rows: Array
    columns: Array
    output_shape: tuple[int, ...]
    input_shape: tuple[int, ...]
    directions: int

    @property
    def places(self) -> Array:
        """Where the elements are among all of the Jacobian's, counted row by row."""
        return self.rows * _size(self.input_shape) + self.columns

    def dense(self) -> Tensor:
        """Return the Jacobian with its zeros, as `dataflow.jacobian` gives it without a pattern."""
        builder: Any = self.values.builder
        shape = (*self.output_shape, *self.input_shape)
        flat = builder.zeros((_size(shape),), self.values.dtype)
        filled = flat.at[builder.constant(self.places)].set(self.values)
        return call_function("reshape", filled, shape)


def sparse_jacobian(output: Tensor, tensor: Tensor, sparsity: Any, mode: str) -> SparseJacobian:  # noqa: ANN401
    """Return the Jacobian of a pattern, detected or given; see `dataflow.jacobian`."""
    is_detected = isinstance(sparsity, str) and sparsity == "detect"
    pattern = detected(output, tensor) if is_detected else given_pattern(output, tensor, sparsity)
    size, width = _size(output.spec.static_shape), _size(tensor.spec.static_shape)
    by_rows = _colors(pattern.transposed(width), size) if mode != "forward" else None
    by_columns = _colors(pattern, width) if mode != "reverse" else None
    is_forward = by_rows is None or (
        by_columns is not None and by_columns.max(initial=-1) <= by_rows.max(initial=-1)
    )
    colors = by_columns if is_forward else by_rows
    assert colors is not None  # noqa: S101 - one of the modes was asked for
    count = int(colors.max(initial=-1)) + 1
    push = _pushed if is_forward else _pulled
    flat = push(output, tensor, colors, count) if count else None
    builder: Any = output.builder
    rows, columns = pattern.rows, pattern.columns
    if flat is None:
        values = builder.zeros((len(rows),), output.dtype)
    else:
        places = colors[columns] * size + rows if is_forward else colors[rows] * width + columns
        values = call_function("take", flat, builder.constant(places), 0)
    shapes = output.spec.static_shape, tensor.spec.static_shape
    return SparseJacobian(values, rows, columns, *shapes, count)


def _colors(pattern: Pattern, width: int) -> Array:
    """Return colours of columns; those that no row has an entry in have the colour -1."""
    colors = colored(pattern, width)
    is_used = np.zeros(width, bool)
    is_used[pattern.columns] = True
    names, renamed = np.unique(colors[is_used], return_inverse=True)
    del names
    found = np.full(width, -1, dtype=np.int64)
    found[is_used] = renamed
    return found


def _seeds(like: Tensor, colors: Array, count: int) -> Tensor:
    """Return for each colour the sum of the unit directions of that colour."""
    builder: Any = like.builder
    flags = np.arange(count)[:, None] == colors
    seeds: Tensor = builder.constant(
        flags.reshape(count, *like.spec.static_shape), dtype=like.dtype
    )
    return seeds


def _pushed(output: Tensor, tensor: Tensor, colors: Array, count: int) -> Tensor | None:
    """Return what forward mode gives along each colour's direction, flat."""
    builder: Any = output.builder
    with drafting(builder, [tensor.spec]) as draft:
        (found,) = jvp_of([output], [tensor], draft.stand_ins)
    if found is None:
        return None
    ((made, _),) = draft.batch([_seeds(tensor, colors, count)], count, [found])
    return _flat(made, output)


def _pulled(output: Tensor, tensor: Tensor, colors: Array, count: int) -> Tensor | None:
    """Return what reverse mode gives from each colour's cotangent, flat."""
    builder: Any = output.builder
    with drafting(builder, [output.spec]) as draft:
        (found,) = vjp_of([output], [tensor], draft.stand_ins)
    if found is None:
        return None
    ((made, _),) = draft.batch([_seeds(output, colors, count)], count, [found])
    return _flat(made, output)


def _flat(made: Tensor, output: Tensor) -> Tensor:
    flat = call_function("reshape", made, (-1,))
    return flat if flat.dtype == output.dtype else call_function("astype", flat, output.dtype)


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))
