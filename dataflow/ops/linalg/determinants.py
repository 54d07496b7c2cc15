"""Determinants: their values, and their logarithms; the derivative is the cofactors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.ops.axes import swapaxes
from dataflow.ops.complex_numbers import complex as complex_of
from dataflow.ops.complex_numbers import conj, imag
from dataflow.ops.linalg.cofactors import COFACTORS
from dataflow.ops.linalg.pieces import real_of
from dataflow.ops.linalg.solving import inv
from dataflow.ops.linalg.stacks import (
    REAL_OF,
    as_inexact,
    check_matrices,
    factorisation,
    stacked,
    with_matrix,
)
from dataflow.ops.reductions import sum as add_up
from dataflow.ops.shaping import expand_dims

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor

__all__ = ["SlogdetResult", "det", "slogdet"]


class SlogdetResult(NamedTuple):
    """What `slogdet` returns."""

    sign: Tensor
    logabsdet: Tensor


def _each(values: Tensor) -> Tensor:
    """Give one number a matrix two more axes."""
    return expand_dims(values, (-2, -1))


def _inner(a: Tensor, b: Tensor) -> Tensor:
    """Return the sum of products of the elements of matrices, nothing conjugated."""
    return add_up(a * b, (-2, -1))


_SHAPES = [(0, 0), (1, 1), (0, 2, 2), (2, 1, 3, 3), (3, 3)]


# det


def _det_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (with_matrix(check_matrices(specs, square=True)),)


def _det(x: Array, attrs: Attrs) -> Any:  # noqa: ANN401 - an array or a scalar
    return np.linalg.det(x)


def _det_vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    if cotangents[0] is None:
        return [None]
    return [_each(cotangents[0]) * conj(apply(COFACTORS, application.inputs))]


def _det_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    if tangents[0] is None:
        return [None]
    return [_inner(apply(COFACTORS, application.inputs), tangents[0])]


DET = factorisation(
    "det", "Det", _det, infer=_det_infer, vjp=_det_vjp, jvp=_det_jvp, samples=stacked(_SHAPES),
    flops=1, fallible=False,
)  # fmt: skip


@public(np.linalg.det, family="linalg")
def det(a: Tensor) -> Tensor:
    """Return the determinants of square matrices.

    Parameters
    ----------
    a : Tensor
        ``(..., n, n)``. Integers count as float64, float16 as float32. A matrix without elements
        has determinant 1.

    Returns
    -------
    Tensor
        ``(...)``.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.

    Notes
    -----
    The gradient, the cofactors, and the gradient of the gradient are right for singular matrices
    too. The third needs the inverse: while running, `KernelError` where there is none.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 4.0]])
    >>> round(float(df.evaluate(df.linalg.det(x))), 4)
    -2.0
    """
    return apply(DET, (as_inexact(a),))


# slogdet


def _slogdet_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_matrices(specs, square=True)
    return (with_matrix(spec), with_matrix(spec, dtype=REAL_OF[spec.dtype.name]))


def _slogdet(x: Array, attrs: Attrs) -> tuple[Array, ...]:
    return tuple(map(np.asarray, np.linalg.slogdet(x)))


def _slogdet_vjp(
    application: Application, cotangents: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """With t = tr(A^-1 dA): d log|det| = Re t, and the sign turns by Im t."""
    turning, growing = cotangents
    sign = application.outputs[0]
    weight = growing
    if sign.dtype.kind == "c" and turning is not None:
        turn = imag(conj(turning) * sign)
        weight = complex_of(0 * turn if growing is None else growing, -turn)
    if weight is None:
        return [None]
    adjoint = swapaxes(conj(inv(application.inputs[0])), -1, -2)
    return [_each(weight.astype(sign.dtype)) * adjoint]


def _slogdet_jvp(
    application: Application, tangents: Sequence[Tensor | None]
) -> list[Tensor | None]:
    if tangents[0] is None:
        return [None, None]
    sign = application.outputs[0]
    trace = _inner(swapaxes(inv(application.inputs[0]), -1, -2), tangents[0])
    if sign.dtype.kind != "c":
        return [None, trace]
    turn = imag(trace)
    return [sign * complex_of(0 * turn, turn), real_of(trace)]


SLOGDET = factorisation(
    "slogdet", "Slogdet", _slogdet, infer=_slogdet_infer, vjp=_slogdet_vjp, jvp=_slogdet_jvp,
    samples=stacked(_SHAPES), flops=1, fallible=False,
)  # fmt: skip


@public(np.linalg.slogdet, family="linalg")
def slogdet(a: Tensor) -> SlogdetResult:
    """Return the signs of determinants and the logarithms of their sizes, which don't overflow.

    Parameters
    ----------
    a : Tensor
        ``(..., n, n)``; see `det`.

    Returns
    -------
    sign : Tensor
        ``(...)``: 1, -1 or 0; of complex matrices a number of size 1, or 0.
    logabsdet : Tensor
        ``(...)``, real: minus infinity for a singular matrix.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.

    Notes
    -----
    The gradient is the inverse, conjugated and transposed: while running, `KernelError` where
    there is none.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0, 1.0], [1.0, 0.0]])
    >>> sign, logabsdet = df.linalg.slogdet(x)
    >>> float(df.evaluate(sign)), float(df.evaluate(logabsdet))
    (-1.0, 0.0)
    """
    x = as_inexact(a)
    return SlogdetResult(*x.builder.apply(SLOGDET, (x,), Attrs()))
