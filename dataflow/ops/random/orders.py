"""Orders: the numbers below n, shuffled, and tensors shuffled along an axis.

A word per number, whose lowest bits give way to the number itself; sorted, the lowest bits are a
permutation. Nothing is allocated, and equal words leave the smaller number first: of a million
numbers a pair is equal in the other 44 bits once in 35 permutations.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.operation import Along, Cost, Op, Sample, Tiling, Workspace, register
from dataflow.ops.gathering import take
from dataflow.ops.random.keys import split
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import single_dim
from dataflow.ops.words import check_key, key_calls, u64, word_calls, words_of
from dataflow.shapes import move_axis, normal_axis
from dataflow.source import user_line
from dataflow.spec import Spec, as_shape
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike
    from dataflow.operation import Application, Arrays, Call, Specs

__all__ = ["permutation"]

_ITERATOR = 4096
"""Bytes that `numpy.ndarray.sort` allocates to go from line to line, whatever the sizes."""


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    if len(specs) != 1:
        msg = f"takes 1 input, the key, not {len(specs)}"
        raise ShapeError(msg)
    check_key(specs[0])
    return (Spec((*specs[0].shape, single_dim(attrs, "length")), np.dtype(np.int64)),)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    words = Spec((*specs[0].shape, single_dim(attrs, "length")), np.dtype(np.uint64))
    return Workspace((words, words, *[specs[0]] * 3), _ITERATOR)


def _low_bits(length: int) -> int:
    """Return as many ones as the largest of the numbers has bits."""
    return (1 << max(length - 1, 0).bit_length()) - 1


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (key,), (words, numbers, begin, other, mixing) = outs, ins, scratch
    low = _low_bits(out.shape[-1])
    return [
        *key_calls(key, (begin, other), mixing),
        *word_calls((begin, other), words, numbers, 0, 1),
        (np.bitwise_and, (words, u64(~low), words)),
        (numbers.fill, (1,)),
        (numbers[..., :1].fill, (0,)),
        (np.add.accumulate, (numbers, -1, None, numbers)),
        (np.bitwise_or, (words, numbers, words)),
        (words.sort, ()),
        (np.bitwise_and, (words, u64(low), out.view(np.uint64))),
    ]


def _reference(key: np.ndarray, attrs: Attrs) -> np.ndarray:
    (length,) = attrs.integers("length")
    low = _low_bits(length)
    words = words_of(key[..., np.newaxis], np.arange(length, dtype=np.uint64))
    return np.argsort(words & u64(~low), -1, kind="stable").astype(np.int64)


def _no_change(application: Application, changes: tuple[Tensor | None, ...]) -> list[None]:
    return [None]


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    return [apply(application.op, inputs, application.attrs)]


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    """Slice along the keys: where a number comes in an order depends on the words of all."""
    return Tiling((tuple(map(Along, range(specs[0].ndim))),))


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size, length = math.prod(outs[0].static_shape), outs[0].static_shape[-1]
    return Cost(size * (25 + 4 * length.bit_length()), ins[0].nbytes + outs[0].nbytes)


def _samples(rng: np.random.Generator) -> list[Sample]:
    cases: list[tuple[tuple[int, ...], int]] = [
        ((), 0), ((), 1), ((), 2), ((), 16), ((), 17), ((3,), 5), ((2, 2), 3), ((0,), 4),
    ]  # fmt: skip
    return [
        Sample((np.asarray(rng.integers(0, 2**64, keys, np.uint64)),), Attrs(length=(length,)))
        for keys, length in cases
    ]


PERMUTATION = register(Op(
    name="random.permutation", label="Permutation", infer=_infer, kernel=_kernel,
    reference=_reference, vjp=_no_change, jvp=_no_change, batch=_batch, tiling=_tiling,
    cost=_cost, samples=_samples, workspace=_workspace, is_flat=True,
))  # fmt: skip


@public(family="random")
def permutation(
    key: Tensor, x: Tensor | DimLike, axis: int = 0, *, independent: bool = False
) -> Tensor:
    """Return the numbers below `x` in random order, or the slices of a tensor.

    Parameters
    ----------
    key : Tensor
        A key; for numbers also an array of keys, which draw an order each.
    x : int, str, Dim or tensor
        How many numbers, or what to shuffle.
    axis : int
        The axis to shuffle along.
    independent : bool
        Whether each line along the axis has an order of its own.

    Returns
    -------
    Tensor
        int64 numbers, or a tensor like `x`, which can be differentiated by.

    Raises
    ------
    ShapeError
        The axis is out of range, or the number isn't 0 or more.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> sorted(df.evaluate(df.random.permutation(key, 5)).tolist())
    [0, 1, 2, 3, 4]
    """
    if not isinstance(x, Tensor):
        return _order(key, x)
    if key.ndim:
        msg = f"permutation ({user_line()}) of a tensor takes one key, not {key.spec}"
        raise ShapeError(msg)
    place = normal_axis(axis, x.ndim)
    if independent:
        return _each_line(key, x, place)
    return take(x, _order(key, x.shape[place]), place)


def _order(key: Tensor, length: Any) -> Tensor:  # noqa: ANN401 - checked here
    try:
        attrs = Attrs(length=as_shape((length,)))
    except GraphError as error:
        msg = f"permutation ({user_line()}): {error}"
        raise type(error)(msg) from None
    return apply(PERMUTATION, (key,), attrs)


def _each_line(key: Tensor, x: Tensor, axis: int) -> Tensor:
    """Take the elements of all lines, one line after the other, in the lines' orders."""
    moved = move_axis(x, axis, x.ndim - 1)
    *lines, length = moved.shape
    orders = _order(split(key, tuple(lines)), length)
    numbers = key.builder.arange(product(lines))
    first = reshape(numbers * key.builder.size_of([length], np.int64), (*lines, 1))
    return move_axis(take(reshape(moved, -1), orders + first, 0), x.ndim - 1, axis)
