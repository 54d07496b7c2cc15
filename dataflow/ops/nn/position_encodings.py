"""Encodings of positions: as features of their own, and as turns of queries and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.casting import astype
from dataflow.ops.elementary import cos, sin
from dataflow.ops.joining import concat, stack
from dataflow.ops.nn.arguments import as_floats, check_number, numbered
from dataflow.ops.shaping import expand_dims, reshape
from dataflow.source import user_line
from dataflow.spec import as_dtype, shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["rotary_embedding", "sinusoidal_encoding"]


def _angles(positions: Tensor, features: int, base: float) -> Tensor:
    """Return for every position its angle in each of ``features // 2`` circles."""
    steps = np.arange(0, features, 2) / features
    speeds = positions.builder.constant(base**-steps, dtype=positions.dtype)
    return expand_dims(positions, -1) * speeds


@public(family="nn")
def sinusoidal_encoding(
    positions: Tensor, features: int, base: float = 10000.0, dtype: object = "float32"
) -> Tensor:
    """Return for every position sines and cosines, by turns, of ever slower circles.

    Feature 2i is ``sin(position / base ** (2 i / features))``, and 2i + 1 the cosine.

    Parameters
    ----------
    positions : Tensor
        Positions, such as ``builder.arange("length")``, of any shape.
    features : int
        The length of the new last axis; even.
    base : float
        How much slower the slowest circle is than the first, about.
    dtype : dtype
        The result's dtype, real floating point; the angles are worked out in at least float32.

    Raises
    ------
    ShapeError, GraphError
        `features` is no even number of 0 or more, or `base` is no number above 0.

    References
    ----------
    Vaswani and others, "Attention Is All You Need", NeurIPS 2017, section 3.5.

    Examples
    --------
    >>> import dataflow as df
    >>> positions = df.GraphBuilder().arange(2)
    >>> df.evaluate(df.nn.sinusoidal_encoding(positions, 4)).round(4)
    array([[0.    , 1.    , 0.    , 1.    ],
           [0.8415, 0.5403, 0.01  , 1.    ]], dtype=float32)
    """
    _check_even("sinusoidal_encoding", features)
    _check_base("sinusoidal_encoding", base)
    wide = np.float64 if as_dtype(dtype) == np.float64 else np.float32
    angles = _angles(astype(positions, wide), features, base)
    pairs = stack([sin(angles), cos(angles)], -1)
    return astype(reshape(pairs, (*positions.shape, features)), dtype)


@public(family="nn")
def rotary_embedding(
    x: TensorLike, positions: TensorLike | None = None, base: float = 10000.0,
    *, interleaved: bool = False,
) -> Tensor:  # fmt: skip
    """Return queries or keys with pairs of features turned by angles that grow with the position.

    Parameters
    ----------
    x : tensor or array_like
        Real floats, of shape (..., length, features).
    positions : tensor or array_like, optional
        Positions of a shape that broadcasts with that of `x` without its features; by default 0, 1
        and so on along the length.
    base : float
        How much slower the slowest pair turns than the first, about.
    interleaved : bool
        Whether a pair is two features side by side, as in the paper, or feature i and
        ``features / 2 + i``, as most models have it.

    Returns
    -------
    Tensor
        The same shape and dtype; the angles are worked out in at least float32.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        `x` has fewer than two axes, or features of an odd or unknown number, or is complex; the
        positions don't broadcast; or `base` is no number above 0.

    References
    ----------
    Su, Lu, Pan, Murtadha, Wen and Liu, "RoFormer: Enhanced Transformer with Rotary Position
    Embedding", arXiv:2104.09864 (2021), equation 34.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 0.0], [1.0, 0.0]])
    >>> df.evaluate(df.nn.rotary_embedding(x)).round(4)
    array([[1.    , 0.    ],
           [0.5403, 0.8415]], dtype=float32)
    """
    name = "rotary_embedding"
    _check_base(name, base)
    (floats,) = as_floats(name, x)
    if floats.ndim < 2:
        msg = f"{name} ({user_line()}) takes (..., length, features), not {floats.spec}"
        raise ShapeError(msg)
    features = _check_even(name, floats.shape[-1])
    wide = np.float64 if floats.dtype == np.float64 else np.float32
    if positions is None:
        where_from = numbered(floats, floats.shape[-2], wide)
    else:
        where_from = astype(as_tensor(positions, floats), wide)
    angles = _angles(where_from, features, base)
    return _turned(floats, cos(angles), sin(angles), interleaved=interleaved)


def _turned(x: Tensor, cosine: Tensor, sine: Tensor, *, interleaved: bool) -> Tensor:
    half = x.shape[-1] // 2
    a, b = (x[..., ::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])
    cosine, sine = astype(cosine, x.dtype), astype(sine, x.dtype)
    turned = [a * cosine - b * sine, b * cosine + a * sine]
    if turned[0].shape != a.shape:
        msg = (f"rotary_embedding ({user_line()}): positions {shape_text(cosine.shape[:-1])} don't "
               f"broadcast to {shape_text(x.shape[:-1])}")  # fmt: skip
        raise ShapeError(msg)
    return reshape(stack(turned, -1), x.shape) if interleaved else concat(turned, -1)


def _check_even(name: str, features: object) -> int:
    is_int = isinstance(features, int) and not isinstance(features, bool)
    if not is_int or features < 0 or features % 2:  # type: ignore[operator]  # an int
        msg = f"{name} ({user_line()}): features must be an even number, not {features!r}"
        raise ShapeError(msg)
    return features  # type: ignore[return-value]  # an int, as just checked


def _check_base(name: str, base: float) -> None:
    check_number(name, "base", base)
    if not base > 0:
        msg = f"{name} ({user_line()}): base is a number above 0, not {base!r}"
        raise GraphError(msg)
