"""Attention: every query takes the values' mean, weighted by how well their keys fit it.

    out = softmax(scale * query keyᵀ + bias) value

A mask becomes a bias of 0 and -inf in the mask's own shape, before it is broadcast over examples
and heads. A query that may see no key has zeros as result and as gradients, as in PyTorch: its row
gets no bias at all, so that no softmax is 0 / 0, and its result is cleared.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dispatch import public
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.ops.axes import swapaxes
from dataflow.ops.bitwise import logical_and, logical_not, logical_or
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal, greater_equal
from dataflow.ops.masking import zero_where
from dataflow.ops.matmul import matmul
from dataflow.ops.neural import softmax
from dataflow.ops.nn.arguments import (
    as_floats,
    broadcast,
    check_number,
    numbered,
)
from dataflow.ops.parameters import as_float_like
from dataflow.ops.powers import sqrt
from dataflow.ops.reductions import max
from dataflow.ops.selection import where
from dataflow.ops.shaping import expand_dims, reshape
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.dims import Dim, Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["multi_head_attention", "scaled_dot_product_attention"]

Dropping: TypeAlias = "Callable[[Tensor], Tensor] | None"


@public(family="nn")
def scaled_dot_product_attention(
    query: TensorLike, key: TensorLike, value: TensorLike, attn_mask: TensorLike | None = None,
    *, is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
    dropout: Dropping = None,
) -> Tensor:  # fmt: skip
    """Return for every query the mean of values, weighted by ``softmax(scale * query @ key.T)``.

    Parameters
    ----------
    query : tensor or array_like
        Of shape (..., queries, features).
    key : tensor or array_like
        Of shape (..., keys, features); axes before the last two broadcast.
    value : tensor or array_like
        Of shape (..., keys, value features).
    attn_mask : tensor or array_like, optional
        Of a shape that broadcasts to (..., queries, keys). Bools say which keys a query may see;
        floats are added to the scaled products.
    is_causal : bool
        Whether query i sees keys 0 to i only, beside what the mask says.
    scale : float, optional
        By default one over the root of the features.
    enable_gqa : bool
        Whether the third axis from the end of the query may be longer than that of key and value,
        which it is a multiple of: each of their heads then serves as many heads of queries.
    dropout : callable, optional
        What is done to the weights before they are used: a layer such as ``df.nn.Dropout(0.1)``.

    Returns
    -------
    Tensor
        Of shape (..., queries, value features). A query that may see no key gets zeros, and
        gradients of zero, as in PyTorch.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        The shapes don't fit, an operand is complex, the mask is neither bool nor float, or `scale`
        is no number.

    References
    ----------
    Vaswani and others, "Attention Is All You Need", NeurIPS 2017, equation 1.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 0.0], [0.0, 100.0]])
    >>> df.evaluate(df.nn.scaled_dot_product_attention(x, x, x, is_causal=True))
    array([[  1.,   0.],
           [  0., 100.]], dtype=float32)
    """
    name = "scaled_dot_product_attention"
    q, k, v = as_floats(name, query, key, value)
    _check_shapes(name, q.shape, k.shape, v.shape)
    q = _scaled(name, q, scale)
    heads = _heads_apart(q, k, v) if enable_gqa else (q, k, v)
    scores = matmul(heads[0], swapaxes(heads[1], -1, -2))
    whole = reshape(scores, _heads_joined(scores.shape)) if enable_gqa else scores
    bias, blind = _bias(name, whole, attn_mask, is_causal=is_causal)
    weights = softmax(whole if bias is None else whole + bias)
    weights = weights if dropout is None else _dropped(name, weights, dropout)
    out = matmul(reshape(weights, scores.shape) if enable_gqa else weights, heads[2])
    out = reshape(out, _heads_joined(out.shape)) if enable_gqa else out
    return out if blind is None else zero_where(blind, out)


def _dropped(name: str, weights: Tensor, dropout: Callable[[Tensor], Tensor]) -> Tensor:
    if not callable(dropout):
        msg = (f"{name} ({user_line()}): dropout is a function of the weights, such as "
               f"df.nn.Dropout(0.1), not {dropout!r}")  # fmt: skip
        raise GraphError(msg)
    return dropout(weights)


def _check_shapes(name: str, q: Shape, k: Shape, v: Shape) -> None:
    if min(len(q), len(k), len(v)) < 2 or q[-1] != k[-1] or k[-2] != v[-2]:
        msg = (f"{name} ({user_line()}): query {shape_text(q)} and key {shape_text(k)} must have "
               f"as many features, key and value {shape_text(v)} as many rows")  # fmt: skip
        raise ShapeError(msg)


def _scaled(name: str, q: Tensor, scale: float | None) -> Tensor:
    if scale is not None:
        check_number(name, "scale", scale)
        return q * scale
    features = q.shape[-1]
    if isinstance(features, int):
        return q * (1 / math.sqrt(features or 1))
    return q * astype(1 / sqrt(q.builder.size_of((features,), np.float64)), q.dtype)


# Heads that share keys and values


def _heads_apart(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Give queries one more axis, of the heads that one head of keys and values serves."""
    name = "scaled_dot_product_attention"
    if min(q.ndim, k.ndim, v.ndim) < 3 or k.shape[-3] != v.shape[-3]:
        msg = f"{name} ({user_line()}): with enable_gqa, key and value need as many heads"
        raise ShapeError(msg)
    heads, groups = q.shape[-3], k.shape[-3]
    each: int | Dim = 0 if groups == 0 else heads // groups
    if each * groups != heads:
        msg = f"{name} ({user_line()}): {heads} heads of queries don't divide by {groups} of keys"
        raise ShapeError(msg)
    apart = reshape(q, (*q.shape[:-3], groups, each, *q.shape[-2:]))
    return apart, expand_dims(k, -3), expand_dims(v, -3)


