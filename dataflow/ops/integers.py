"""Common divisors and multiples of integers, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import binary
from dataflow.dispatch import public
from dataflow.elementwise import elementwise
from dataflow.sampling import INTEGERS, few

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["gcd", "lcm"]

GCD = elementwise(
    "gcd", np.gcd, "Gcd", (None, None), kinds="iu", flops=20,
    samples=few((0, 12), (0, 12), dtypes=INTEGERS),
)  # fmt: skip


@public(np.gcd)
def gcd(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return the greatest common divisor of integers, element by element: ``|a|`` for ``b == 0``.

    Parameters
    ----------
    a, b : tensor or array_like
        Integers whose shapes broadcast.

    Returns
    -------
    Tensor
        The broadcast shape, in the common dtype of both.

    Raises
    ------
    ShapeError, DTypeError
        The shapes don't broadcast, or a tensor isn't of integers.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([12, -18, 0])
    >>> df.evaluate(df.gcd(x, 8))
    array([4, 2, 8])
    """
    return binary(GCD, np.gcd, a, b)


LCM = elementwise(
    "lcm", np.lcm, "Lcm", (None, None), kinds="iu", flops=20,
    samples=few((0, 10), (0, 10), dtypes=INTEGERS),
)  # fmt: skip


@public(np.lcm)
def lcm(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return the least common multiple of integers, element by element: 0 where one is 0.

    See `gcd` for shapes, dtypes and errors. One too large for the dtype wraps, as in NumPy.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([12, -18, 0])
    >>> df.evaluate(df.lcm(x, 8))
    array([24, 72,  0])
    """
    return binary(LCM, np.lcm, a, b)
