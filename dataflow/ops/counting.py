"""Counts of whole numbers and of values in bins, in results whose length doesn't depend on data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, as_tensor, call_function
from dataflow.dim_texts import as_dim
from dataflow.dispatch import public
from dataflow.errors import ArgumentError, DTypeError, GraphError, ShapeError
from dataflow.ops.bins import searchsorted
from dataflow.ops.extremes import aminmax
from dataflow.ops.gathering import SCATTER_ADD
from dataflow.ops.positions import check_known
from dataflow.ops.reducing import accumulator
from dataflow.ops.reductions import sum
from dataflow.ops.segments import segment_sum
from dataflow.ops.selection import where
from dataflow.ops.shaping import reshape
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line
from dataflow.spec import shape_text
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.dims import DimLike, Shape
    from dataflow.tensor import TensorLike

__all__ = ["bincount", "histc", "histogram", "histogram_bin_edges"]


@public(np.bincount)
def bincount(x: TensorLike, /, weights: TensorLike | None = None, minlength: DimLike = 0) -> Tensor:
    """Return how often each whole number from 0 on stands in a tensor.

    Parameters
    ----------
    x : tensor or array_like
        Integers or booleans of one axis.
    weights : tensor or array_like, optional
        Of the same shape: what each element counts, in the place of 1.
    minlength : int, str or Dim
        The length of the result. NumPy's is longer where an element isn't below; ours can't be.

    Returns
    -------
    Tensor
        int64, or with weights float64. Weights have a gradient.

    Raises
    ------
    ShapeError
        There isn't one axis, the weights have another shape, there is no `minlength`, or an element
        that is known already is out of range.
    DTypeError
        `x` is neither of integers nor of booleans, or the weights are complex.
    KernelError
        While running: an element is negative, or not below `minlength`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0, 2, 2, 3])
    >>> df.evaluate(df.bincount(x, minlength=5))
    array([1, 0, 2, 1, 0])
    """
    x = x if isinstance(x, Tensor) else builder_of(x, weights).constant(np.asarray(x))
    length = as_dim(minlength)
    if x.dtype.kind not in "biu":
        msg = f"bincount ({user_line()}): counts integers, not {x.dtype}"
        raise DTypeError(msg)
    if x.ndim != 1:
        msg = f"bincount ({user_line()}): takes a tensor of one axis, not of {x.ndim}"
        raise ShapeError(msg)
    if length == 0:
        msg = (f"bincount ({user_line()}): give minlength=, the length of the result, which can't "
               "depend on data")  # fmt: skip
        raise ShapeError(msg)
    check_known(x, length, "element")
    counts = _weights(x, weights, x.shape)
    if counts.dtype.kind == "c":
        msg = f"bincount ({user_line()}): weights are real, not {counts.dtype}"
        raise DTypeError(msg)
    if weights is not None:
        counts = counts.astype(np.float64)
    whole = x.astype(np.int64)
    # An index counts from the end where it is negative: past the end it is refused.
    indices = where(whole < 0, x.builder.size_of((length,), np.int64), whole)
    return apply(SCATTER_ADD, (counts, indices), Attrs(axis=0, length=(length,)))


@public(np.histogram_bin_edges)
def histogram_bin_edges(
    x: Tensor, bins: int | TensorLike = 10, range: Sequence[float] | None = None
) -> Tensor:
    """Return the edges of a histogram's bins; see `histogram` for the parameters.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0, 4.0])
    >>> df.evaluate(df.histogram_bin_edges(x, 4))
    array([0., 1., 2., 3., 4.], dtype=float32)
    """
    return bin_edges(x, bins, range)


@public(np.histogram)
def histogram(
    x: Tensor, bins: int | TensorLike = 10, range: Sequence[float] | None = None,
    density: bool | None = None, weights: TensorLike | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return how many elements are in each of several bins side by side, and the bins' edges.

    Parameters
    ----------
    x : Tensor
        Real numbers of any shape.
    bins : int, tensor or array_like
        How many bins of one width there are, or their ascending edges, one more than bins.
    range : pair of float, optional
        The first and the last edge of bins of one width; by default the minimum and maximum.
    density : bool
        Whether to divide by the total and by the widths, so that the integral is 1.
    weights : tensor or array_like, optional
        What each element counts, in the place of 1.

    Returns
    -------
    counts : Tensor
        int64, or the dtype of the weights; with `density` floats. Elements outside of all bins, and
        NaNs, don't count. The last bin includes its right edge, others don't.
    edges : Tensor
        One more than there are bins.

    Raises
    ------
    ShapeError
        The number of bins is below 1, the edges don't ascend along one axis, or the weights have
        another shape.
    GraphError
        `bins` is the name of a rule, by which their number would depend on data.

    Notes
    -----
    Weights have a gradient; counts don't change with the elements.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 1.0, 4.0])
    >>> df.evaluate(*df.histogram(x, bins=[1.0, 2.0, 3.0]))
    (array([2, 1]), array([1., 2., 3.]))
    """
    edges = bin_edges(x, bins, range)
    count = edges.shape[0] - 1
    line = reshape(x, -1)
    counted = segment_sum(_weights(line, weights, x.shape), places_in(edges, line), count)
    if not density:
        return counted, edges
    widths = slice_axis(edges, 0, 1, count + 1) - slice_axis(edges, 0, 0, count)
    return counted / widths.astype(np.float64) / sum(counted), edges