def _heads_joined(shape: Shape) -> Shape:
    return (*shape[:-4], shape[-4] * shape[-3], *shape[-2:])


# Masks


def _bias(
    name: str, scores: Tensor, mask: TensorLike | None, *, is_causal: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Return what is added to the products, and which queries see nothing, None for none."""
    causal = _causal(scores) if is_causal else None
    if mask is None or scores.shape[-1] == 0:
        return None if causal is None else _hiding(causal, scores, None), None
    seen, extra = _seen(name, scores, mask)
    seen = seen if causal is None else logical_and(seen, causal)
    blind = logical_not(max(seen, seen.ndim - 1, keepdims=True))
    return _hiding(logical_or(seen, blind), scores, extra), blind


def _causal(scores: Tensor) -> Tensor:
    """Return a lower triangle of ones."""
    queries, keys = scores.shape[-2:]
    rows = reshape(numbered(scores, queries, np.int64), (queries, 1))
    return greater_equal(rows, numbered(scores, keys, np.int64))


def _hiding(seen: Tensor, scores: Tensor, extra: Tensor | None) -> Tensor:
    shown = scores.builder.constant(0, dtype=scores.dtype) if extra is None else extra
    return where(seen, shown, -math.inf)


def _seen(name: str, scores: Tensor, mask: TensorLike) -> tuple[Tensor, Tensor | None]:
    """Return which keys a mask shows to queries, and what it adds to their products."""
    given = as_tensor(mask, scores)
    if given.dtype != np.bool_ and not given.spec.is_float:
        msg = (f"{name} ({user_line()}): attn_mask {given.spec} is of bools, or of floats to be "
               "added: use .astype('bool')")  # fmt: skip
        raise DTypeError(msg)
    if not given.ndim or broadcast(name, given, scores) != scores.shape:
        msg = (f"{name} ({user_line()}): attn_mask {shape_text(given.shape)} must broadcast to "
               f"{shape_text(scores.shape)}")  # fmt: skip
        raise ShapeError(msg)
    if given.dtype == np.bool_:
        return given, None
    extra = as_float_like(name, given, scores)
    hidden = equal(extra, -math.inf)
    return logical_not(hidden), zero_where(hidden, extra)


# Heads side by side in one axis


@public(family="nn")
def multi_head_attention(  # noqa: PLR0913 - a mask, and how heads are laid out
    query: TensorLike, key: TensorLike, value: TensorLike, num_heads: int,
    attn_mask: TensorLike | None = None, *, is_causal: bool = False, scale: float | None = None,
    num_kv_heads: int | None = None, dropout: Dropping = None,
) -> Tensor:  # fmt: skip
    """Return attention of several heads that lie side by side in the last axis.

    Projections before and after are the caller's, or those of the layer `MultiHeadAttention`.

    Parameters
    ----------
    query, key, value : tensor or array_like
        Of shape (..., rows, heads x features).
    num_heads : int
        The number of heads, which divides the last axis of the query.
    attn_mask, is_causal, scale, dropout
        See `scaled_dot_product_attention`; a mask broadcasts to (..., heads, queries, keys).
    num_kv_heads : int, optional
        The number of heads of keys and values, which divides that of queries; by default as many.

    Returns
    -------
    Tensor
        Of shape (..., queries, heads x value features).

    Raises
    ------
    ShapeError, DTypeError, GraphError
        The heads don't divide the features; and see `scaled_dot_product_attention`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones(("batch", 10, 8))
    >>> df.nn.multi_head_attention(x, x, x, 2).shape
    (Dim('batch'), 10, 8)
    """
    name = "multi_head_attention"
    others = num_heads if num_kv_heads is None else num_kv_heads
    counts = (num_heads, others, others)
    operands = as_floats(name, query, key, value)
    q, k, v = (_split(name, x, n) for x, n in zip(operands, counts, strict=True))
    out = scaled_dot_product_attention(
        q, k, v, attn_mask, is_causal=is_causal, scale=scale, enable_gqa=others != num_heads,
        dropout=dropout,
    )  # fmt: skip
    rows = swapaxes(out, -2, -3)
    return reshape(rows, (*rows.shape[:-2], rows.shape[-2] * rows.shape[-1]))


def _split(name: str, x: Tensor, heads: int) -> Tensor:
    """Give the heads an axis of their own, before the rows."""
    is_count = isinstance(heads, int) and not isinstance(heads, bool) and heads > 0
    if not is_count or x.ndim < 2 or x.shape[-1] // heads * heads != x.shape[-1]:
        msg = (f"{name} ({user_line()}): {heads!r} heads must divide the last of at least 2 axes, "
               f"of {x.spec}")  # fmt: skip
        raise ShapeError(msg)
    apart = reshape(x, (*x.shape[:-1], heads, x.shape[-1] // heads))
    return swapaxes(apart, -2, -3)
