"""Images read at places that a grid names, between their elements too, and grids of affine maps.

A place along an axis of n elements goes from -1 to 1: from the first element's middle to the
last's where corners are aligned, else from edge to edge. Everything here is a composition: a few
elements around every place are gathered and weighted, and the weights depend on the grid, so that
both the image and the grid have gradients of any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from itertools import product as combinations
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from dataflow.calling import call_function, promoted
from dataflow.dims import Dim, product
from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.nn.correlations import CONV
from dataflow.ops.nn.places import gather_places
from dataflow.ops.shaping import reshape
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line
from dataflow.spec import as_shape, shape_text

if TYPE_CHECKING:
    from dataflow.dims import DimLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["affine_grid", "grid_sample"]

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def _refuse(name: str, what: str) -> NoReturn:
    msg = f"{name} ({user_line()}): {what}"
    raise ShapeError(msg)


# grid_sample


class _Tap(NamedTuple):
    """Elements of one axis near every place: whole numbers as floats, and their weights."""

    place: Tensor
    weight: Tensor | None


@public(family="nn")
def grid_sample(
    x: TensorLike, grid: TensorLike, mode: str = "bilinear", padding_mode: str = "zeros",
    align_corners: bool = False,
) -> Tensor:  # fmt: skip
    """Return the values of images at the places of a grid.

    Parameters
    ----------
    x : tensor or array_like
        Of shape (examples, channels, ...), with one to three spatial axes.
    grid : tensor or array_like
        Of shape (examples, ..., spatial axes): for each element of the result its place, the last
        axis of `x` first (x, then y, then z), between -1 and 1.
    mode : str
        ``"bilinear"`` (linear along every axis), ``"nearest"``, or for two axes ``"bicubic"``.
    padding_mode : str
        What lies beyond the edges: ``"zeros"``, ``"border"``, the nearest element, or
        ``"reflection"``, the image mirrored there.
    align_corners : bool
        Whether -1 and 1 are the middles of the first and last elements, not their outer edges.

    Returns
    -------
    Tensor
        Of shape (examples, channels, ...), with the grid's axes; PyTorch's values. A place that is
        NaN gives 0.

    Raises
    ------
    ShapeError
        The ranks, the examples or the last axis don't fit, or a mode isn't known.
    DTypeError
        The operands aren't of floating point.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> df.evaluate(df.nn.grid_sample(x, [[[[0.0, -1.0], [0.0, 0.0]]]], align_corners=True))
    array([[[[1.5, 2.5]]]])
    """
    image, places = promoted(CONV, None, x, grid)
    axes = _checked(image, places, mode, padding_mode)
    count = product(places.shape[1:-1])
    rows = reshape(places, (places.shape[0], 1, count, axes))
    lengths = [_length(image, 2 + axis) for axis in range(axes)]
    taps = []
    for axis, length in enumerate(lengths):
        place = reshape(slice_axis(rows, 3, axes - 1 - axis, axes - axis), rows.shape[:3])
        taps.append(_taps(_unscaled(place, length, align_corners), length, mode, padding_mode,
                          align_corners))  # fmt: skip
    flat = reshape(image, (*image.shape[:2], product(image.shape[2:])))
    parts = [_part(flat, chosen, lengths) for chosen in combinations(*taps)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return reshape(total, (*image.shape[:2], *places.shape[1:-1]))


def _checked(x: Tensor, grid: Tensor, mode: str, padding_mode: str) -> int:
    """Return the number of spatial axes."""
    name, axes = "grid_sample", x.ndim - 2
    if not 1 <= axes <= 3 or grid.ndim != x.ndim or grid.shape[-1] != axes:
        _refuse(name, f"images {shape_text(x.shape)} need a grid of {x.ndim} axes, the last of "
                f"length {axes}, not {shape_text(grid.shape)}")  # fmt: skip
    if x.shape[0] != grid.shape[0]:
        _refuse(name, f"there are {x.shape[0]} examples of images and {grid.shape[0]} of grids")
    if 0 in x.shape[2:]:
        _refuse(name, f"images {shape_text(x.shape)} have no elements")
    if mode not in _MODES or padding_mode not in _PADDINGS:
        _refuse(name, f"mode {mode!r} is one of {', '.join(_MODES)}, and padding_mode "
                f"{padding_mode!r} one of {', '.join(_PADDINGS)}")  # fmt: skip
    if mode == "bicubic" and axes != 2:
        _refuse(name, f"mode 'bicubic' is of 2 spatial axes, and there are {axes}")
    if (x.dtype.kind != "f" and not x.spec.is_float) or x.dtype.kind == "c":
        msg = f"{name} ({user_line()}) takes real floating point, not {x.dtype}: cast with astype"
        raise DTypeError(msg)
    return axes


def _length(x: Tensor, axis: int) -> int | Tensor:
    """Return an axis' length as a number, or where it is named as a scalar tensor."""
    length = x.shape[axis]
    return x.builder.size_of((length,), x.dtype) if isinstance(length, Dim) else length


def _unscaled(place: Tensor, length: int | Tensor, align_corners: bool) -> Tensor:
    """Return places from -1 to 1 as places among the elements of an axis."""
    if align_corners:
        return (place + 1) * ((length - 1) / 2)
    return ((place + 1) * length - 1) / 2


