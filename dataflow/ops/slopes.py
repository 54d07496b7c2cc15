"""Slopes of sampled values by differences: slices and arithmetic, rounded as NumPy's are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np

from dataflow.dims import Dim
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.differences import lying_along, neighbours
from dataflow.ops.joining import concat
from dataflow.ops.slicing import slice_axis
from dataflow.shapes import normal_axes, normal_axis
from dataflow.source import user_line
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

    _Step: TypeAlias = float | Tensor

__all__ = ["gradient"]


@public(np.gradient)
def gradient(
    f: Tensor, /, *varargs: TensorLike, axis: int | Sequence[int] | None = None,
    edge_order: int = 1,
) -> Any:  # fmt: skip  # noqa: ANN401 - one tensor, or one for each axis
    """Return the slopes of sampled values, by differences of second order in the interior.

    For the derivative of one tensor by another, see `dataflow.grad`.

    Parameters
    ----------
    f : Tensor
        Numbers, at least ``edge_order + 1`` along each axis; integers become float64.
    *varargs : number, tensor or array_like
        The distance of neighbours, or their places along one axis, 1-D and of its length: none
        for 1, one for all axes, or one for each.
    axis : int or sequence of int, optional
        The axes; by default all.
    edge_order : {1, 2}
        The order of the differences at both ends.

    Returns
    -------
    Tensor or tuple of Tensor
        The slopes along the axis, or along each.

    Raises
    ------
    ShapeError
        An axis is out of range or too short, or places are more or fewer than elements.
    GraphError
        There are more or fewer distances than axes, or no such order.

    Notes
    -----
    The weights for uneven distances are those of `numpy.gradient`.

    Examples
    --------
    >>> import dataflow as df
    >>> f = df.GraphBuilder().constant([1.0, 2.0, 4.0, 7.0])
    >>> df.evaluate(df.gradient(f)), df.evaluate(df.gradient(f, 2.0))
    (array([1. , 1.5, 2.5, 3. ], dtype=float32), array([0.5 , 0.75, 1.25, 1.5 ], dtype=float32))
    """
    axes = _ordered_axes(axis, f.ndim)
    if edge_order not in (1, 2):
        msg = f"gradient ({user_line()}): edge_order is 1 or 2, not {edge_order!r}"
        raise GraphError(msg)
    spacings = varargs or (1.0,)
    if len(spacings) == 1 and np.ndim(_shape_holder(spacings[0])) == 0:
        spacings = spacings * len(axes)
    if len(spacings) != len(axes):
        msg = f"gradient ({user_line()}): {len(spacings)} distances for {len(axes)} axes"
        raise GraphError(msg)
    whole = f.astype(np.float64) if f.dtype.kind in "iu" else f
    slopes = tuple(
        _slope(whole, place, spacing, edge_order)
        for place, spacing in zip(axes, spacings, strict=True)
    )
    return slopes[0] if len(slopes) == 1 else slopes


def _ordered_axes(axis: int | Sequence[int] | None, ndim: int) -> list[int]:
    normal_axes(axis, ndim)  # refuses one that is named twice
    if axis is None:
        return list(range(ndim))
    items = axis if isinstance(axis, Sequence) else [axis]
    return [normal_axis(item, ndim) for item in items]


def _shape_holder(value: TensorLike) -> Any:  # noqa: ANN401 - an array
    """Return something with the number of axes of a tensor or of what becomes one."""
    return np.empty((0,) * value.ndim) if isinstance(value, Tensor) else value


def _slope(f: Tensor, axis: int, spacing: TensorLike, order: int) -> Tensor:
    length = f.shape[axis]
    if not isinstance(length, Dim) and length < order + 1:
        msg = (f"gradient ({user_line()}): axis {axis} has {length} elements, but edge_order "
               f"{order} takes at least {order + 1}")  # fmt: skip
        raise ShapeError(msg)
    step = _steps(f, axis, spacing)
    ends = [_edge(f, axis, step, order, at_end=at_end) for at_end in (False, True)]
    return concat([ends[0], _interior(f, axis, step), ends[1]], axis).astype(f.dtype)


def _steps(f: Tensor, axis: int, spacing: TensorLike) -> _Step:
    """Return the distance of neighbours: one, or a tensor with one fewer than elements."""
    places: Any = spacing if isinstance(spacing, Tensor) else np.asarray(spacing)
    if places.ndim == 0:
        return places if isinstance(places, Tensor) else places.item()
    if places.ndim != 1 or places.shape[0] != f.shape[axis]:
        msg = (f"gradient ({user_line()}): places along axis {axis} must be one number or "
               f"{f.shape[axis]}, not shape {tuple(places.shape)}")  # fmt: skip
        raise ShapeError(msg)
    places = places.astype(np.float64) if places.dtype.kind in "biu" else places
    if isinstance(places, Tensor):
        later, earlier = neighbours(places, 0)
        return lying_along(later - earlier, f, axis)
    steps = np.diff(places)
    is_even = (steps == steps[0]).all()
    return steps[0].item() if is_even else lying_along(f.builder.constant(steps), f, axis)


def _part(x: Tensor, axis: int, start: int, stop: int | None) -> Tensor:
    """Return ``x[start:stop]`` along an axis, counted from the end where negative."""
    length = x.shape[axis]
    end = length if stop is None else stop if stop >= 0 else length + stop
    return slice_axis(x, axis, start if start >= 0 else length + start, end)


def _is_uneven(step: _Step) -> TypeGuard[Tensor]:
    return isinstance(step, Tensor) and step.ndim > 0


def _interior(f: Tensor, axis: int, step: _Step) -> Tensor:
    behind, here, ahead = (_part(f, axis, i, (i - 2) or None) for i in range(3))
    if not _is_uneven(step):
        return (ahead - behind) / (step * 2.0)
    h, k = _part(step, axis, 0, -1), _part(step, axis, 1, None)
    return -k / (h * (h + k)) * behind + (k - h) / (h * k) * here + h / (k * (h + k)) * ahead


def _edge(f: Tensor, axis: int, step: _Step, order: int, *, at_end: bool) -> Tensor:
    """Return the slope of the first element, or of the last, by the ones nearest to it."""
    near = [_nearest(f, axis, i, at_end=at_end) for i in range(order + 1)]
    if order == 1:
        h = _nearest(step, axis, 0, at_end=at_end) if _is_uneven(step) else step
        return (near[0] - near[1]) / h if at_end else (near[1] - near[0]) / h
    parts = [
        weight * x for weight, x in zip(_weights(step, axis, at_end=at_end), near, strict=True)
    ]
    # The last ones first, and turned: so NumPy adds them up.
    return -parts[2] - parts[1] - parts[0] if at_end else parts[0] + parts[1] + parts[2]


def _nearest(x: Tensor, axis: int, i: int, *, at_end: bool) -> Tensor:
    return _part(x, axis, -1 - i, -i or None) if at_end else _part(x, axis, i, i + 1)


def _weights(step: _Step, axis: int, *, at_end: bool) -> tuple[_Step, _Step, _Step]:
    """Return the weights of second order of the first three elements, for a slope at the first."""
    if not _is_uneven(step):
        return -1.5 / step, 2.0 / step, -0.5 / step
    h, k = (_nearest(step, axis, i, at_end=at_end) for i in (0, 1))
    return -(2.0 * h + k) / (h * (h + k)), (h + k) / (h * k), -h / (k * (h + k))
