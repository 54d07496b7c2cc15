"""Polynomials that are closest to samples, by least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import as_tensor, call_function
from dataflow.dims import Dim
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.polynomials import order_of
from dataflow.ops.powers import sqrt
from dataflow.ops.ranks import tensors_of
from dataflow.ops.reductions import sum as sum_
from dataflow.ops.shaping import reshape
from dataflow.ops.triangles import vander
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["polyfit"]


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
    powers = vander(places, order_of(deg, "polyfit") + 1)
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
