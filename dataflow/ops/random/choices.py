"""Choices: yes or no, and one of several categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.casting import astype
from dataflow.ops.comparison import less
from dataflow.ops.draws import RAND
from dataflow.ops.random.continuous import gumbel
from dataflow.ops.random.domains import check_between
from dataflow.ops.random.keys import draw
from dataflow.ops.random.parameters import parameter, shape_of
from dataflow.ops.random.trials import BERNOULLI
from dataflow.ops.searching import argmax
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import as_shape, shape_text

if TYPE_CHECKING:
    from dataflow.ops.random.parameters import ShapeLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["bernoulli", "categorical"]


@public(family="random")
def bernoulli(key: Tensor, p: TensorLike = 0.5, shape: ShapeLike = None) -> Tensor:
    """Return draws that are true with probability `p`.

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    p : number or tensor
        The probability, rounded up to a multiple of 2⁻⁵³; it broadcasts to the result. There is
        no derivative by it: a draw jumps.
    shape : sequence of int, str or Dim, optional
        The shape of what each key draws; by default that of `p`.

    Returns
    -------
    Tensor
        bool, the keys' shape, and then `shape`.

    Raises
    ------
    ShapeError
        A number, an array or a constant has a `p` that isn't from 0 to 1. A tensor's below 0 counts
        as 0 when a plan runs, as does NaN, and one above 1 as 1.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> round(float(df.evaluate(df.random.bernoulli(key, 0.3, (10000,))).mean()), 1)
    0.3
    """
    lengths = shape_of("bernoulli", key, shape, p)
    check_between("bernoulli", 0, 1, p=p)
    if isinstance(p, (int, float)):
        return draw(BERNOULLI, key, lengths, "bool", p=float(p))
    return less(draw(RAND, key, lengths, "float64"), parameter(p, key, np.dtype(np.float64)))


@public(family="random")
def categorical(key: Tensor, logits: Tensor, axis: int = -1, shape: ShapeLike = None) -> Tensor:
    """Return indices along an axis, each with the probability that ``softmax(logits)`` gives it.

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    logits : Tensor
        Logarithms of probabilities, which need not add up to 1; -inf for what is never drawn.
    axis : int
        The axis of the categories.
    shape : sequence of int, str or Dim, optional
        The shape of what each key draws, which the other axes of `logits` broadcast to; by default
        these axes.

    Returns
    -------
    Tensor
        int64, the keys' shape, and then `shape`.

    Raises
    ------
    ShapeError
        There is no such axis or no category, or `logits` don't broadcast to the shape.
    DTypeError
        `logits` aren't real floating point.

    Notes
    -----
    The index of the largest of ``logits + gumbel`` [1]_: so many draws are made as there are
    categories. There is no derivative by `logits`: a draw jumps.

    References
    ----------
    .. [1] C. J. Maddison, D. Tarlow, T. Minka, "A* Sampling", NIPS 2014.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> logits = b.constant([0.0, float("-inf"), 0.0])
    >>> key = b.constant(df.random.key(0))
    >>> drawn = df.random.categorical(key, logits, shape=(99,))
    >>> sorted(set(df.evaluate(drawn).tolist()))
    [0, 2]
    """
    if logits.dtype.kind != "f":
        msg = f"categorical ({user_line()}): logits are real floats, not {logits.dtype}"
        raise DTypeError(msg)
    place = normal_axis(axis, logits.ndim)
    others = (*logits.shape[:place], *logits.shape[place + 1 :])
    wanted = others if shape is None else as_shape(shape)
    missing = len(wanted) - len(others)
    if logits.shape[place] == 0:
        msg = f"categorical ({user_line()}): {logits.spec} has no category along axis {place}"
        raise ShapeError(msg)
    if missing < 0 or any(a not in (1, b) for a, b in zip(others, wanted[missing:], strict=True)):
        msg = (f"categorical ({user_line()}): logits {logits.spec} but for axis {place} don't "
               f"broadcast to {shape_text(wanted)}")  # fmt: skip
        raise ShapeError(msg)
    from_end = place - logits.ndim
    cut = len(wanted) + from_end + 1
    noise = gumbel(key, (*wanted[:cut], logits.shape[place], *wanted[cut:]), _noise(logits))
    return argmax(noise + astype(logits, noise.dtype), from_end)


def _noise(logits: Tensor) -> np.dtype:
    """Return the dtype of the noise: 16 bits would often make two categories equal."""
    return np.result_type(logits.dtype, np.float32)
