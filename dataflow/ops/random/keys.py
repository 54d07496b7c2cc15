"""Keys: where draws come from. A key is data, one uint64, and so is an array of keys.

    key(seed)        a key as an array: a constant, what a variable is at first, or what is fed
    split(key, n)    n keys in its place
    fold_in(key, i)  the key number i of as many as there are integers
    bits(key, ...)   the words themselves

A key that is used twice gives the same numbers twice. `split` and `fold_in` draw the keys that they
make from streams of their own, so they tell nothing of what the key itself draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, as_tensor
from dataflow.dispatch import public
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.ops.bitwise import bitwise_xor
from dataflow.ops.casting import astype
from dataflow.ops.drawing import Made, draw_op
from dataflow.ops.indexing import getitem
from dataflow.ops.numbering import numbers_of
from dataflow.ops.words import mixed, u64, word_calls, words_of
from dataflow.source import user_line
from dataflow.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from dataflow.dims import DimLike
    from dataflow.operation import Array, Arrays, Op
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["bits", "draw", "fold_in", "key", "split"]

_DTYPES = ("uint8", "uint16", "uint32", "uint64")
_SPLIT, _FOLD = 0x6A09E667F3BCC909, 0xBB67AE8584CAA73B
"""What keys are changed by to split them and to fold in: √2 and √3, their fractions' bits."""


def _make(attrs: Attrs, keys: tuple[Array, Array], arrays: Arrays) -> Made:
    words, spare = arrays
    drop = 64 - 8 * np.dtype(attrs.text("dtype")).itemsize
    calls = word_calls(keys, words, spare, attrs.integer("first"), 1)
    return Made([*calls, (np.right_shift, (words, u64(drop), words))] if drop else calls, words)


def _reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    (key,), dtype = arrays, np.dtype(attrs.text("dtype"))
    words = words_of(key[..., np.newaxis], numbers_of(attrs)) >> u64(64 - 8 * dtype.itemsize)
    return np.asarray(words.astype(dtype).reshape((*key.shape, *attrs.integers("shape"))))


BITS = draw_op(
    "random.bits", "RandomBits", _make, _reference, dtypes=_DTYPES, arrays=2, flops=20
)  # fmt: skip


def draw(
    op: Op, key: Tensor, shape: int | str | Sequence[DimLike], dtype: object, **more: Any  # noqa: ANN401
) -> Tensor:  # fmt: skip
    """Declare a node of an op that draws an array of a shape and dtype from a key."""
    try:
        spec = Spec.of(shape, dtype)
    except GraphError as error:
        msg = f"a draw ({user_line()}): {error}"
        raise type(error)(msg) from None
    attrs = Attrs(dtype=spec.dtype.name, shape=spec.shape, first=0)
    return apply(op, (key,), attrs.replace(**more))


@public(family="random")
def key(seed: int) -> np.ndarray:
    """Return a key as an array of rank 0: other seeds, other keys.

    Parameters
    ----------
    seed : int
        At least 0 and below 2⁶⁴.

    Returns
    -------
    numpy.ndarray
        uint64. A draw takes it as it is within ``with b:``, or beside another tensor, and
        ``b.constant(key(0))`` everywhere: the same numbers at every run. A variable that begins
        with it and is updated, or an input that is fed with it, draws other ones.

    Raises
    ------
    DTypeError
        The seed is no such int.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> noise = b.variable("noise", df.random.key(0))
    >>> drawn = df.random.uniform(noise, (2,))
    >>> b.update(noise, df.random.fold_in(noise, 1))
    >>> runner = df.Runner(df.compile(b.build({"drawn": drawn})))
    >>> first, second = runner.run()["drawn"], runner.run()["drawn"]
    >>> bool((first == second).any())
    False
    >>> with b:
    ...     df.random.normal(df.random.key(0), (2,)).shape
    (2,)
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= int(seed) < 2**64:
        msg = f"key ({user_line()}): a seed is an int of at least 0 and below 2**64, not {seed!r}"
        raise DTypeError(msg)
    return np.array(mixed(u64(int(seed))))


@public(family="random")
def bits(
    key: Tensor, shape: int | str | Sequence[DimLike] = (), dtype: object = "uint64"
) -> Tensor:
    """Return random words: unsigned integers, each of which is as likely as any other.

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    shape : sequence of int, str or Dim
        The shape of what each key draws.
    dtype : dtype
        An unsigned integer; the shorter ones are the upper bits of the longer.

    Returns
    -------
    Tensor
        The keys' shape, and then `shape`.

    Raises
    ------
    DTypeError, ShapeError
        The key isn't uint64, or there is no such dtype or shape.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> df.evaluate(df.random.bits(key, (3,), "uint8"))
    array([...], dtype=uint8)
    """
    return draw(BITS, key, shape, dtype)


_MOST_KEYS = 10_000  # that are tensors of their own


@public(family="random")
def split(key: Tensor, num: int | Sequence[DimLike] = 2) -> Any:  # noqa: ANN401 - see below
    """Return new keys, to be used in the place of a key.

    Parameters
    ----------
    key : Tensor
        A key, or an array of keys.
    num : int or sequence of int, str or Dim
        How many, or the shape of an array of them.

    Returns
    -------
    tuple of Tensor, or Tensor
        For an int, that many keys, to be unpacked; for a shape, one tensor: the keys' shape, and
        then `num`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> key, other = df.random.split(key)
    >>> other.shape, df.random.split(key, (3,)).shape
    ((), (3,))
    >>> df.random.normal(df.random.split(key, (3,)), (2,)).shape
    (3, 2)
    """
    stream = _changed(key, _SPLIT)
    if not isinstance(num, (int, np.integer)):
        return draw(BITS, stream, num, "uint64")
    if isinstance(num, bool) or num < 0:
        msg = f"split ({user_line()}): a number of keys is an int of 0 or more, not {num!r}"
        raise ShapeError(msg)
    if num > _MOST_KEYS:
        msg = f"split ({user_line()}): {num} keys are too many to unpack: give a shape, ({num},)"
        raise ShapeError(msg)
    keys = draw(BITS, stream, (int(num),), "uint64")
    return tuple(getitem(keys, (..., i)) for i in range(int(num)))


@public(family="random")
def fold_in(key: Tensor, data: TensorLike) -> Tensor:
    """Return the key that a key and an integer make: another for each integer.

    Parameters
    ----------
    key : Tensor
        A key, or an array of keys.
    data : int or tensor
        Integers, such as the number of a step or of an example; their shape broadcasts with the
        keys'.

    Returns
    -------
    Tensor
        uint64.

    Raises
    ------
    DTypeError
        `data` isn't of integers.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> key = b.constant(df.random.key(0))
    >>> df.random.fold_in(key, b.arange(3)).shape
    (3,)
    """
    number = as_tensor(np.asarray(data % 2**64, np.uint64) if type(data) is int else data, key)
    if number.dtype.kind not in "iu":
        msg = f"fold_in ({user_line()}): data is of integers, not {number.dtype}"
        raise DTypeError(msg)
    hashed = draw(BITS, _changed(key, _FOLD), (), "uint64")
    return draw(BITS, hashed + astype(number, np.uint64), (), "uint64")


def _changed(key: Tensor, by: int) -> Tensor:
    return bitwise_xor(key, u64(by))
