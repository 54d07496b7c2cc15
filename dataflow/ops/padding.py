"""Padding: more elements before and after those of every axis, by slices and joins.

One axis is padded after the other, so that corners come from what was padded before, as in NumPy.
Reflections and repeats are blocks: what lies before and behind an axis is the axis again, turned
or not, as often as needed. So no index is read while a plan runs, and every piece is a view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dims import Dim
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.joining import concat
from dataflow.ops.medians import median
from dataflow.ops.reductions import max as max_
from dataflow.ops.reductions import mean as mean_
from dataflow.ops.reductions import min as min_
from dataflow.ops.rounding import floor, round
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.slicing import PAD_SLICE, Range, slice_axis, take_ranges
from dataflow.ops.structure import as_integer
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.dims import DimLike
    from dataflow.tensor import TensorLike

    Widths: TypeAlias = "DimLike | Sequence[DimLike] | Sequence[Sequence[DimLike]] | np.ndarray"

__all__ = ["pad"]

_OPTIONS = {
    "constant": "constant_values", "edge": "", "reflect": "reflect_type",
    "symmetric": "reflect_type", "wrap": "", "linear_ramp": "end_values",
    "maximum": "stat_length", "mean": "stat_length", "minimum": "stat_length",
    "median": "stat_length",
}  # fmt: skip
"""For every mode, the one option that it takes."""


@public(np.pad)
def pad(
    x: Tensor, /, pad_width: Widths | Mapping[int, Any], mode: str = "constant", *,
    constant_values: Any = None, end_values: Any = None, reflect_type: str | None = None,  # noqa: ANN401
    stat_length: Any = None,  # noqa: ANN401
) -> Tensor:  # fmt: skip
    """Return a tensor with more elements before and after those of every axis.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    pad_width : int, Dim, pair of them, sequence of pairs, or dict
        How many before and after: one number for all, a pair for all axes, a pair for each axis,
        or for some axes by a dict.
    mode : str
        ``constant``; ``edge``, the outermost element; ``reflect``, the axis mirrored in its
        outermost element; ``symmetric``, mirrored with it; ``wrap``, the axis again;
        ``linear_ramp`` to an end value; or the ``maximum``, ``mean``, ``median`` or ``minimum`` of
        the axis.
    constant_values : number, pair, sequence of pairs, or scalar Tensor, optional
        What mode ``constant`` puts there; by default 0.
    end_values : number, pair or sequence of pairs, optional
        The outermost elements of mode ``linear_ramp``; by default 0.
    reflect_type : {"even", "odd"}, optional
        Whether a mirrored element is itself, or lies as far on the other side of the outermost
        one, ``2 * edge - element``.
    stat_length : int, pair or sequence of pairs, optional
        Of how many outer elements the maximum, mean, median or minimum is; by default all.

    Returns
    -------
    Tensor
        The same dtype.

    Raises
    ------
    ShapeError
        A width is negative, there are more or fewer than axes, or an axis of length 0 has no
        element to repeat.
    GraphError
        There is no such mode, or it doesn't take an option. Mode ``empty`` isn't among them: its
        values would be what memory happens to hold.

    Notes
    -----
    Of an axis with a name, at most its length can be mirrored or repeated; the plan's compiler
    checks that.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.pad(x, (1, 2))), df.evaluate(df.pad(x, (1, 2), "reflect"))
    (array([0, 1, 2, 3, 0, 0]), array([2, 1, 2, 3, 2, 1]))
    """
    given = {"constant_values": constant_values, "end_values": end_values,
             "reflect_type": reflect_type, "stat_length": stat_length}  # fmt: skip
    option = _option(mode, {name: v for name, v in given.items() if v is not None})
    widths = _widths(pad_width, x.ndim)
    if mode == "constant" and option is None:
        return _in_zeros(x, widths)
    sides = _sides(x, mode, option)
    for axis, (before, after) in enumerate(widths):
        if before != 0 or after != 0:
            _check_filled(x, axis, mode)
            x = _padded(x, axis, (before, after), sides[axis])
    return x


def _option(mode: str, given: dict[str, Any]) -> Any:  # noqa: ANN401 - checked by the mode
    """Return the option that a mode was given, or None."""
    if mode not in _OPTIONS:
        msg = f"pad ({user_line()}): mode {mode!r} is none of {', '.join(_OPTIONS)}"
        raise GraphError(msg)
    for name in given:
        if name != _OPTIONS[mode]:
            msg = f"pad ({user_line()}): mode {mode!r} takes no {name}"
            raise GraphError(msg)
    return given.get(_OPTIONS[mode])


# Pairs for every axis


def _pairs(value: Any, ndim: int, what: str) -> list[tuple[Any, Any]]:  # noqa: ANN401
    """Return a pair for every axis, of one number, one pair, or a pair for each."""
    try:
        items = np.asarray(value, dtype=object)
        if items.size == 1:
            return [(items.item(), items.item())] * ndim
        if items.size == 2 and items.shape != (2, 1):
            return [tuple(items.ravel().tolist())] * ndim
        return [(a, b) for a, b in np.broadcast_to(items, (ndim, 2)).tolist()]
    except ValueError:
        msg = f"pad ({user_line()}): {what} must be a number, a pair, or a pair for {ndim} axes"
        raise ShapeError(msg) from None


def _widths(pad_width: Any, ndim: int) -> list[tuple[int | Dim, int | Dim]]:  # noqa: ANN401
    if isinstance(pad_width, Mapping):
        some = {normal_axis(axis, ndim): width for axis, width in pad_width.items()}
        pairs = [_pairs(some.get(axis, 0), 1, "pad_width")[0] for axis in range(ndim)]
    else:
        pairs = _pairs(pad_width, ndim, "pad_width")
    return [(_width(before), _width(after)) for before, after in pairs]


def _width(value: Any) -> int | Dim:  # noqa: ANN401 - checked here
    if isinstance(value, Dim):
        return value
    width = as_integer(value, "a width of pad")
    if width < 0:
        msg = f"pad ({user_line()}): a width can't be negative: {width}"
        raise ShapeError(msg)
    return width


def _check_filled(x: Tensor, axis: int, mode: str) -> None:
    if mode != "constant" and x.shape[axis] == 0:
        msg = f"pad ({user_line()}): axis {axis} has no element for mode {mode!r}"
        raise ShapeError(msg)


# Sides


class _Side(NamedTuple):
    """What is to be put before or after an axis."""

    x: Tensor
    axis: int
    width: int | Dim
    is_left: bool

    def edge(self, length: int | Dim = 1) -> Tensor:
        """Return the outermost elements."""
        whole = self.x.shape[self.axis]
        first = 0 if self.is_left else whole - length
        return slice_axis(self.x, self.axis, first, first + length)

    def filled(self, value: Tensor) -> list[Tensor]:
        """Return a value, broadcast to what is missing."""
        shape = self.x.shape
        return [broadcast_to(value, (*shape[: self.axis], self.width, *shape[self.axis + 1 :]))]


_Maker: TypeAlias = "Callable[[_Side], list[Tensor]]"


def _padded(
    x: Tensor, axis: int, widths: tuple[int | Dim, int | Dim], makers: tuple[_Maker, _Maker]
) -> Tensor:
    before, after = (
        maker(_Side(x, axis, width, is_left)) if width != 0 else []
        for maker, width, is_left in zip(makers, widths, (True, False), strict=True)
    )
    return concat([*before, x, *after], axis)


def _sides(x: Tensor, mode: str, option: Any) -> list[tuple[_Maker, _Maker]]:  # noqa: ANN401
    """Return for every axis what makes the elements before it, and those after it."""
    if mode in ("edge", "wrap", "reflect", "symmetric"):
        is_odd = _is_odd(option)
        maker: _Maker = _edges if mode == "edge" else lambda side: _mirrored(side, mode, is_odd)
        return [(maker, maker)] * x.ndim
    of = {"constant": _constant, "linear_ramp": _ramp}.get(mode, _statistic(mode))
    pairs = (
        [(option, option)] * x.ndim if isinstance(option, Tensor)
        else _pairs(_default(mode) if option is None else option, x.ndim, _OPTIONS[mode])
    )  # fmt: skip
    return [(_with(of, before), _with(of, after)) for before, after in pairs]


def _default(mode: str) -> int | None:
    return 0 if mode == "linear_ramp" else None


def _with(of: Callable[[_Side, Any], list[Tensor]], option: Any) -> _Maker:  # noqa: ANN401
    return lambda side: of(side, option)


def _is_odd(reflect_type: str | None) -> bool:
    if reflect_type not in (None, "even", "odd"):
        msg = f"pad ({user_line()}): reflect_type is 'even' or 'odd', not {reflect_type!r}"
        raise GraphError(msg)
    return reflect_type == "odd"


def _in_zeros(x: Tensor, widths: Sequence[tuple[int | Dim, int | Dim]]) -> Tensor:
    starts = tuple(before for before, _ in widths)
    stops = tuple(start + dim for start, dim in zip(starts, x.shape, strict=True))
    shape = tuple(stop + after for stop, (_, after) in zip(stops, widths, strict=True))
    attrs = Attrs(start=starts, stop=stops, step=(1,) * x.ndim, shape=shape)
    return x if shape == x.shape else apply(PAD_SLICE, (x,), attrs)


def _edges(side: _Side) -> list[Tensor]:
    return side.filled(side.edge())


def _constant(side: _Side, value: TensorLike) -> list[Tensor]:
    if isinstance(value, Tensor):
        return side.filled(value.astype(side.x.dtype))
    return side.filled(side.x.builder.constant(value, dtype=side.x.dtype))


def _statistic(mode: str) -> Callable[[_Side, Any], list[Tensor]]:
    function = {"maximum": max_, "minimum": min_, "median": median}.get(mode, mean_)

    def made(side: _Side, length: Any) -> list[Tensor]:  # noqa: ANN401 - checked here
        whole, dtype = side.x.shape[side.axis], side.x.dtype
        count = whole if length is None else as_integer(length, "stat_length of pad")
        if not isinstance(count, Dim) and count < (0 if mode == "mean" else 1):
            msg = f"pad ({user_line()}): the {mode} of stat_length {count} elements has no value"
            raise ShapeError(msg)
        count = min(count, whole) if isinstance(count, int) and isinstance(whole, int) else count
        value = function(side.edge(count), side.axis, keepdims=True)
        return side.filled((round(value) if dtype.kind in "iu" else value).astype(dtype))

    return made


def _ramp(side: _Side, end: Any) -> list[Tensor]:  # noqa: ANN401 - a number
    """Go from the end value in equal steps, in double precision as NumPy does."""
    x, width, builder = side.x, side.width, side.x.builder
    wide = np.dtype(np.complex128 if x.dtype.kind == "c" else np.float64)
    last = builder.constant(end, dtype=wide)
    step = (side.edge().astype(wide) - last) / builder.size_of((width,), wide)
    start, stop, by = (0, width, 1) if side.is_left else (width - 1, -1, -1)
    index = builder.arange(start, stop, by, wide)
    index = reshape(index, [width if i == side.axis else 1 for i in range(x.ndim)])
    ramp = last + index * step
    return [(floor(ramp) if x.dtype.kind in "iu" else ramp).astype(x.dtype)]


# Mirrors


def _mirrored(side: _Side, mode: str, is_odd: bool) -> list[Tensor]:
    """Return the blocks before or after an axis, from left to right.

    With the axis at 0, block number q starts at q times the length of a block, which an axis
    mirrored in its outermost element is shorter by that one. Odd blocks are turned.
    """
    length = side.x.shape[side.axis]
    if mode == "reflect" and length == 1:
        return _edges(side)  # as NumPy does, though there is nothing to mirror
    each = length - 1 if mode == "reflect" else length
    first = 1 if mode == "reflect" and not side.is_left else 0  # the outermost one isn't repeated
    return [_block(side, mode, is_odd, *place) for place in _places(side, each, first)]


def _places(side: _Side, each: int | Dim, first: int) -> list[tuple[int, Any, Any]]:
    """Return the number of each block, and which of its elements are needed."""
    width = side.width
    if not isinstance(each, int) or not isinstance(width, int):
        return [(-1, each - width, each)] if side.is_left else [(1, first, first + width)]
    start, stop = (-width, 0) if side.is_left else (each + first, each + first + width)
    numbers = range(start // each, -(-stop // each))
    return [(q, max(start - q * each, 0), min(stop - q * each, each)) for q in numbers]


def _block(
    side: _Side, mode: str, is_odd: bool, number: int, start: int | Dim, stop: int | Dim
) -> Tensor:
    x, axis = side.x, side.axis
    last = x.shape[axis] - 1
    turns = mode != "wrap" and number % 2 == 1
    ranges = [Range(0, dim, 1) for dim in x.shape]
    ranges[axis] = Range(last - start, last - stop, -1) if turns else Range(start, stop, 1)
    block = take_ranges(x, ranges)
    if not is_odd:
        return block
    # Each mirror adds twice the edge; two of them the distance of the edges, twice.
    block, rounds = (2 * side.edge() - block, abs(number) - 1) if turns else (block, abs(number))
    far = side._replace(is_left=not side.is_left).edge()
    return block + rounds * (side.edge() - far) if rounds else block
