"""Tensors of other ranks: flattened, with at least so many axes, or broadcast together.

All of them are reshapes and broadcasts, so that views stay views.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dims import exact_quotient, product
from dataflow.dispatch import also_named, public
from dataflow.errors import ShapeError
from dataflow.ops.axes import transpose
from dataflow.ops.shaping import broadcast_to, expand_dims, reshape, runs_first_axis_first
from dataflow.shapes import normal_axes, normal_axis
from dataflow.source import user_line
from dataflow.spec import as_shape
from dataflow.spec import broadcast_shapes as broadcast_all
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.dims import Dim, DimLike, Shape
    from dataflow.tensor import TensorLike

__all__ = ["atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_shapes",
           "broadcast_tensors", "flatten", "ndim", "numel", "ravel", "shape", "size",
           "unflatten"]  # fmt: skip


@public(np.ravel)
def ravel(x: Tensor, /, order: str = "C") -> Tensor:
    """Return all elements along one axis.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    order : {"C", "F"}
        Whether the last axis runs first, or the first one.

    Raises
    ------
    GraphError
        There is no such order; ``"A"`` and ``"K"`` depend on memory, which isn't decided yet.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.ravel(x)), df.evaluate(df.ravel(x, order="F"))
    (array([1, 2, 3, 4]), array([1, 3, 2, 4]))
    """
    turned = runs_first_axis_first(order, "ravel") and x.ndim > 1
    return reshape(transpose(x) if turned else x, -1)


@public()
def flatten(x: Tensor, /, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return the tensor with a run of axes merged into one, as PyTorch's ``flatten`` does.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype; a scalar gets one axis.
    start_dim, end_dim : int
        The first and the last of the axes.

    Raises
    ------
    ShapeError
        An axis is out of range, or the last comes before the first.

    Examples
    --------
    >>> import dataflow as df
    >>> df.flatten(df.GraphBuilder().input("x", ("batch", 4, 5)), 1).shape
    (Dim('batch'), 20)
    """
    count = max(x.ndim, 1)
    first, last = normal_axis(start_dim, count), normal_axis(end_dim, count)
    if first > last:
        msg = f"flatten ({user_line()}): axis {end_dim} comes before axis {start_dim}"
        raise ShapeError(msg)
    merged = product(x.shape[first : last + 1])
    return reshape(x, (*x.shape[:first], merged, *x.shape[last + 1 :]))


@public()
def unflatten(x: Tensor, /, dim: int, sizes: Sequence[DimLike]) -> Tensor:
    """Return the tensor with an axis split into several, as PyTorch's ``unflatten`` does.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    dim : int
        The axis.
    sizes : sequence of int, str or Dim
        Their lengths, the last running first; one may be -1.

    Raises
    ------
    ShapeError
        The axis is out of range, or its length isn't the product of the sizes.

    Examples
    --------
    >>> import dataflow as df
    >>> df.unflatten(df.GraphBuilder().input("x", ("batch", 20)), 1, (-1, 5)).shape
    (Dim('batch'), 4, 5)
    """
    axis = normal_axis(dim, x.ndim)
    before, after, parts = x.shape[:axis], x.shape[axis + 1 :], list(sizes)
    if -1 in parts:
        place = parts.index(-1)
        rest = product(as_shape([*parts[:place], *parts[place + 1 :]]))
        left = exact_quotient(x.shape[axis], rest)
        parts[place] = rest if left is None else left
    if product(as_shape(parts)) != x.shape[axis]:
        msg = f"unflatten ({user_line()}): a length of {x.shape[axis]} isn't {tuple(sizes)}"
        raise ShapeError(msg)
    return reshape(x, (*before, *parts, *after))


# What is known


@public(np.ndim)
def ndim(x: Tensor, /) -> int:
    """Return the number of axes.

    Examples
    --------
    >>> import dataflow as df
    >>> df.ndim(df.GraphBuilder().zeros((2, 3)))
    2
    """
    return x.ndim


@public(np.shape)
def shape(x: Tensor, /) -> Shape:
    """Return the shape: ints, and `Dim` where a dimension is named.

    Examples
    --------
    >>> import dataflow as df
    >>> df.shape(df.GraphBuilder().input("x", ("batch", 3)))
    (Dim('batch'), 3)
    """
    return x.shape


