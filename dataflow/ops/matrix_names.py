"""Functions of matrices that PyTorch has in its main namespace, with its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.calling import call_function
from dataflow.dispatch import also_named, public
from dataflow.errors import ShapeError
from dataflow.ops.contractions import outer
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.tensor import Tensor, TensorLike

__all__ = ["block_diag", "cholesky", "det", "ger", "inverse", "matrix_exp", "matrix_power", "norm",
           "qr", "slogdet", "svd", "t"]  # fmt: skip

ger = also_named(outer, "ger")


@public()
def det(x: Tensor) -> Tensor:
    """Return the determinants of matrices; see `dataflow.linalg.det`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.det(df.GraphBuilder().constant([[2.0, 0.0], [0.0, 3.0]])))
    array(6., dtype=float32)
    """
    return call_function("linalg.det", x)


@public()
def slogdet(x: Tensor) -> Any:  # noqa: ANN401 - a pair with names
    """Return the signs of determinants and their sizes' logarithms; see `dataflow.linalg.slogdet`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.slogdet(df.GraphBuilder().constant([[-1.0, 0.0], [0.0, 1.0]]))[0])
    array(-1., dtype=float32)
    """
    return call_function("linalg.slogdet", x)


@public()
def inverse(x: Tensor) -> Tensor:
    """Return the inverses of matrices; see `dataflow.linalg.inv`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.inverse(df.GraphBuilder().constant([[2.0]])))
    array([[0.5]], dtype=float32)
    """
    return call_function("linalg.inv", x)


@public()
def cholesky(x: Tensor, upper: bool = False) -> Tensor:
    """Return the triangular factors of positive definite matrices; see `dataflow.linalg.cholesky`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.cholesky(df.GraphBuilder().constant([[4.0]])))
    array([[2.]], dtype=float32)
    """
    return call_function("linalg.cholesky", x, upper=upper)


@public()
def svd(x: Tensor, some: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """Return U, the singular values, and V, not its adjoint: ``U @ diag(S) @ V.mH`` is `x`.

    With ``some=False``, U and V are square. See `dataflow.linalg.svd`.

    Examples
    --------
    >>> import dataflow as df
    >>> u, s, v = df.svd(df.GraphBuilder().ones((3, 2)))
    >>> u.shape, s.shape, v.shape
    ((3, 2), (2,), (2, 2))
    """
    u, s, vh = call_function("linalg.svd", x, full_matrices=not some)
    return u, s, vh.mH


@public()
def qr(x: Tensor, some: bool = True) -> Any:  # noqa: ANN401 - a pair; PyTorch's order
    """Return orthonormal columns and a triangle whose product is `x`; see `dataflow.linalg.qr`.

    With ``some=False``, the first is square.

    Examples
    --------
    >>> import dataflow as df
    >>> q, r = df.qr(df.GraphBuilder().ones((3, 2)), some=False)
    >>> q.shape, r.shape
    ((3, 3), (3, 2))
    """
    return call_function("linalg.qr", x, mode="reduced" if some else "complete")


@public()
def norm(
    x: Tensor, p: float | str = "fro", dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
) -> Tensor:  # fmt: skip
    """Return the norm of all elements, or along axes; see `dataflow.linalg.vector_norm`.

    A number `p` is a vector's, along several axes too. ``"nuc"`` is the sum of singular values.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.norm(df.GraphBuilder().constant([[3.0], [4.0]])))
    array(5., dtype=float32)
    """
    if p == "nuc":
        return call_function("linalg.norm", x, "nuc", dim, keepdim)
    return x.norm(p, dim, keepdim=keepdim)


@public()
def matrix_power(x: Tensor, n: int) -> Tensor:
    """Return powers of square matrices; see `dataflow.linalg.matrix_power`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.matrix_power(df.GraphBuilder().constant([[2.0]]), 3))
    array([[8.]], dtype=float32)
    """
    return call_function("linalg.matrix_power", x, n)


@public()
def matrix_exp(x: Tensor) -> Tensor:
    """Return the exponentials of square matrices; see `dataflow.linalg.expm`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.matrix_exp(df.GraphBuilder().constant([[0.0]])))
    array([[1.]], dtype=float32)
    """
    return call_function("linalg.expm", x)


@public()
def block_diag(*tensors: TensorLike) -> Tensor:
    """Return a matrix with these along its diagonal; see `dataflow.linalg.block_diag`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2]])
    >>> df.evaluate(df.block_diag(x, x))
    array([[1, 2, 0, 0],
           [0, 0, 1, 2]])
    """
    return call_function("linalg.block_diag", *tensors)


@public()
def t(x: Tensor) -> Tensor:
    """Return a matrix transposed; vectors and scalars as they are.

    Raises
    ------
    ShapeError
        There are more than two axes.

    Examples
    --------
    >>> import dataflow as df
    >>> df.t(df.GraphBuilder().ones((3, 2))).shape
    (2, 3)
    """
    if x.ndim > 2:
        msg = f"t ({user_line()}): {x!r} has {x.ndim} axes, not at most 2: df.permute orders them"
        raise ShapeError(msg)
    return x.T if x.ndim == 2 else x
