"""Cofactors, the derivative of determinants, and how they change, for matrices of any rank.

A determinant is a polynomial of the elements. Its derivative, the matrix of cofactors C, exists
where the matrix is singular too, where ``det(A) A^-T`` is 0/0; and so does the derivative of C.
With the singular values A = U diag(s) V^H, K = U^H dA V, and t = det(U) det(V^H),

    C = t conj(U diag(p) V^H),      p_i the product of all s but s_i
    dC = t conj(U) R conj(V^H),     R_ii = sum of K_jj P_ij over j,  R_ij = -K_ji P_ij

where P_ij is the product of all s but s_i and s_j, and P_ii = 0. Nothing is divided (see G. W.
Stewart, "On the adjugate matrix", 1998). The second derivative of C, a determinant's third, is
written with the inverse. Matrices far from singular take their inverse for the others too, which
is quicker than singular values; its error enters dC squared, which is computed in double precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.calling import apply
from dataflow.errors import ShapeError
from dataflow.ops.axes import swapaxes
from dataflow.ops.complex_numbers import conj
from dataflow.ops.linalg.equations import check_operands
from dataflow.ops.linalg.pieces import on_diagonal
from dataflow.ops.linalg.solving import inv
from dataflow.ops.linalg.stacks import check_matrices, factorisation, stacked
from dataflow.ops.matmul import matmul
from dataflow.ops.reductions import sum as add_up
from dataflow.ops.shaping import expand_dims
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor

__all__: list[str] = []

_ONCE, _TWICE = 1e3, 30
"""How large a condition number may be where an inverse is taken once, and twice."""


class _Inverted(NamedTuple):
    """Which matrices of a stack are far from singular, their inverses, and their determinants."""

    places: Array
    inverse: Array
    value: Array


def _inverted(x: Array, most: float) -> _Inverted:
    value = np.asarray(np.linalg.det(x))
    places = np.asarray(value != 0)
    inverse = np.linalg.inv(x[places])
    stretch = np.linalg.norm(x[places], axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    is_regular = ~(stretch > most * x.shape[-1])  # NaN stays as it is
    places[places] = is_regular
    return _Inverted(places, inverse[is_regular], value[places])


class _Rotations(NamedTuple):
    """Singular values and vectors, and the determinant of the vectors, a number of size 1."""

    u: Array
    s: Array
    vh: Array
    turn: Array


def _rotations(x: Array) -> _Rotations:
    """Take a large value and a small one in turn, so that products of some don't overflow."""
    u, s, vh = np.linalg.svd(x)
    n = s.shape[-1]
    order = np.stack([np.arange(n), np.arange(n)[::-1]], -1).reshape(-1)[:n]
    u, s, vh = u[..., order], s[..., order], vh[..., order, :]
    turn = np.sign(np.linalg.det(u) * np.linalg.det(vh))
    return _Rotations(u, s, vh, np.asarray(turn)[..., None, None])


def _before_and_after(s: Array) -> tuple[Array, Array]:
    """Return for each element the product of those before it, and of those after it."""
    ones = np.ones((*s.shape[:-1], min(1, s.shape[-1])), s.dtype)
    before = np.concatenate([ones, s[..., :-1].cumprod(-1)], -1)
    after = np.concatenate([ones, s[..., :0:-1].cumprod(-1)], -1)
    return before, after[..., ::-1]


def _but_two(s: Array) -> Array:
    """Return the products of all elements but two, as a matrix with zeros on its diagonal."""
    before, after = _before_and_after(s)
    n = s.shape[-1]
    between = np.ones((*s.shape, n), s.dtype)
    is_later = np.tri(n, k=-1, dtype=bool).T
    np.copyto(between[..., 1:], s[..., None, :-1], where=is_later[:, :-1])
    np.multiply.accumulate(between, -1, out=between)
    between *= before[..., :, None]
    between *= after[..., None, :]
    upper = np.where(is_later, between, 0)
    return np.asarray(upper + np.swapaxes(upper, -1, -2))


# Cofactors


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    return (check_matrices(specs, square=True),)


