"""Split tensors: lists of slices, which are views.

A named length can be split where that leaves whole numbers of elements, or at given places.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.dims import Dim, exact_quotient
from dataflow.dispatch import also_named, public
from dataflow.errors import ArgumentError, ShapeError
from dataflow.ops.shaping import squeeze
from dataflow.ops.slicing import slice_axis
from dataflow.ops.structure import as_integer
from dataflow.ops.unbounded import depends_on_data
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import as_shape, shape_text
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import ArrayLike

    from dataflow.dims import DimLike

    _Places: TypeAlias = "int | Sequence[int | Dim] | ArrayLike"

__all__ = ["array_split", "chunk", "dsplit", "hsplit", "narrow", "split", "split_with_sizes",
           "tensor_split", "unbind", "unstack", "vsplit"]  # fmt: skip

_MOST_EMPTY = 1_000  # parts without elements, each a node of its own


@public(np.split)
def split(x: Tensor, /, indices_or_sections: _Places, axis: int = 0) -> list[Tensor]:
    """Return the parts of a tensor along an axis, as views.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    indices_or_sections : int or sequence of int or Dim
        Into how many parts of one length, or the places at which the second part and later ones
        start.
    axis : int
        The axis.

    Raises
    ------
    ShapeError
        The axis is out of range, or isn't known to be divisible.
    DataDependentShapeError
        The places are a tensor.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3, 4])
    >>> df.evaluate(*df.split(x, 2)), df.evaluate(*df.split(x, [1]))
    ((array([1, 2]), array([3, 4])), (array([1]), array([2, 3, 4])))
    """
    place = normal_axis(axis, x.ndim)
    if _is_number(indices_or_sections):
        return _sections(x, _count(indices_or_sections, "split"), place, exact=True)
    return _at_places(x, indices_or_sections, place)


@public(np.array_split)
def array_split(x: Tensor, /, indices_or_sections: _Places, axis: int = 0) -> list[Tensor]:
    """Return the parts of a tensor along an axis, the first ones longer by one where need be.

    See `split`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.array_split(df.GraphBuilder().constant([1, 2, 3]), 2))
    (array([1, 2]), array([3]))
    """
    place = normal_axis(axis, x.ndim)
    if _is_number(indices_or_sections):
        return _sections(x, _count(indices_or_sections, "array_split"), place, exact=False)
    return _at_places(x, indices_or_sections, place)


tensor_split = also_named(array_split, "tensor_split")


def _is_number(value: object) -> bool:
    if isinstance(value, Tensor):
        depends_on_data("split", "give the places as ints or dimensions, or use df.where")
    several = isinstance(value, Sequence) or (isinstance(value, np.ndarray) and value.ndim > 0)
    return not several


def _count(value: Any, name: str) -> int:  # noqa: ANN401 - checked here
    count = as_integer(value, f"the number of parts of {name}")
    if count < 1:
        msg = f"{name} ({user_line()}): the number of parts is 1 or more, not {count}"
        raise ArgumentError(msg)
    return count


def _sections(x: Tensor, count: int, axis: int, *, exact: bool) -> list[Tensor]:
    length = x.shape[axis]
    if isinstance(length, int) and count > length + _MOST_EMPTY:
        msg = f"split ({user_line()}): {count} parts are too many for a length of {length}"
        raise ShapeError(msg)
    each = exact_quotient(length, count)
    if each is not None:
        return _between(x, [i * each for i in range(count + 1)], axis)
    if exact or not isinstance(length, int):
        msg = f"split ({user_line()}): a length of {length} isn't divisible by {count}"
        raise ShapeError(msg)
    least, longer = divmod(length, count)
    return _between(x, [i * least + min(i, longer) for i in range(count + 1)], axis)


def _at_places(x: Tensor, places: Any, axis: int) -> list[Tensor]:  # noqa: ANN401 - checked here
    length = x.shape[axis]
    bounds = [0, *(_place(item, length) for item in places), length]
    return [slice_axis(x, axis, *_ordered(*pair)) for pair in pairwise(bounds)]


def _place(value: Any, length: int | Dim) -> int | Dim:  # noqa: ANN401 - checked here
    """Return a place counted from the front, and not beyond the end where that is known."""
    if isinstance(value, Dim):
        return value
    place = as_integer(value, "a place of split")
    if isinstance(length, int):
        return slice(place, None).indices(length)[0]
    return place + length if place < 0 else place


def _ordered(start: int | Dim, stop: int | Dim) -> tuple[int | Dim, int | Dim]:
    """Let a part that would stop before it starts be empty, as in NumPy."""
    falls = isinstance(start, int) and isinstance(stop, int) and stop < start
    return (start, start if falls else stop)


def _between(x: Tensor, bounds: Sequence[int | Dim], axis: int) -> list[Tensor]:
    return [slice_axis(x, axis, *pair) for pair in pairwise(bounds)]


@public()
def split_with_sizes(x: Tensor, /, split_sizes: Sequence[DimLike], dim: int = 0) -> list[Tensor]:
    """Return parts of these lengths along an axis, as PyTorch's function of this name does.

    Raises
    ------
    ShapeError
        The axis is out of range, or the lengths don't add up to that of the axis.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.split_with_sizes(df.GraphBuilder().constant([1, 2, 3]), [2, 1]))
    (array([1, 2]), array([3]))
    """
    axis, bounds = normal_axis(dim, x.ndim), [0, *accumulate(as_shape(split_sizes))]
    if bounds[-1] != x.shape[axis]:
        msg = (f"split_with_sizes ({user_line()}): {tuple(split_sizes)} don't add up to the length "
               f"{x.shape[axis]}")  # fmt: skip
        raise ShapeError(msg)
    return _between(x, bounds, axis)


@public(np.hsplit)
def hsplit(x: Tensor, /, indices_or_sections: _Places) -> list[Tensor]:
    """Return the parts along the second axis, or the only one; see `split`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.hsplit(df.GraphBuilder().constant([[1, 2]]), 2))
    (array([[1]]), array([[2]]))
    """
    _check_rank(x, 1, "hsplit")
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


@public(np.vsplit)
def vsplit(x: Tensor, /, indices_or_sections: _Places) -> list[Tensor]:
    """Return the parts along the first axis of two or more; see `split`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.vsplit(df.GraphBuilder().constant([[1], [2]]), 2))
    (array([[1]]), array([[2]]))
    """
    _check_rank(x, 2, "vsplit")
    return split(x, indices_or_sections, 0)


@public(np.dsplit)
def dsplit(x: Tensor, /, indices_or_sections: _Places) -> list[Tensor]:
    """Return the parts along the third axis; see `split`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.dsplit(df.GraphBuilder().constant([[[1, 2]]]), 2))
    (array([[[1]]]), array([[[2]]]))
    """
    _check_rank(x, 3, "dsplit")
    return split(x, indices_or_sections, 2)


def _check_rank(x: Tensor, least: int, name: str) -> None:
    if x.ndim < least:
        axes = "axis" if least == 1 else "axes"
        msg = f"{name} ({user_line()}): {shape_text(x.shape)} has fewer than {least} {axes}"
        raise ShapeError(msg)


@public()
def chunk(x: Tensor, /, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return parts of one length, the last shorter where need be, as PyTorch's ``chunk`` does.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    chunks : int
        How many parts; there are fewer where rounding up their length leaves fewer.
    dim : int
        The axis.

    Raises
    ------
    ShapeError
        The axis is out of range, or its length is named and not known to be divisible.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.chunk(df.GraphBuilder().constant([1, 2, 3]), 2))
    (array([1, 2]), array([3]))
    """
    axis, count = normal_axis(dim, x.ndim), _count(chunks, "chunk")
    length = x.shape[axis]
    if not isinstance(length, int) or length % count == 0:
        return tuple(_sections(x, count, axis, exact=True))
    each = -(-length // count)
    return tuple(_between(x, [*range(0, length, each), length], axis))


@public(np.unstack)
def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """Return the slices along an axis, without it: the reverse of `stack`.

    Raises
    ------
    ShapeError
        The axis is out of range, or its length is named, so that it isn't known how many.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.unstack(df.GraphBuilder().constant([[1, 2], [3, 4]]), axis=1))
    (array([1, 3]), array([2, 4]))
    """
    place = normal_axis(axis, x.ndim)
    length = x.shape[place]
    if not isinstance(length, int):
        msg = f"unstack ({user_line()}): it isn't known how many slices a length of {length} has"
        raise ShapeError(msg)
    return tuple(squeeze(part, place) for part in _between(x, range(length + 1), place))


@public()
def unbind(x: Tensor, /, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the slices along an axis, without it: PyTorch's name for `unstack`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.unbind(df.GraphBuilder().constant([[1, 2], [3, 4]])))
    (array([1, 2]), array([3, 4]))
    """
    return unstack(x, axis=dim)


@public()
def narrow(x: Tensor, /, dim: int, start: int, length: int | Dim) -> Tensor:
    """Return `length` elements along an axis from `start` on, as PyTorch's ``narrow`` does.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    dim : int
        The axis.
    start : int
        The first element, counted from the end if negative.
    length : int or Dim
        How many.

    Returns
    -------
    Tensor
        A view.

    Raises
    ------
    ShapeError
        The axis is out of range, or there are fewer elements.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.narrow(df.GraphBuilder().constant([1, 2, 3, 4]), 0, -3, 2))
    array([2, 3])
    """
    axis, first = normal_axis(dim, x.ndim), as_integer(start, "the start of narrow")
    count = length if isinstance(length, Dim) else as_integer(length, "the length of narrow")
    first_ = first + x.shape[axis] if first < 0 else first
    return slice_axis(x, axis, first_, first_ + count)
