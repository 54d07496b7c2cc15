"""Whole numbers near a number: down, up, towards zero, to the nearest. Their derivative is 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import as_tensor, call_function, promoted, unary
from dataflow.dispatch import public
from dataflow.elementwise import elementwise
from dataflow.errors import GraphError
from dataflow.ops.casting import astype
from dataflow.ops.finiteness import isinf
from dataflow.ops.selection import where
from dataflow.sampling import COMPLEX, FLOATS, INTEGERS, few, joined, values
from dataflow.source import user_line
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

__all__ = ["around", "ceil", "fix", "floor", "frac", "modf", "rint", "round", "trunc"]

_REALS = ("bool", *INTEGERS, *FLOATS)
_samples = joined(few((1.1, 1.4), dtypes=_REALS), values(-9, 9, dtypes=("float64",), smooth=False))

FLOOR = elementwise("floor", np.floor, "Floor", (None,), kinds="biuf", samples=_samples)


@public(np.floor)
def floor(x: TensorLike, /) -> Tensor:
    """Return the largest whole number not above each element, in the dtype of `x`.

    Parameters
    ----------
    x : tensor or array_like
        Real numbers of any shape; integers stay as they are.

    Returns
    -------
    Tensor
        The same shape.

    Raises
    ------
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.5, -1.5])
    >>> df.evaluate(df.floor(x))
    array([ 1., -2.], dtype=float32)
    """
    return unary(FLOOR, np.floor, x)


CEIL = elementwise("ceil", np.ceil, "Ceil", (None,), kinds="biuf", samples=_samples)


@public(np.ceil)
def ceil(x: TensorLike, /) -> Tensor:
    """Return the smallest whole number not below each element; see `floor`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.5, -1.5])
    >>> df.evaluate(df.ceil(x))
    array([ 2., -1.], dtype=float32)
    """
    return unary(CEIL, np.ceil, x)


TRUNC = elementwise("trunc", np.trunc, "Trunc", (None,), kinds="biuf", samples=_samples)


@public(np.trunc)
def trunc(x: TensorLike, /) -> Tensor:
    """Return each element without its fraction, which rounds towards zero; see `floor`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.5, -1.5])
    >>> df.evaluate(df.trunc(x))
    array([ 1., -1.], dtype=float32)
    """
    return unary(TRUNC, np.trunc, x)


@public(np.fix)
def fix(x: TensorLike) -> Tensor:
    """Return each element without its fraction: `trunc`, under NumPy's older name.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.5, -1.5])
    >>> df.evaluate(df.fix(x))
    array([ 1., -1.], dtype=float32)
    """
    return trunc(x)


ROUND = elementwise(
    "round", np.rint, "Round", (None,), kinds="fc",
    samples=joined(few((1.1, 1.4), dtypes=FLOATS), few((-9, 9), dtypes=COMPLEX, smooth=False)),
)  # fmt: skip


@public(np.rint)
def rint(x: TensorLike, /) -> Tensor:
    """Return the nearest whole number, the even one of two; integers become floats.

    Complex numbers have their two parts rounded. The derivative is 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.5, 2.5])
    >>> df.evaluate(df.rint(x))
    array([2., 2.], dtype=float32)
    """
    return unary(ROUND, np.rint, x)


@public(np.round, np.around)
def round(x: TensorLike, decimals: int = 0) -> Tensor:
    """Return the nearest number with so many decimals, the even one of two.

    Parameters
    ----------
    x : tensor or array_like
        Numbers of any shape; integers stay integers. Of complex numbers both parts are rounded.
    decimals : int
        How many digits stay behind the point; below 0, the zeros in front of it.

    Returns
    -------
    Tensor
        The same shape. As in NumPy, `x` is scaled by a power of ten, rounded and scaled back, so
        that a decimal fraction that no float holds may be rounded either way. The derivative is 0.

    Raises
    ------
    GraphError
        `decimals` is no int between -300 and 300.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.5, 2.5, 3.14159])
    >>> df.evaluate(df.round(x), df.round(x, 2))
    (array([2., 2., 3.], dtype=float32), array([1.5 , 2.5 , 3.14], dtype=float32))
    """
    _check_decimals(decimals)
    if not isinstance(x, Tensor) or x.dtype.kind not in "iu":
        return _rounded(rint(x) if decimals == 0 else promoted(ROUND, np.rint, x)[0], decimals)
    return x if decimals >= 0 else astype(_rounded(astype(x, np.float64), decimals), x.dtype)


@public()
def around(x: TensorLike, decimals: int = 0) -> Tensor:
    """Return the nearest number with so many decimals: `round`, under NumPy's other name.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.14159])
    >>> df.evaluate(df.around(x, 2))
    array([3.14], dtype=float32)
    """
    return round(x, decimals)


def _check_decimals(decimals: int) -> None:
    if isinstance(decimals, bool) or not hasattr(decimals, "__index__") or abs(decimals) > 300:
        msg = f"round ({user_line()}): decimals must be an int within ±300, not {decimals!r}"
        raise GraphError(msg)


def _rounded(x: Tensor, decimals: int) -> Tensor:
    """Round to decimals by scaling, the parts of complex numbers each for itself."""
    if decimals == 0:
        return x
    if x.dtype.kind == "c":
        parts = (_rounded(call_function(part, x), decimals) for part in ("real", "imag"))
        return call_function("complex", *parts)
    scale = 10.0 ** abs(decimals)
    return rint(x * scale) / scale if decimals > 0 else rint(x / scale) * scale


@public()
def frac(x: TensorLike) -> Tensor:
    """Return what real numbers have beyond their whole part, with their sign, as PyTorch does.

    NaN at infinity, unlike the fraction of `modf`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.5, -2.25])
    >>> df.evaluate(df.frac(x))
    array([ 0.5 , -0.25], dtype=float32)
    """
    (floats,) = promoted(FLOOR, np.modf, x)
    return floats - trunc(floats)


@public(np.modf)
def modf(x: TensorLike, /) -> tuple[Tensor, Tensor]:
    """Return the fractions of numbers and their whole parts, both with the sign of `x`.

    Parameters
    ----------
    x : tensor or array_like
        Real numbers of any shape; integers become floats.

    Returns
    -------
    fraction, whole : Tensor
        The same shape. The fraction of an infinity is 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.5, -2.25])
    >>> df.evaluate(*df.modf(x))
    (array([ 0.5 , -0.25], dtype=float32), array([ 1., -2.], dtype=float32))
    """
    (floats,) = promoted(FLOOR, np.modf, x)
    zero = call_function("copysign", as_tensor(0.0, floats), floats)
    fraction = where(isinf(floats), zero, call_function("fmod", floats, 1))
    return fraction, trunc(floats)
