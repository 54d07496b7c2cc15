"""Polynomials by their coefficients, the highest power first, as NumPy's older functions have it.

Leading zeros are kept: whether there are any depends on data, and so would the shape without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.dims import Dim
from dataflow.dispatch import public
from dataflow.errors import ArgumentError, ShapeError
from dataflow.ops.convolving import convolve
from dataflow.ops.gathering import take
from dataflow.ops.joining import concat, parts_of
from dataflow.ops.padding import pad
from dataflow.ops.ranks import atleast_1d
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.slicing import slice_axis
from dataflow.ops.structure import as_integer
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.tensor import Tensor, TensorLike

__all__ = ["poly", "polyadd", "polyder", "polydiv", "polyint", "polymul", "polysub", "polyval",
           "roots"]  # fmt: skip


def _length(p: Tensor, name: str) -> int:
    """Return the number of coefficients, which must be known."""
    if p.ndim != 1 or isinstance(p.shape[0], Dim):
        msg = f"{name} ({user_line()}): coefficients are one known axis, not {shape_text(p.shape)}"
        raise ShapeError(msg)
    return p.shape[0]


@public(np.polyval)
def polyval(p: TensorLike, x: TensorLike) -> Tensor:
    """Return the values of a polynomial, by Horner's scheme.

    Parameters
    ----------
    p : tensor or array_like
        The coefficients, the highest power first: one axis.
    x : tensor or array_like
        Where, of any shape. One of the two is a tensor; dtypes are promoted as NumPy 2 does.

    Returns
    -------
    Tensor
        The shape of `x`.

    Raises
    ------
    ShapeError
        The coefficients have more axes than one, or a named number.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.polyval([1, 0, -2], df.GraphBuilder().constant([0, 1, 2])))
    array([-2, -1,  2])
    """
    coefficients, at = parts_of([p, x])
    count = _length(coefficients, "polyval")
    if count == 0:
        return at * 0
    value = take(coefficients, 0)
    for i in range(1, count):
        value = value * at + take(coefficients, i)
    return broadcast_to(value, at.shape)


def _aligned(a1: TensorLike, a2: TensorLike, name: str) -> list[Tensor]:
    """Return the coefficients of two polynomials, as many of one as of the other."""
    parts = [atleast_1d(part) for part in parts_of([a1, a2])]
    lengths = [_length(part, name) for part in parts]
    return [pad(part, (max(lengths) - length, 0))
            for part, length in zip(parts, lengths, strict=True)]  # fmt: skip


@public(np.polyadd)
def polyadd(a1: TensorLike, a2: TensorLike) -> Tensor:
    """Return the coefficients of the sum of two polynomials; see `polyval`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.polyadd(df.GraphBuilder().constant([1, 2]), [3, 4, 5]))
    array([3, 5, 7])
    """
    first, second = _aligned(a1, a2, "polyadd")
    return first + second


@public(np.polysub)
def polysub(a1: TensorLike, a2: TensorLike) -> Tensor:
    """Return the coefficients of the difference of two polynomials; see `polyval`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.polysub(df.GraphBuilder().constant([1, 2]), [3, 4, 5]))
    array([-3, -3, -3])
    """
    first, second = _aligned(a1, a2, "polysub")
    return first - second


@public(np.polymul)
def polymul(a1: TensorLike, a2: TensorLike) -> Tensor:
    """Return the coefficients of the product of two polynomials; see `polyval` and `convolve`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.polymul(df.GraphBuilder().constant([1, 2]), [1, -2]))
    array([ 1,  0, -4])
    """
    return convolve(*(atleast_1d(part) for part in parts_of([a1, a2])))


@public(np.polyder)
def polyder(p: Tensor, m: int = 1) -> Tensor:
    """Return the coefficients of the derivative of a polynomial.

    Parameters
    ----------
    p : Tensor
        The coefficients; see `polyval`.
    m : int
        The order of the derivative.

    Raises
    ------
    ShapeError
        The order is negative, or the coefficients have more axes than one or a named number.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.polyder(df.GraphBuilder().constant([1, 2, 3])))
    array([2, 2])
    """
    for _ in range(order_of(m, "polyder")):
        degree = max(_length(p, "polyder") - 1, 0)
        p = slice_axis(p, 0, 0, degree) * np.arange(degree, 0, -1)
    return p


def order_of(m: int, name: str) -> int:
    """Return a number of derivatives, integrals or powers, 0 or more."""
    order = as_integer(m, f"the order of {name}")
    if order < 0:
        msg = f"{name} ({user_line()}): the order is 0 or more, not {order}"
        raise ArgumentError(msg)
    return order


@public(np.polyint)
def polyint(p: Tensor, m: int = 1, k: float | Sequence[float] | None = None) -> Tensor:
    """Return the coefficients of the integral of a polynomial.

    Parameters
    ----------
    p : Tensor
        The coefficients; see `polyval`. float32 becomes float64, as in NumPy.
    m : int
        How many times to integrate.
    k : number or sequence of numbers, optional
        The constants of integration, of the first integral first; by default 0.

    Raises
    ------
    ShapeError
        The order is negative, there are more or fewer constants, or the coefficients have more
        axes than one or a named number.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.polyint(df.GraphBuilder().constant([2, 2]), k=5))
    array([1., 2., 5.])
    """
    order = order_of(m, "polyint")
    constants = np.atleast_1d(0.0 if k is None else k)
    constants = np.repeat(constants, order) if constants.size == 1 else constants
    if constants.shape != (order,):
        msg = f"polyint ({user_line()}): {order} integrals have as many constants, not {k}"
        raise ShapeError(msg)
    for constant in constants:
        count = _length(p, "polyint")
        p = concat([p / np.arange(count, 0, -1), constant[np.newaxis]])
    return p


@public(np.polydiv)
def polydiv(u: TensorLike, v: TensorLike) -> tuple[Tensor, Tensor]:
    """Return the quotient and the remainder of two polynomials, by long division.

    Parameters
    ----------
    u, v : tensor or array_like
        The coefficients; see `polyval`. The first one of `v` isn't 0.

    Returns
    -------
    quotient, remainder : Tensor
        Floats. The remainder has one coefficient fewer than `v`, at least one, or those of `u` if
        these are fewer; NumPy's lacks its leading zeros, whose number depends on data.

    Examples
    --------
    >>> import dataflow as df
    >>> u = df.GraphBuilder().constant([3.0, 5.0, 2.0])
    >>> df.evaluate(*df.polydiv(u, [2.0, 1.0]))
    (array([1.5 , 1.75]), array([0.25]))
    """
    left, divisor = (atleast_1d(part) for part in parts_of([u, v]))
    if not left.spec.is_float:
        left, divisor = left.astype(np.float64), divisor.astype(np.float64)
    count, terms = _length(left, "polydiv"), _length(divisor, "polydiv")
    if min(count, terms) == 0:
        msg = f"polydiv ({user_line()}): a polynomial has one coefficient or more"
        raise ShapeError(msg)
    if count < terms:
        return left[:1] * 0, left
    first, rest, quotient = divisor[:1], divisor[1:], []
    for _ in range(count - terms + 1):
        quotient.append(left[:1] / first)
        left = concat([left[1:terms] - quotient[-1] * rest, left[terms:]])
    return concat(quotient), left if terms > 1 else quotient[-1] * 0


@public(np.poly)
def poly(seq_of_zeros: Tensor) -> Tensor:
    """Return the coefficients of the polynomial that has these zeros, the first coefficient 1.

    Parameters
    ----------
    seq_of_zeros : Tensor
        The zeros, one known axis; or a square matrix, whose eigenvalues they are.

    Returns
    -------
    Tensor
        Floats; complex of complex zeros, and of matrices, also where all imaginary parts are 0.

    Raises
    ------
    ShapeError
        There is no axis, a named one, or there are two that no square matrix has.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.poly(df.GraphBuilder().constant([1.0, 2.0])))
    array([ 1., -3.,  2.], dtype=float32)
    """
    zeros = seq_of_zeros
    if zeros.ndim == 2:
        zeros = call_function("linalg.eigvals", zeros)
    floats = zeros if zeros.spec.is_float else zeros.astype(np.float64)
    found = zeros.builder.full((1,), 1, floats.dtype)
    for i in range(_length(floats, "poly")):
        zero = pad(found * take(floats, i), (1, 0))
        found = pad(found, (0, 1)) - zero
    return found


@public(np.roots)
def roots(p: Tensor) -> Tensor:
    """Return the zeros of a polynomial, as the eigenvalues of its companion matrix.

    Parameters
    ----------
    p : Tensor
        The coefficients; see `polyval`. The first one isn't 0: NumPy leaves out leading zeros.

    Returns
    -------
    Tensor
        Complex, also where all zeros are real, in no order.

    Raises
    ------
    ShapeError
        The coefficients have more axes than one, or a named number.
    KernelError
        While running: a coefficient is inf or NaN, or the first one is 0.

    Notes
    -----
    Zeros that coincide have no derivative.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -3.0, 2.0])
    >>> sorted(df.evaluate(df.roots(x)).real.round(4).tolist())
    [1.0, 2.0]
    """
    floats = p if p.spec.is_float else p.astype(np.float64)
    degree = _length(floats, "roots") - 1
    if degree < 1:
        return floats.builder.full((0,), 0, np.result_type(floats.dtype, np.complex64))
    first_row = -floats[1:] / floats[:1]
    below = floats.builder.constant(np.eye(degree - 1, degree), dtype=floats.dtype)
    companion = concat([reshape(first_row, (1, degree)), below], 0)
    return call_function("linalg.eigvals", companion)
