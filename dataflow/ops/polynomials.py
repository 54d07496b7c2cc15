"""Polynomials by their coefficients, the highest power first, as NumPy's older functions have it.

Leading zeros are kept: whether there are any depends on data, and so would the shape without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import as_tensor, call_function
from dataflow.dims import Dim
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.convolving import convolve
from dataflow.ops.gathering import take
from dataflow.ops.joining import concat, parts_of
from dataflow.ops.padding import pad
from dataflow.ops.powers import sqrt
from dataflow.ops.ranks import atleast_1d, tensors_of
from dataflow.ops.reductions import sum as sum_
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.slicing import slice_axis
from dataflow.ops.structure import as_integer
from dataflow.ops.triangles import vander
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.tensor import Tensor, TensorLike

__all__ = ["polyadd", "polyder", "polyfit", "polyint", "polymul", "polysub", "polyval"]


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
    for _ in range(_order(m, "polyder")):
        degree = max(_length(p, "polyder") - 1, 0)
        p = slice_axis(p, 0, 0, degree) * np.arange(degree, 0, -1)
    return p


def _order(m: int, name: str) -> int:
    order = as_integer(m, f"the order of {name}")
    if order < 0:
        msg = f"{name} ({user_line()}): the order is 0 or more, not {order}"
        raise ShapeError(msg)
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
    order = _order(m, "polyint")
    constants = np.atleast_1d(0.0 if k is None else k)
    constants = np.repeat(constants, order) if constants.size == 1 else constants
    if constants.shape != (order,):
        msg = f"polyint ({user_line()}): {order} integrals have as many constants, not {k}"
        raise ShapeError(msg)
    for constant in constants:
        count = _length(p, "polyint")
        p = concat([p / np.arange(count, 0, -1), constant[np.newaxis]])
    return p


@public(np.polyfit)
def polyfit(
    x: TensorLike, y: TensorLike, deg: int, rcond: float | None = None, full: bool = False,
    w: TensorLike | None = None, cov: bool | str = False,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor, or several
    """Return the coefficients of the polynomial that is closest to samples, by least squares.

    Parameters
    ----------
    x : tensor or array_like
        The places: one axis.
    y : tensor or array_like
        The samples: one axis, or a column for each of several polynomials.
    deg : int
        The degree.
    rcond : float, optional
        See `dataflow.linalg.lstsq`; by default the number of samples times the dtype's epsilon.
    full : bool
        Whether to return too what the least squares come to.
    w : tensor or array_like, optional
        A weight for each sample's distance, not its square.
    cov : bool or "unscaled"
        Whether to return, without `full`, the coefficients' covariance too: scaled by the squares
        that are left over, a degree of freedom each, unless it is "unscaled".

    Returns
    -------
    Tensor or tuple
        ``deg + 1`` coefficients, the highest power first, or as many rows. With `full` also the
        residuals, the rank, the singular values of the scaled powers, and `rcond`. With `cov` also
        the covariance, ``(deg + 1, deg + 1)``, with one more axis for several polynomials.

    Raises
    ------
    ShapeError
        The degree is negative, there are more or fewer places than samples, or so few that no
        degree of freedom is left to scale a covariance by.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0, 2.0])
    >>> df.evaluate(df.polyfit(x, x * x + 1, 2)).round(6) + 0.0
    array([1., 0., 1.])
    """
    places, samples = (t if t.spec.is_float else t.astype(np.float64) for t in tensors_of([x, y]))
    _check_samples(places, samples)
    powers = vander(places, _order(deg, "polyfit") + 1)
    if w is not None:
        weights = as_tensor(w, powers)
        powers = powers * reshape(weights, (-1, 1))
        samples = samples * (reshape(weights, (-1, 1)) if samples.ndim > 1 else weights)
    scale = sqrt(sum_(powers * powers, 0))
    powers, count = powers / scale, places.shape[0]
    least = rcond if rcond is not None or isinstance(count, Dim) else (
        count * float(np.finfo(powers.dtype).eps))  # fmt: skip
    solved: Any = call_function("linalg.lstsq", powers, samples, least)
    found = solved[0] / (reshape(scale, (-1, 1)) if samples.ndim > 1 else scale)
    if full:
        return found, *solved[1:], least
    return (found, _covariance(powers, scale, solved[1], cov, samples)) if cov else found


def _covariance(
    powers: Tensor, scale: Tensor, residuals: Tensor, cov: bool | str, samples: Tensor
) -> Tensor:
    """Return the inverse of the scaled normal equations, times the squares that are left over."""
    inverse = call_function("linalg.inv", powers.T @ powers)
    inverse = inverse / (reshape(scale, (-1, 1)) * scale)
    count, order = powers.shape
    inverse = reshape(inverse, (order, order, 1)) if samples.ndim > 1 else inverse
    if cov == "unscaled":
        return inverse
    if isinstance(count, Dim) or isinstance(order, Dim) or count <= order:
        msg = (f"polyfit ({user_line()}): {order} coefficients of {count} samples leave no degree "
               'of freedom that is known; cov="unscaled" needs none')  # fmt: skip
        raise ShapeError(msg)
    return inverse * (residuals / (count - order))


def _check_samples(places: Tensor, samples: Tensor) -> None:
    if places.ndim != 1 or samples.ndim not in (1, 2) or samples.shape[:1] != places.shape:
        msg = (f"polyfit ({user_line()}): {shape_text(samples.shape)} samples at "
               f"{shape_text(places.shape)} places don't fit")  # fmt: skip
        raise ShapeError(msg)
