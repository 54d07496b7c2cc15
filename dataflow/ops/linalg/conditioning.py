"""Condition numbers: a matrix's norm times its inverse's, infinite where there is no inverse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.finiteness import isnan
from dataflow.ops.linalg.determinants import slogdet
from dataflow.ops.linalg.norms import matrix_norm
from dataflow.ops.linalg.pieces import identity
from dataflow.ops.linalg.solving import inv
from dataflow.ops.linalg.stacks import as_inexact
from dataflow.ops.linalg.svd import svdvals
from dataflow.ops.selection import where
from dataflow.ops.shaping import expand_dims
from dataflow.ops.truth import any as any_of
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.ops.linalg.norms import Order
    from dataflow.tensor import Tensor

__all__ = ["cond"]


@public(np.linalg.cond, family="linalg")
def cond(x: Tensor, p: Order = None) -> Tensor:
    """Return the condition numbers of matrices: how much they and their inverses can stretch.

    Parameters
    ----------
    x : Tensor
        ``(..., m, n)``; square unless `p` is None, 2 or -2.
    p : float or str, optional
        The norm, see `norm`; by default the ratio of the largest singular value to the smallest.

    Raises
    ------
    ShapeError
        These aren't matrices, or not square.
    KernelError
        While running: the algorithm doesn't converge.

    Notes
    -----
    Infinite for a singular matrix. NaN only where a matrix holds NaN.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[2.0, 0.0], [0.0, 4.0]])
    >>> float(df.evaluate(df.linalg.cond(x)))
    2.0
    """
    if 0 in x.shape[-2:]:
        msg = f"cond ({user_line()}): {shape_text(x.shape)} has no condition numbers"
        raise ShapeError(msg)
    matrices = as_inexact(x)
    if p in (None, 2, -2):
        values = svdvals(matrices)
        first, last = values[..., 0], values[..., -1]
        found = last / first if p == -2 else first / last
    else:
        found = _product_of_norms(matrices, p)
    is_known = isnan(found) & ~any_of(isnan(matrices), (-2, -1))
    return where(is_known, math.inf, found)


def _product_of_norms(x: Tensor, order: Order) -> Tensor:
    """Return the norms of matrices times those of their inverses, infinite where there is none."""
    is_singular = slogdet(x).sign == 0
    regular = where(expand_dims(is_singular, (-2, -1)), identity(x), x)
    found = matrix_norm(x, ord=order) * matrix_norm(inv(regular), ord=order)
    return where(is_singular, math.inf, found)