def _taps(
    place: Tensor, length: int | Tensor, mode: str, padding_mode: str, align_corners: bool
) -> list[_Tap]:  # fmt: skip
    """Return the elements along one axis that make up the values at all places."""

    def kept(t: Tensor) -> Tensor:
        return _kept_within(t, length, padding_mode, align_corners)

    if mode == "bicubic":
        first = call_function("floor", place)
        weights = _cubic(place - first)
        return [_Tap(kept(first + (i - 1)), weight) for i, weight in enumerate(weights)]
    place = kept(place)
    if mode == "nearest":
        return [_Tap(call_function("rint", place), None)]
    first = call_function("floor", place)
    rest = place - first
    return [_Tap(first, 1 - rest), _Tap(first + 1, rest)]


def _kept_within(
    place: Tensor, length: int | Tensor, padding_mode: str, align_corners: bool
) -> Tensor:  # fmt: skip
    """Return places moved into the image, as the padding asks for."""
    if padding_mode == "zeros":
        return place
    if padding_mode == "reflection":
        place = _reflected(place, length, align_corners)
    return call_function("minimum", call_function("maximum", place, 0), length - 1)


def _reflected(place: Tensor, length: int | Tensor, align_corners: bool) -> Tensor:
    """Mirror places at the edges, or at the middles of the last elements, until they are inside."""
    low, span = (0.0, length - 1) if align_corners else (-0.5, length)
    if isinstance(span, int) and span == 0:
        return place * 0
    away = call_function("abs", place - low)
    flips = call_function("floor", away / span)
    extra = away - flips * span
    is_odd = call_function("equal", flips - 2 * call_function("floor", flips / 2), 1)
    return call_function("where", is_odd, span - extra, extra) + low


def _cubic(t: Tensor) -> list[Tensor]:
    """Return the weights of four elements around a place, Keys' with a = -3/4."""
    a = -0.75

    def near(d: Tensor) -> Tensor:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Tensor) -> Tensor:
        return ((d - 5) * d + 8) * d * a - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _part(flat: Tensor, taps: Sequence[_Tap], lengths: Sequence[int | Tensor]) -> Tensor:
    """Return the weighted elements that one tap of every axis gives; 0 beyond the edges."""
    inside, index = _index(taps, lengths)
    part = gather_places(flat, index)
    weights = [tap.weight for tap in taps if tap.weight is not None]
    for weight in weights[1:]:
        weights[0] = weights[0] * weight
    part = part * weights[0] if weights else part
    return call_function("where", inside, part, 0)


def _index(taps: Sequence[_Tap], lengths: Sequence[int | Tensor]) -> tuple[Tensor, Tensor]:
    """Return which taps lie inside, and their indices into joined axes, 0 where they don't."""
    pairs = [*zip(taps, lengths, strict=True)]
    bounds = [part for tap, n in pairs for part in (tap.place >= 0, tap.place <= n - 1)]
    inside = reduce(partial(call_function, "logical_and"), bounds)
    steps = [n if isinstance(n, int) else n.astype(np.int64) for n in lengths]
    places = [call_function("where", inside, tap.place, 0).astype(np.int64) for tap in taps]
    index = places[0]
    for place, step in zip(places[1:], steps[1:], strict=True):
        index = index * step + place
    return inside, index


# affine_grid


@public(family="nn")
def affine_grid(theta: Tensor, size: Sequence[DimLike], align_corners: bool = False) -> Tensor:
    """Return the grid of an affine map, for `grid_sample`.

    Parameters
    ----------
    theta : Tensor
        One matrix for each example, of shape (examples, 2, 3) for images or (examples, 3, 4) for
        volumes, floating point: the place read for an element at p is ``theta @ (p, 1)``.
    size : sequence of int
        The shape of the result that `grid_sample` is to have: examples, channels, spatial axes.
    align_corners : bool
        As given to `grid_sample`.

    Returns
    -------
    Tensor
        Of shape (examples, spatial axes..., 2 or 3).

    Raises
    ------
    ShapeError
        The shapes don't fit, or a spatial axis has no known length.

    Examples
    --------
    >>> import dataflow as df
    >>> theta = df.GraphBuilder().constant([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.5]]])
    >>> df.evaluate(df.nn.affine_grid(theta, (1, 1, 1, 2)))
    array([[[[-0.5,  0.5],
             [ 0.5,  0.5]]]], dtype=float32)
    """
    shape = as_shape(size)
    axes = len(shape) - 2
    if axes not in (2, 3) or theta.shape != (shape[0], axes, axes + 1):
        _refuse("affine_grid", f"matrices {shape_text(theta.shape)} make no grid of "
                f"{shape_text(shape)}: they are (examples, 2, 3) or (examples, 3, 4)")  # fmt: skip
    if not theta.spec.is_float:
        msg = f"affine_grid ({user_line()}) takes floating point, not {theta.dtype}"
        raise DTypeError(msg)
    ones = (shape[0], *[1] * axes, axes)
    columns = [reshape(slice_axis(theta, 2, i, i + 1), ones) for i in range(axes + 1)]
    total = columns[axes]
    for axis, length in enumerate(shape[2:]):
        if not isinstance(length, int):
            _refuse("affine_grid", f"spatial axes need known lengths, not {length}")
        middles = _middles(length, align_corners).astype(theta.dtype)
        at = middles.reshape([-1 if i == axis else 1 for i in range(axes)] + [1])
        total = total + columns[axes - 1 - axis] * theta.builder.constant(at)
    return total


def _middles(length: int, align_corners: bool) -> np.ndarray:
    """Return the places of an axis' elements, from -1 to 1; a lone one's is 0."""
    if align_corners:
        return np.linspace(-1, 1, length) if length > 1 else np.zeros(length)
    return (2 * np.arange(length) + 1) / max(length, 1) - 1
