"""Schur's form and Hessenberg's of any square matrices, by SciPy: unitary similarities.

Neither has a derivative here. The columns of the unitary matrix are unique only up to phases, which
the elements above the diagonal depend on too; and Schur's form exists in many orders of the
eigenvalues. What doesn't depend on these, such as eigenvalues or functions of matrices, has ops of
its own.
"""

from __future__ import annotations

import importlib
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.dispatch import public
from dataflow.errors import GraphError
from dataflow.operation import Absent
from dataflow.ops.linalg.stacks import (
    COMPLEX_OF,
    as_inexact,
    check_matrices,
    factorisation,
    stacked,
    with_matrix,
)
from dataflow.ops.structure import each_index
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.operation import Array, Specs
    from dataflow.tensor import Tensor

__all__ = ["SchurResult", "hessenberg", "schur"]

_NOT_UNIQUE = Absent(
    "its unitary matrix is unique only up to phases, on which the other factor depends too: "
    "df.linalg.eigvals, expm, logm or sqrtm give what doesn't"
)


class SchurResult(NamedTuple):
    """What `schur` returns."""

    T: Tensor
    Z: Tensor


def _schur_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_matrices(specs, square=True)
    dtype = COMPLEX_OF[spec.dtype.name] if attrs.flag("complex") else spec.dtype.name
    return (with_matrix(spec, *spec.shape[-2:], dtype=dtype),) * 2


def _hessenberg_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (check_matrices(specs, square=True),) * 2


def _schur(a: Array, attrs: Attrs) -> Any:  # noqa: ANN401 - SciPy has no types
    output = "complex" if attrs.flag("complex") else "real"
    return importlib.import_module("scipy.linalg").schur(a, output=output)


def _hessenberg(a: Array, attrs: Attrs) -> Any:  # noqa: ANN401 - SciPy has no types
    return importlib.import_module("scipy.linalg").hessenberg(a, calc_q=True)


def _routine(function: Callable[[Array, Attrs], Any], x: Array, attrs: Attrs) -> tuple[Array, ...]:
    """Compute one matrix after the other, in double precision."""
    is_complex = x.dtype.kind == "c" or ("complex" in attrs and attrs.flag("complex"))
    wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    form = np.empty(x.shape, np.complex128 if is_complex else np.float64)
    turn = np.empty_like(form)
    for place in each_index(x.shape[:-2] if x.size else (0,)):
        form[place], turn[place] = function(wide[place], attrs)
    return form, turn


_TRIANGLES = 16 * 65 * 64
"""Bytes of the triangles that LAPACK multiplies its reflections to."""

_SHAPES = [(1, 1), (0, 0), (0, 2, 2), (2, 3, 3), (3, 3)]

SCHUR = factorisation(
    "schur", "Schur", partial(_routine, _schur), infer=_schur_infer, vjp=_NOT_UNIQUE,
    jvp=_NOT_UNIQUE, samples=stacked(_SHAPES, Attrs(complex=True), smooth=()), flops=25,
    extra="scipy",
)  # fmt: skip

HESSENBERG = factorisation(
    "hessenberg", "Hessenberg", partial(_routine, _hessenberg), infer=_hessenberg_infer,
    vjp=_NOT_UNIQUE, jvp=_NOT_UNIQUE, samples=stacked(_SHAPES, smooth=()), flops=8, work=_TRIANGLES,
    extra="scipy",
)  # fmt: skip


@public(family="linalg")
def schur(a: Tensor, output: str = "real") -> SchurResult:
    """Return the factors of ``a = Z @ T @ Z^H``: Z unitary, T upper triangular. Needs SciPy.

    Parameters
    ----------
    a : Tensor
        ``(..., n, n)``. Integers count as float64, float16 as float32.
    output : str
        ``real``: of real matrices T is real, with a block of two rows on its diagonal for each pair
        of conjugate eigenvalues; ``complex``: T is triangular.

    Returns
    -------
    T, Z : Tensor
        ``(..., n, n)``.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.
    GraphError
        There is no such output.
    GradientError
        A gradient is asked for: Z is unique only up to phases.
    KernelError
        While running: the algorithm doesn't converge, on NaN for instance.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[1.0, 2.0], [0.0, 3.0]])
    >>> df.evaluate(df.linalg.schur(a).T)
    array([[1., 2.],
           [0., 3.]], dtype=float32)
    """
    if output not in ("real", "complex", "r", "c"):
        msg = f"schur ({user_line()}): output is real or complex, not {output!r}"
        raise GraphError(msg)
    x = as_inexact(a)
    return SchurResult(*x.builder.apply(SCHUR, (x,), Attrs(complex=output[0] == "c")))


@public(family="linalg")
def hessenberg(a: Tensor, calc_q: bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """Return H of ``a = Q @ H @ Q^H``: Q unitary, H zero below its second diagonal. Needs SciPy.

    Parameters
    ----------
    a : Tensor
        ``(..., n, n)``. Integers count as float64, float16 as float32.
    calc_q : bool
        Whether Q is returned too, after H.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.
    GradientError
        A gradient is asked for: Q is unique only up to phases.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[1.0, 2.0], [4.0, 3.0]])
    >>> df.evaluate(df.linalg.hessenberg(a))
    array([[1., 2.],
           [4., 3.]], dtype=float32)
    """
    x = as_inexact(a)
    form, turn = x.builder.apply(HESSENBERG, (x,), Attrs())
    return (form, turn) if calc_q else form
