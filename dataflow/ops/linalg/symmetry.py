"""Tests of matrices for symmetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.axes import swapaxes
from dataflow.ops.complex_numbers import conj
from dataflow.ops.truth import all as all_of
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["ishermitian", "issymmetric"]


@public(family="linalg")
def issymmetric(a: Tensor, atol: float | None = None, rtol: float | None = None) -> Tensor:
    """Say of square matrices whether each is its own transpose.

    Parameters
    ----------
    a : Tensor
        ``(..., n, n)``.
    atol, rtol : float, optional
        How far elements may differ: by ``atol + rtol`` times their size. By default not at all.

    Returns
    -------
    Tensor
        bool, of shape ``(...)``: false where a matrix holds NaN.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[1.0, 2.0], [2.0, 3.0]])
    >>> bool(df.evaluate(df.linalg.issymmetric(a)))
    True
    """
    return _are_same(a, swapaxes(_square("issymmetric", a), -1, -2), atol, rtol)


@public(family="linalg")
def ishermitian(a: Tensor, atol: float | None = None, rtol: float | None = None) -> Tensor:
    """Say of square matrices whether each is its own conjugate transpose; see `issymmetric`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[1.0, 2.0j], [-2.0j, 3.0]])
    >>> bool(df.evaluate(df.linalg.ishermitian(a)))
    True
    """
    return _are_same(a, swapaxes(conj(_square("ishermitian", a)), -1, -2), atol, rtol)


def _square(name: str, a: Tensor) -> Tensor:
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        msg = f"{name} ({user_line()}) takes square matrices, not {shape_text(a.shape)}"
        raise ShapeError(msg)
    return a


def _are_same(a: Tensor, b: Tensor, atol: float | None, rtol: float | None) -> Tensor:
    if atol is None and rtol is None:
        return all_of(a == b, (-2, -1))
    allowed = abs(b) * (0.0 if rtol is None else rtol) + (0.0 if atol is None else atol)
    return all_of(abs(a - b) <= allowed, (-2, -1))