@public(np.size)
def size(x: Tensor, /, axis: int | Sequence[int] | None = None) -> int | Dim:
    """Return the number of elements, or of those along axes: an int, or a `Dim` if one is named.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", ("batch", 3))
    >>> df.size(x), df.size(x, 1)
    (Dim('3*batch'), 3)
    """
    return product(x.shape[i] for i in normal_axes(axis, x.ndim))


@public()
def numel(x: Tensor, /) -> int | Dim:
    """Return the number of elements: PyTorch's name for `size` of all axes.

    Examples
    --------
    >>> import dataflow as df
    >>> df.numel(df.GraphBuilder().zeros((2, 3)))
    6
    """
    return size(x)


def tensors_of(arrays: Sequence[TensorLike]) -> list[Tensor]:
    """Return tensors and arrays as tensors of one builder; see `as_tensor`.

    Raises
    ------
    GraphError
        None of them is a tensor.
    """
    builder_of(*arrays)
    like = next(a for a in arrays if isinstance(a, Tensor))
    return [as_tensor(array, like) for array in arrays]


# At least so many axes


def _each(arrays: Sequence[TensorLike], function: Callable[[Tensor], Tensor]) -> Any:  # noqa: ANN401
    """Return one result, or a tuple of as many as there are arrays."""
    made = tuple(map(function, tensors_of(arrays)))
    return made[0] if len(made) == 1 else made


@public(np.atleast_1d)
def atleast_1d(*arrays: TensorLike) -> Any:  # noqa: ANN401 - one tensor, or as many as given
    """Return scalars with one axis, and other tensors as they are.

    Parameters
    ----------
    *arrays : tensor or array_like
        At least one is a tensor.

    Returns
    -------
    Tensor or tuple of Tensor
        As many as were given.

    Examples
    --------
    >>> import dataflow as df
    >>> df.atleast_1d(df.GraphBuilder().constant(5.0)).shape
    (1,)
    """
    return _each(arrays, lambda x: x if x.ndim else reshape(x, 1))


@public(np.atleast_2d)
def atleast_2d(*arrays: TensorLike) -> Any:  # noqa: ANN401 - one tensor, or as many as given
    """Return tensors with leading axes of length 1 up to two axes; see `atleast_1d`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.atleast_2d(df.GraphBuilder().zeros(3)).shape
    (1, 3)
    """
    return _each(arrays, lambda x: expand_dims(x, tuple(range(max(0, 2 - x.ndim)))))


@public(np.atleast_3d)
def atleast_3d(*arrays: TensorLike) -> Any:  # noqa: ANN401 - one tensor, or as many as given
    """Return tensors with axes of length 1 around theirs up to three axes; see `atleast_1d`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> df.atleast_3d(b.zeros(3)).shape, df.atleast_3d(b.zeros((3, 4))).shape
    ((1, 3, 1), (3, 4, 1))
    """
    new = {0: (0, 1, 2), 1: (0, 2), 2: (2,)}
    return _each(arrays, lambda x: expand_dims(x, new.get(x.ndim, ())))


# Broadcast together


@public()
def broadcast_shapes(*shapes: DimLike | Sequence[DimLike]) -> Shape:
    """Return the shape that NumPy's broadcasting gives; a named dimension never counts as 1.

    Raises
    ------
    ShapeError
        Two dimensions on one axis differ and neither is 1.

    Examples
    --------
    >>> import dataflow as df
    >>> df.broadcast_shapes(("batch", 1), 3)
    (Dim('batch'), 3)
    """
    try:
        return broadcast_all([as_shape(shape) for shape in shapes]) if shapes else ()
    except ShapeError as error:
        msg = f"broadcast_shapes ({user_line()}): {error}"
        raise ShapeError(msg) from None


@public(np.broadcast_arrays)
def broadcast_arrays(*arrays: TensorLike) -> tuple[Tensor, ...]:
    """Return tensors broadcast to one shape: views.

    Parameters
    ----------
    *arrays : tensor or array_like
        At least one is a tensor.

    Raises
    ------
    ShapeError
        The shapes don't broadcast.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> [t.shape for t in df.broadcast_arrays(b.zeros((2, 1)), b.zeros(3))]
    [(2, 3), (2, 3)]
    """
    tensors = tensors_of(arrays)
    whole = broadcast_shapes(*(tensor.shape for tensor in tensors))
    return tuple(broadcast_to(tensor, whole) for tensor in tensors)


broadcast_tensors = also_named(broadcast_arrays, "broadcast_tensors")