@public()
def histc(x: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Return the counts of a `histogram` in the dtype of `x`, as `torch.histc` does.

    Parameters
    ----------
    x : Tensor
        Real numbers of any shape.
    bins : int
        How many bins of one width there are.
    min, max : float
        The first and the last edge; the data's where both are the same.

    Returns
    -------
    Tensor
        As many counts as bins.

    Raises
    ------
    ShapeError
        See `histogram`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 1.0])
    >>> df.evaluate(df.histc(x, 4, 0, 3))
    array([0., 2., 1., 0.], dtype=float32)
    """
    return histogram(x, bins, None if min == max else (min, max))[0].astype(x.dtype)


def places_in(edges: Tensor, x: Tensor) -> Tensor:
    """Return the bin of every element; another number than that of a bin where it is in none."""
    count = edges.shape[0] - 1
    places = searchsorted(edges, x, side="right") - 1
    last = slice_axis(edges, 0, count, count + 1)
    return where(x == last, x.builder.size_of((count,), np.int64) - 1, places)


def _weights(line: Tensor, weights: TensorLike | None, shape: Shape) -> Tensor:
    """Return what each of the elements counts, as one row."""
    if weights is None:
        return call_function("ones_like", line, dtype=np.int64)
    given = as_tensor(weights, line)
    if given.shape != shape:
        msg = (f"weights ({user_line()}) must have shape {shape_text(shape)}, not "
               f"{shape_text(given.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return reshape(given, line.shape)


def bin_edges(x: Tensor, bins: Any, range: Sequence[float] | None) -> Tensor:  # noqa: ANN401 - checked
    """Return the edges of bins as a tensor: of their number, or those given."""
    if isinstance(bins, str):
        msg = f"histogram ({user_line()}): the number of bins can't depend on data: give a number"
        raise GraphError(msg)
    if isinstance(bins, Tensor) or np.ndim(bins):
        return _given_edges(x, bins)
    if isinstance(bins, bool) or not hasattr(bins, "__index__") or bins < 1:
        msg = f"histogram ({user_line()}): the number of bins is a whole one from 1 on, not {bins}"
        raise ArgumentError(msg)
    dtype = x.dtype if x.spec.is_float else np.dtype(np.float64)
    if range is not None or 0 in x.shape:
        low, high = _apart(*((0, 1) if range is None else range))
        return x.builder.constant(np.linspace(low, high, bins + 1).astype(dtype))
    wide = accumulator(dtype)
    least, most = (extreme.astype(wide) for extreme in aminmax(x))
    widening = where(least == most, 0.5, 0).astype(wide)
    least, most = least - widening, most + widening
    steps = x.builder.arange(0, bins, 1, wide)
    inner = steps * ((most - least) / bins) + least
    return call_function("concat", [inner, reshape(most, (1,))]).astype(dtype)


def _given_edges(x: Tensor, bins: TensorLike) -> Tensor:
    edges = as_tensor(bins, x)
    known = None if isinstance(bins, Tensor) else np.asarray(bins)
    if edges.ndim != 1 or (known is not None and bool((known[:-1] > known[1:]).any())):
        msg = f"histogram ({user_line()}): edges must ascend along one axis: {bins!r}"
        raise ArgumentError(msg)
    return edges


def _apart(low: float, high: float) -> tuple[float, float]:
    if not (np.isfinite(low) and np.isfinite(high)) or low > high:
        msg = f"histogram ({user_line()}): a range must be finite and ascend: {(low, high)}"
        raise ArgumentError(msg)
    return (low - 0.5, high + 0.5) if low == high else (low, high)
