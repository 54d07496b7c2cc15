"""Draws of several numbers at a time: elements of a tensor, normal vectors, counts that add up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import call_function
from dataflow.dim_texts import as_dim
from dataflow.dims import Dim
from dataflow.dispatch import public
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.ops.bins import searchsorted
from dataflow.ops.casting import astype
from dataflow.ops.draws import RAND, RANDN
from dataflow.ops.gathering import take
from dataflow.ops.indexing import getitem
from dataflow.ops.joining import stack
from dataflow.ops.matmul import matmul
from dataflow.ops.random.continuous import exponential
from dataflow.ops.random.counts import binomial
from dataflow.ops.random.domains import check_not_negative, check_weights
from dataflow.ops.random.integers import randint
from dataflow.ops.random.keys import draw, split
from dataflow.ops.random.orders import permutation
from dataflow.ops.random.parameters import float_dtype, integer_dtype, parameter, shape_of
from dataflow.ops.selection import clip, maximum
from dataflow.ops.shaping import reshape
from dataflow.ops.sorting import argsort
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import as_shape, broadcast_shapes, shape_text
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.ops.random.parameters import ShapeLike
    from dataflow.tensor import TensorLike

__all__ = ["choice", "multinomial", "multivariate_normal"]

_WIDE = np.dtype(np.float64)
_TINY = 1e-300


@public(family="random")
def choice(
    key: Tensor, a: TensorLike | str | Dim, shape: ShapeLike = (), replace: bool = True,
    p: TensorLike | None = None, axis: int = 0,
) -> Tensor:  # fmt: skip
    """Return elements, or slices along an axis, that are drawn at random.

    Parameters
    ----------
    key : Tensor
        A key.
    a : tensor, array_like, int, str or Dim
        What to draw from; a size stands for the numbers below it.
    shape : sequence of int
        How many to draw: the shape that the axis makes way for.
    replace : bool
        Whether one can be drawn again.
    p : tensor or array_like, optional
        Probabilities, in one axis, which need not add up to 1; by default all are as likely.
    axis : int
        The axis to draw along.

    Returns
    -------
    Tensor
        int64 numbers, or elements of `a`, which the result can be differentiated by.

    Raises
    ------
    ShapeError
        There is no such axis, `p` is of another length, or more elements are to be drawn than
        there are, without replacement.

    Notes
    -----
    With probabilities: by the distribution function, or without replacement by the order of
    exponential draws over their probabilities (Efraimidis and Spirakis, "Weighted random sampling
    with a reservoir", Information Processing Letters 97 (2006) 181-185).

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> key = b.constant(df.random.key(0))
    >>> sorted(df.evaluate(df.random.choice(key, 4, (4,), replace=False)).tolist())
    [0, 1, 2, 3]
    >>> drawn = df.random.choice(key, b.constant([1.5, 2.5]), (99,), p=[0.0, 1.0])
    >>> set(df.evaluate(drawn).tolist())
    {2.5}
    """
    if key.ndim:
        msg = f"choice ({user_line()}) takes one key, not {key.spec}"
        raise ShapeError(msg)
    source = None if isinstance(a, (int, np.integer, str, Dim)) else _source(a, key)
    place = 0 if source is None else normal_axis(axis, source.ndim)
    count = as_dim(a) if source is None else source.shape[place]  # type: ignore[arg-type]
    weights = None if p is None else _weights(p, count, key)
    draw_places = _with_replacement if replace else _without_replacement
    places = draw_places(key, count, as_shape(() if shape is None else shape), weights)
    return places if source is None else take(source, places, place)


def _source(a: Any, key: Tensor) -> Tensor:  # noqa: ANN401 - a tensor or array_like
    return a if isinstance(a, Tensor) else key.builder.constant(a)


def _weights(p: TensorLike, count: int | Dim, key: Tensor) -> Tensor:
    check_weights("choice", p)
    weights = parameter(p, key, _WIDE)
    if weights.shape != (count,):
        msg = (f"choice ({user_line()}): p must be {shape_text((count,))}, a probability for each, "
               f"not {weights.spec}")  # fmt: skip
        raise ShapeError(msg)
    return weights


def _with_replacement(
    key: Tensor, count: int | Dim, shape: Shape, weights: Tensor | None
) -> Tensor:  # fmt: skip
    if weights is None:
        bound = count if isinstance(count, int) else key.builder.size_of([count], np.int64)
        return randint(key, shape, 0, bound)
    reached = call_function("cumsum", weights)
    limit = getitem(reached, -1) * draw(RAND, key, shape, "float64")
    return searchsorted(reached, limit, side="right")


def _without_replacement(
    key: Tensor, count: int | Dim, shape: Shape, weights: Tensor | None
) -> Tensor:  # fmt: skip
    wanted = 1
    for length in shape:
        wanted = wanted * length  # type: ignore[assignment]  # an int or a Dim
    if isinstance(wanted, int) and isinstance(count, int) and wanted > count:
        msg = f"choice ({user_line()}): {wanted} of {count} can't be drawn without replacement"
        raise ArgumentError(msg)
    if weights is None:
        order = permutation(key, count)
    else:
        order = argsort(exponential(key, (count,), "float64") / weights)
    return reshape(getitem(order, slice(0, wanted)), shape)


@public(family="random")
def multivariate_normal(
    key: Tensor, mean: TensorLike, cov: TensorLike, shape: ShapeLike = None,
    dtype: object = "float32",
) -> Tensor:  # fmt: skip
    """Return normal vectors.

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    mean : tensor or array_like
        ``(..., n)``.
    cov : tensor or array_like
        Covariances, ``(..., n, n)``: symmetric and positive definite.
    shape : sequence of int, str or Dim, optional
        The shape of what each key draws but for the last axis; by default that of the parameters.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    Tensor
        The keys' shape, `shape`, and ``n``. It can be differentiated by both parameters.

    Raises
    ------
    ShapeError, DTypeError
        The parameters have too few axes or don't fit each other or the shape; or there is no such
        dtype.
    KernelError
        While running: a covariance isn't positive definite.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.random.multivariate_normal(key, [0.0, 5.0], [[1.0, 0.5], [0.5, 2.0]], (20000,))
    >>> np.cov(df.evaluate(drawn).T).round(1)
    array([[1. , 0.5],
           [0.5, 2. ]])
    """
    kind = float_dtype("multivariate_normal", dtype)
    if kind == np.float16:
        msg = f"multivariate_normal ({user_line()}) draws float32 or float64, not float16"
        raise DTypeError(msg)
    centre, square = parameter(mean, key, kind), parameter(cov, key, kind)
    if not centre.ndim or square.shape[-2:] != (centre.shape[-1],) * 2:
        msg = (f"multivariate_normal ({user_line()}): mean {centre.spec} and covariance "
               f"{square.spec} must be (..., n) and (..., n, n)")  # fmt: skip
        raise ShapeError(msg)
    batch = broadcast_shapes([centre.shape[:-1], square.shape[:-2]]) if shape is None else shape
    whole = (*shape_of("multivariate_normal", key, batch), centre.shape[-1])
    shape_of("multivariate_normal", key, whole, centre)
    standard = draw(RANDN, key, whole, kind)
    factor = call_function("linalg.cholesky", square)
    return getitem(matmul(factor, getitem(standard, (..., None))), (..., 0)) + centre


@public(family="random")
def multinomial(
    key: Tensor, n: TensorLike, p: TensorLike, shape: ShapeLike = None, dtype: object = "int64"
) -> Tensor:
    """Return how often each category comes in `n` trials.

    Parameters
    ----------
    key : Tensor
        A key.
    n : number or tensor
        The number of trials.
    p : tensor or array_like
        Probabilities of the categories along the last axis, of known length; they need not add
        up to 1.
    shape : sequence of int, str or Dim, optional
        The shape of the result but for the last axis; by default that of the parameters.
    dtype : dtype
        An integer's.

    Returns
    -------
    Tensor
        `shape` and the axis of categories, along which counts add up to `n`.

    Raises
    ------
    ShapeError, DTypeError
        `p` has no axis of known length, the parameters don't broadcast, or there is no such dtype;
        or numbers, arrays or constants have a count or a probability below 0, or no other one.

    Notes
    -----
    One binomial draw for each category but the last, of the trials that are left.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.multinomial(key, 100, [0.5, 0.3, 0.2], (1000,)))
    >>> drawn.mean(0).round().tolist(), set(drawn.sum(-1).tolist())
    ([50.0, 30.0, 20.0], {100})
    """
    kind, chances = integer_dtype("multinomial", dtype), parameter(p, key, _WIDE)
    if key.ndim or not chances.ndim or not isinstance(chances.shape[-1], int):
        msg = (f"multinomial ({user_line()}) takes one key and probabilities along a last axis of "
               f"known length, not {key.spec} and {chances.spec}")  # fmt: skip
        raise ShapeError(msg)
    check_not_negative("multinomial", n=n)
    check_weights("multinomial", p)
    each = [getitem(chances, (..., j)) for j in range(chances.shape[-1])]
    left = parameter(n, key, _WIDE)
    lengths = shape_of("multinomial", key, shape, left, each[0] if each else left)
    counts = []
    for own, part, rest in zip(split(key, max(len(each) - 1, 0)), each, _rests(each), strict=False):
        ratio = clip(part / maximum(rest, _TINY), 0.0, 1.0)
        counts.append(binomial(own, left, ratio, lengths, "float64"))
        left = left - counts[-1]
    last = call_function("broadcast_to", left, lengths)
    return astype(stack([*counts, last], -1), kind)


def _rests(each: list[Tensor]) -> list[Tensor]:
    """Return for each category its probability and that of all after it."""
    total, rests = None, []
    for part in reversed(each):
        total = part if total is None else total + part
        rests.append(total)
    return rests[::-1]
