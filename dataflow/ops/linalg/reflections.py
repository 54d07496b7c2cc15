"""Products of Householder's reflections, each kept as one column below a diagonal.

With V the unit lower triangle of these columns, and U what V^H V has above its diagonal,

    H_1 H_2 ... H_k = 1 - V T V^H        T = (1 + diag(tau) U)⁻¹ diag(tau)

(R. Schreiber and C. Van Loan, "A storage-efficient WY representation for products of Householder
transformations", 1989; T's inverse is that of C. Puglisi, 1992). So it is products and one
triangular system, and a tau of 0, which is no reflection, does no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import promoted
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.linalg.pieces import adjoint, identity, shrunk, triangle
from dataflow.ops.linalg.qr import QR
from dataflow.ops.linalg.stacks import as_inexact
from dataflow.ops.linalg.triangular import solve_triangular
from dataflow.ops.shaping import expand_dims
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["householder_product"]


@public(family="linalg")
def householder_product(A: TensorLike, tau: TensorLike) -> Tensor:
    """Return the first columns of a product of Householder's reflections, as PyTorch has it.

    Parameters
    ----------
    A : tensor or array_like
        ``(..., m, n)``, m at least n: reflection i is ``1 - tau[i] v v^H``, v being 0 above row i,
        1 in row i, and column i of `A` below it. The rest of `A` isn't read.
    tau : tensor or array_like
        ``(..., k)``, k at most n. dtypes are promoted as NumPy 2 does; integers count as float64,
        float16 as float32.

    Returns
    -------
    Tensor
        ``(..., m, n)``.

    Raises
    ------
    ShapeError
        The shapes don't fit.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0], [1.0]])
    >>> df.evaluate(df.linalg.householder_product(a, [1.0]))
    array([[ 0.],
           [-1.]])
    """
    x, scales = (as_inexact(t) for t in promoted(QR, None, A, tau))
    if x.ndim < 2 or not scales.ndim:
        msg = (f"householder_product ({user_line()}) takes (..., m, n) and (..., k), not "
               f"{shape_text(x.shape)} and {shape_text(scales.shape)}")  # fmt: skip
        raise ShapeError(msg)
    (rows, columns), count = x.shape[-2:], scales.shape[-1]
    if not _descend(rows, columns, count):
        msg = (
            f"householder_product ({user_line()}): of (..., m, n) and (..., k), lengths that "
            f"must be known, n is at most m and k at most n: not {rows}, {columns}, {count}"
        )
        raise ShapeError(msg)
    v = shrunk(x, rows, count)
    v = triangle(v, lower=True, offset=1) + identity(v)
    inner = triangle(adjoint(v) @ v, lower=False, offset=1)
    weights = expand_dims(scales, -1)
    right = weights * adjoint(shrunk(v, columns, count))
    turned = solve_triangular(weights * inner, right, unit_diagonal=True)
    return identity(x) - v @ turned


def _descend(*lengths: int | Dim) -> bool:
    known = [n for n in lengths if isinstance(n, int)]
    return len(known) == len(lengths) and known == sorted(known, reverse=True)
