"""Exponentials and logarithms to other bases than e, and logarithms of sums."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import binary, unary
from dataflow.dispatch import public
from dataflow.elementwise import elementwise
from dataflow.ops.activations import sigmoid
from dataflow.ops.comparison import equal
from dataflow.ops.finiteness import isinf
from dataflow.ops.selection import where
from dataflow.sampling import COMPLEX, FLOATS, few

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["exp2", "log2", "log10", "logaddexp", "logaddexp2"]

_DTYPES = (*COMPLEX, *FLOATS)
_LN2, _LN10 = math.log(2), math.log(10)


def _times_output_ln2(application: Application, change: Tensor) -> Tensor:
    return change * (application.outputs[0] * _LN2)


EXP2 = elementwise(
    "exp2", np.exp2, "Exp2", (_times_output_ln2,), flops=20, samples=few((-2, 2), dtypes=_DTYPES)
)


@public(np.exp2)
def exp2(x: TensorLike, /) -> Tensor:
    """Return ``2 ** x``, element by element.

    Parameters
    ----------
    x : tensor or array_like
        Floats or complex numbers of any shape; integers become floats.

    Returns
    -------
    Tensor
        The same shape.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 3.0])
    >>> df.evaluate(df.exp2(x))
    array([1., 8.], dtype=float32)
    """
    return unary(EXP2, np.exp2, x)


def _over_input_times(application: Application, change: Tensor, factor: float) -> Tensor:
    return change / (application.inputs[0] * factor)


LOG2 = elementwise(
    "log2", np.log2, "Log2", (partial(_over_input_times, factor=_LN2),), flops=20,
    samples=few((0.5, 3), dtypes=_DTYPES),
)  # fmt: skip


@public(np.log2)
def log2(x: TensorLike, /) -> Tensor:
    """Return the logarithm to base 2: -inf at 0 and NaN below; see `exp2` for shapes and dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 8.0])
    >>> df.evaluate(df.log2(x))
    array([0., 3.], dtype=float32)
    """
    return unary(LOG2, np.log2, x)


LOG10 = elementwise(
    "log10", np.log10, "Log10", (partial(_over_input_times, factor=_LN10),), flops=20,
    samples=few((0.5, 3), dtypes=_DTYPES),
)  # fmt: skip


@public(np.log10)
def log10(x: TensorLike, /) -> Tensor:
    """Return the logarithm to base 10: -inf at 0 and NaN below; see `exp2` for shapes and dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 100.0])
    >>> df.evaluate(df.log10(x)).round(4)
    array([0., 2.], dtype=float32)
    """
    return unary(LOG10, np.log10, x)


def _share(application: Application, change: Tensor, slot: int, factor: float) -> Tensor:
    """Return the part of the sum that comes of this slot: half of it for two equal infinities."""
    mine, other = application.inputs[slot], application.inputs[1 - slot]
    is_same = equal(mine, other) & isinf(mine)
    ahead = where(is_same, 0, mine - other)
    return change * sigmoid(ahead if factor == 1 else ahead * factor)


LOGADDEXP = elementwise(
    "logaddexp", np.logaddexp, "Logaddexp",
    (partial(_share, slot=0, factor=1), partial(_share, slot=1, factor=1)), flops=40,
    samples=few((0, 3), (0, 3)),  # a sum close to 0 has fewer digits
)  # fmt: skip


@public(np.logaddexp)
def logaddexp(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return ``log(exp(a) + exp(b))``, without overflow, element by element.

    Parameters
    ----------
    a, b : tensor or array_like
        Real numbers whose shapes broadcast; integers become floats.

    Returns
    -------
    Tensor
        The broadcast shape. -inf stands for the logarithm of 0, so that ``logaddexp(a, -inf)`` is
        `a`; the derivatives are finite at infinities too, one half each where both are the same.

    Raises
    ------
    ShapeError, DTypeError
        The shapes don't broadcast, or a tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1000.0])
    >>> df.evaluate(df.logaddexp(x, 0)).round(4)
    array([6.931e-01, 1.000e+03], dtype=float32)
    """
    return binary(LOGADDEXP, np.logaddexp, a, b)


LOGADDEXP2 = elementwise(
    "logaddexp2", np.logaddexp2, "Logaddexp2",
    (partial(_share, slot=0, factor=_LN2), partial(_share, slot=1, factor=_LN2)), flops=40,
    samples=few((0, 3), (0, 3)),  # a sum close to 0 has fewer digits
)  # fmt: skip


@public(np.logaddexp2)
def logaddexp2(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return ``log2(2 ** a + 2 ** b)``, without overflow; see `logaddexp`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1000.0])
    >>> df.evaluate(df.logaddexp2(x, 0))
    array([   1., 1000.], dtype=float32)
    """
    return binary(LOGADDEXP2, np.logaddexp2, a, b)
