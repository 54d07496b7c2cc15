"""Logic on truth values and on bits, element by element. No gradient passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import binary, unary
from dataflow.dispatch import also_named, public
from dataflow.elementwise import elementwise
from dataflow.sampling import COMPLEX, FLOATS, INTEGERS, ranges, values

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["bitwise_and", "bitwise_count", "bitwise_invert", "bitwise_left_shift", "bitwise_not",
           "bitwise_or", "bitwise_right_shift", "bitwise_xor", "invert", "left_shift",
           "logical_and", "logical_not", "logical_or", "logical_xor", "right_shift"]  # fmt: skip

_BITS = ("bool", *INTEGERS)
_ANY = (*_BITS, *FLOATS, *COMPLEX)


LOGICAL_AND = elementwise(
    "logical_and",
    np.logical_and,
    "LogicalAnd",
    (None, None),
    samples=ranges(((0, 3),) * 2, dtypes=_ANY, smooth=False),
)


@public(np.logical_and)
def logical_and(a: TensorLike, b: TensorLike) -> Tensor:
    """Return whether both elements are true (not 0), as bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([True, False])
    >>> df.evaluate(df.logical_and(x, True))
    array([ True, False])
    """
    return binary(LOGICAL_AND, np.logical_and, a, b)


LOGICAL_OR = elementwise(
    "logical_or",
    np.logical_or,
    "LogicalOr",
    (None, None),
    samples=ranges(((0, 3),) * 2, dtypes=_ANY, smooth=False),
)


@public(np.logical_or)
def logical_or(a: TensorLike, b: TensorLike) -> Tensor:
    """Return whether at least one of two elements is true (not 0), as bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([True, False])
    >>> df.evaluate(df.logical_or(x, False))
    array([ True, False])
    """
    return binary(LOGICAL_OR, np.logical_or, a, b)


LOGICAL_XOR = elementwise(
    "logical_xor",
    np.logical_xor,
    "LogicalXor",
    (None, None),
    samples=ranges(((0, 3),) * 2, dtypes=_ANY, smooth=False),
)


@public(np.logical_xor)
def logical_xor(a: TensorLike, b: TensorLike) -> Tensor:
    """Return whether exactly one of two elements is true (not 0), as bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([True, False])
    >>> df.evaluate(df.logical_xor(x, True))
    array([False,  True])
    """
    return binary(LOGICAL_XOR, np.logical_xor, a, b)


LOGICAL_NOT = elementwise(
    "logical_not",
    np.logical_not,
    "LogicalNot",
    (None,),
    samples=values(0, 3, dtypes=_ANY, smooth=False),
)


@public(np.logical_not)
def logical_not(x: TensorLike) -> Tensor:
    """Return whether an element is false (0), as bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([True, False])
    >>> df.evaluate(df.logical_not(x))
    array([False,  True])
    """
    return unary(LOGICAL_NOT, np.logical_not, x)


BITWISE_AND = elementwise(
    "bitwise_and",
    np.bitwise_and,
    "BitwiseAnd",
    (None, None),
    samples=ranges(((0, 3),) * 2, dtypes=_BITS, smooth=False),
)


@public(np.bitwise_and)
def bitwise_and(a: TensorLike, b: TensorLike) -> Tensor:
    """Return ``a & b``, bit by bit, for integers and bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([6, 9])
    >>> df.evaluate(df.bitwise_and(x, 12))
    array([4, 8])
    """
    return binary(BITWISE_AND, np.bitwise_and, a, b)


BITWISE_OR = elementwise(
    "bitwise_or",
    np.bitwise_or,
    "BitwiseOr",
    (None, None),
    samples=ranges(((0, 3),) * 2, dtypes=_BITS, smooth=False),
)


@public(np.bitwise_or)
def bitwise_or(a: TensorLike, b: TensorLike) -> Tensor:
    """Return ``a | b``, bit by bit, for integers and bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([6, 9])
    >>> df.evaluate(df.bitwise_or(x, 12))
    array([14, 13])
    """
    return binary(BITWISE_OR, np.bitwise_or, a, b)


BITWISE_XOR = elementwise(
    "bitwise_xor",
    np.bitwise_xor,
    "BitwiseXor",
    (None, None),
    samples=ranges(((0, 3),) * 2, dtypes=_BITS, smooth=False),
)


@public(np.bitwise_xor)
def bitwise_xor(a: TensorLike, b: TensorLike) -> Tensor:
    """Return ``a ^ b``, bit by bit, for integers and bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([6, 9])
    >>> df.evaluate(df.bitwise_xor(x, 12))
    array([10,  5])
    """
    return binary(BITWISE_XOR, np.bitwise_xor, a, b)


BITWISE_INVERT = elementwise(
    "bitwise_invert",
    np.invert,
    "BitwiseNot",
    (None,),
    samples=values(0, 3, dtypes=_BITS, smooth=False),
)


@public(np.invert)
def bitwise_invert(x: TensorLike) -> Tensor:
    """Return ``~x``, bit by bit, for integers and bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([6, -1])
    >>> df.evaluate(df.bitwise_invert(x))
    array([-7,  0])
    """
    return unary(BITWISE_INVERT, np.invert, x)


LEFT_SHIFT = elementwise(
    "left_shift",
    np.left_shift,
    "LeftShift",
    (None, None),
    samples=ranges(((0, 3),) * 2, dtypes=INTEGERS, smooth=False),
)


@public(np.left_shift)
def left_shift(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the bits of `a` moved up by `b` places, ``a << b``, for integers.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([6, 9])
    >>> df.evaluate(df.left_shift(x, 2))
    array([24, 36])
    """
    return binary(LEFT_SHIFT, np.left_shift, a, b)


RIGHT_SHIFT = elementwise(
    "right_shift",
    np.right_shift,
    "RightShift",
    (None, None),
    samples=ranges(((0, 3),) * 2, dtypes=INTEGERS, smooth=False),
)


@public(np.right_shift)
def right_shift(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the bits of `a` moved down by `b` places, ``a >> b``, for integers.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([6, 9])
    >>> df.evaluate(df.right_shift(x, 2))
    array([1, 2])
    """
    return binary(RIGHT_SHIFT, np.right_shift, a, b)


BITWISE_COUNT = elementwise(
    "bitwise_count", np.bitwise_count, "BitwiseCount", (None,), kinds="iu", inplace=(),
    samples=values(-100, 100, dtypes=INTEGERS, smooth=False),
)  # fmt: skip


@public(np.bitwise_count)
def bitwise_count(x: TensorLike, /) -> Tensor:
    """Return how many bits of the absolute values of integers are 1, as uint8.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([7, -8, 0])
    >>> df.evaluate(df.bitwise_count(x))
    array([3, 1, 0], dtype=uint8)
    """
    return unary(BITWISE_COUNT, np.bitwise_count, x)


bitwise_left_shift = also_named(left_shift, "bitwise_left_shift")
bitwise_right_shift = also_named(right_shift, "bitwise_right_shift")
bitwise_not = invert = also_named(bitwise_invert, "bitwise_not", "invert")