def _cofactors(x: Array, attrs: Attrs) -> Any:  # noqa: ANN401 - an array
    made = np.empty_like(x)
    places, inverse, value = _inverted(x, _ONCE)
    made[places] = np.swapaxes(inverse, -1, -2) * value[..., None, None]
    u, s, vh, turn = _rotations(x[~places])
    before, after = _before_and_after(s)
    made[~places] = turn * np.matmul(u * (before * after)[..., None, :], vh).conj()
    return made


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (x,), (cotangent,) = application.inputs, cotangents
    return [None if cotangent is None else apply(COFACTOR_CHANGE, (conj(x), cotangent))]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (x,), (change,) = application.inputs, tangents
    return [None if change is None else apply(COFACTOR_CHANGE, (x, change))]


_SHAPES = [(0, 0), (1, 1), (0, 2, 2), (2, 1, 3, 3), (3, 3)]

COFACTORS = factorisation(
    "cofactors", "Cofactors", _cofactors, infer=_infer, vjp=_vjp, jvp=_jvp,
    samples=stacked(_SHAPES), flops=20, ulps=16,
)  # fmt: skip


# Their change, a symmetric bilinear form of two changes of the matrix


def _change_infer(specs: Specs, attrs: Attrs) -> Specs:
    check_operands(specs, 2)
    x, change = specs
    if x != change or x.shape[-1] != x.shape[-2]:
        msg = (f"takes square matrices and their changes, of one shape, not {shape_text(x.shape)} "
               f"and {shape_text(change.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return (x,)


def _change(x: Array, h: Array, attrs: Attrs) -> Any:  # noqa: ANN401 - an array
    made = np.empty_like(x)
    x, h = (a.astype(np.complex128 if a.dtype.kind == "c" else np.float64) for a in (x, h))
    places, inverse, value = _inverted(x, _TWICE)
    turned = np.swapaxes(h[places] @ inverse, -1, -2)
    back = np.swapaxes(inverse, -1, -2) * value[..., None, None]
    trace = np.trace(turned, axis1=-2, axis2=-1)
    made[places] = trace[..., None, None] * back - turned @ back
    u, s, vh, turn = _rotations(x[~places])
    k = np.swapaxes(u, -1, -2).conj() @ h[~places] @ np.swapaxes(vh, -1, -2).conj()
    made[~places] = turn * (u.conj() @ _rotated(k, _but_two(s)) @ vh.conj())
    return made


def _rotated(k: Array, products: Array) -> Array:
    """Return R of this module's docstring."""
    made = np.swapaxes(k, -1, -2) * -products
    diagonal = np.einsum("...ij,...jj->...i", products, k)
    np.einsum("...ii->...i", made)[...] = diagonal
    return made


def _change_vjp(
    application: Application, cotangents: Sequence[Tensor | None]
) -> list[Tensor | None]:
    (x, change), (cotangent,) = application.inputs, cotangents
    if cotangent is None:
        return [None, None]
    needs_x, needs_change = application.needs
    return [_second(conj(x), conj(change), cotangent) if needs_x else None,
            apply(COFACTOR_CHANGE, (conj(x), cotangent)) if needs_change else None]  # fmt: skip


def _change_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (x, change), (dx, dchange) = application.inputs, tangents
    made = None if dx is None else _second(x, change, dx)
    if dchange is not None:
        part = apply(COFACTOR_CHANGE, (x, dchange))
        made = part if made is None else made + part
    return [made]


def _second(x: Tensor, h: Tensor, k: Tensor) -> Tensor:
    """Return the change by `k` of the cofactors' change by `h`.

    With M = dA A^-1, dC is (tr(M) - M^T) C, and dM is -M M', M' for another change.
    """
    inverse, cofactors = inv(x), apply(COFACTORS, (x,))
    by_h, by_k = matmul(h, inverse), matmul(k, inverse)
    changed = _turned(by_h, _turned(by_k, cofactors))
    return changed - _turned(matmul(by_h, by_k), cofactors)


def _turned(m: Tensor, c: Tensor) -> Tensor:
    """Return ``(tr(m) - m^T) c``."""
    trace = add_up(on_diagonal(m), -1)
    return expand_dims(trace, (-2, -1)) * c - matmul(swapaxes(m, -1, -2), c)


COFACTOR_CHANGE = factorisation(
    "cofactor_change", "CofactorChange", _change, infer=_change_infer, vjp=_change_vjp,
    jvp=_change_jvp, samples=stacked(_SHAPES, inputs=2), flops=30, ulps=16,
)  # fmt: skip
