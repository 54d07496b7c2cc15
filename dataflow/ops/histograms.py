"""Histograms over several axes: counts in the boxes that one-dimensional bins make together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import as_tensor, call_function
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.counting import bin_edges, places_in
from dataflow.ops.reductions import sum
from dataflow.ops.segments import segment_sum
from dataflow.ops.selection import where
from dataflow.ops.shaping import reshape
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["histogram2d", "histogramdd"]


@public(np.histogramdd)
def histogramdd(
    sample: Tensor, bins: int | Sequence[int | TensorLike] = 10,
    range: Sequence[Sequence[float] | None] | None = None, density: bool | None = None,
    weights: TensorLike | None = None,
) -> tuple[Tensor, list[Tensor]]:  # fmt: skip
    """Return how many points are in each of the boxes that bins along several axes make.

    Parameters
    ----------
    sample : Tensor
        A row for every point, a column for every coordinate.
    bins : int or sequence
        How many bins there are along every axis; or for each axis their number or edges.
    range : sequence of pair of float or None, optional
        For each axis the first and the last edge; by default its minimum and maximum.
    density : bool
        Whether to divide by the total and by the boxes' volumes, so that the integral is 1.
    weights : tensor or array_like, optional
        What each point counts, in the place of 1.

    Returns
    -------
    counts : Tensor
        float64, an axis for every coordinate. Points outside don't count; a last bin includes its
        right edge.
    edges : list of Tensor
        For each axis, one more than there are bins.

    Raises
    ------
    ShapeError, GraphError
        There aren't as many `bins` or ranges as coordinates; or as `histogram`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0, 0.5], [1.0, 1.5], [1.5, 1.0]])
    >>> counts, edges = df.histogramdd(x, bins=2, range=[(0, 2), (0, 2)])
    >>> df.evaluate(counts)
    array([[1., 0.],
           [0., 2.]])
    """
    if sample.ndim != 2 or not isinstance(sample.shape[1], int):
        msg = (f"histogramdd ({user_line()}): points are rows of known length, not of shape "
               f"{shape_text(sample.shape)}")  # fmt: skip
        raise ShapeError(msg)
    count = sample.shape[1]
    columns = [reshape(slice_axis(sample, 1, i, i + 1), -1) for i in np.arange(count).tolist()]
    given = _each("bins", bins, count) if _is_many(bins) else [bins] * count
    bounds = [None] * count if range is None else _each("range", range, count)
    edges = [bin_edges(x, b, r) for x, b, r in zip(columns, given, bounds, strict=True)]
    return _counted(columns, edges, weights, density=bool(density)), edges


def _is_many(bins: Any) -> bool:  # noqa: ANN401 - checked later
    return isinstance(bins, Sequence) and not isinstance(bins, str)


def _each(what: str, values: Any, count: int) -> list[Any]:  # noqa: ANN401 - checked later
    if len(values) != count:
        msg = f"histogram ({user_line()}): {what} for {count} coordinates, not {len(values)}"
        raise ShapeError(msg)
    return list(values)


def _counted(
    columns: Sequence[Tensor], edges: Sequence[Tensor], weights: TensorLike | None, *,
    density: bool,
) -> Tensor:  # fmt: skip
    """Count points by the number of their box, in row-major order; -1 where one is outside."""
    lengths = [e.shape[0] - 1 for e in edges]
    box: Any = 0
    is_in: Any = True
    for x, axis_edges, length in zip(columns, edges, lengths, strict=True):
        size = x.builder.size_of((length,), np.int64)
        place = places_in(axis_edges, x)
        is_in = (place >= 0) & (place < size) & is_in
        box = place + box * size
    counts = (call_function("ones_like", columns[0], dtype=np.float64) if weights is None
              else as_tensor(weights, columns[0]).astype(np.float64))  # fmt: skip
    total = reshape(segment_sum(counts, where(is_in, box, -1), product(lengths)), lengths)
    if density:
        total = total / sum(total)
        for axis, axis_edges in enumerate(edges):
            length = axis_edges.shape[0]
            widths = slice_axis(axis_edges, 0, 1, length) - slice_axis(axis_edges, 0, 0, length - 1)
            total = total / reshape(widths, (-1, *[1] * (len(edges) - axis - 1)))
    return total


@public(np.histogram2d)
def histogram2d(
    x: Tensor, y: TensorLike, bins: Any = 10,  # noqa: ANN401 - as NumPy has it
    range: Sequence[Sequence[float] | None] | None = None, density: bool | None = None,
    weights: TensorLike | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Return how many points (x, y) are in each of the rectangles that bins along both axes make.

    Parameters
    ----------
    x, y : tensor or array_like
        The coordinates, of one axis.
    bins : int, array_like or pair of them
        How many bins there are along both axes, or their edges; or one for each axis.
    range, density, weights
        See `histogramdd`.

    Returns
    -------
    counts, x_edges, y_edges : Tensor
        The counts in float64, the bins of `x` along axis 0.

    Raises
    ------
    ShapeError, GraphError
        See `histogramdd`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0, 1.5])
    >>> df.evaluate(df.histogram2d(x, [0.5, 1.5, 1.0], 2, [(0, 2), (0, 2)])[0])
    array([[1., 0.],
           [0., 2.]])
    """
    other = as_tensor(y, x)
    if x.ndim != 1 or other.shape != x.shape:
        msg = (f"histogram2d ({user_line()}): takes two tensors of one axis, of the same length, "
               f"not {shape_text(x.shape)} and {shape_text(other.shape)}")  # fmt: skip
        raise ShapeError(msg)
    is_pair = (_is_many(bins) or isinstance(bins, np.ndarray)) and len(bins) in (1, 2)
    given = _each("bins", bins, 2) if is_pair else [bins, bins]
    bounds = [None, None] if range is None else _each("range", range, 2)
    edges = [bin_edges(t, b, r) for t, b, r in zip((x, other), given, bounds, strict=True)]
    return _counted((x, other), edges, weights, density=bool(density)), edges[0], edges[1]
