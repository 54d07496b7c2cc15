"""The one Bessel function that NumPy has; the others are in `df.special`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.dispatch import public

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["i0"]


@public()
def i0(x: TensorLike) -> Tensor:
    """Return the modified Bessel function of order 0; see `dataflow.special.i0`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.i0(x)).round(4)
    array([1.    , 1.2661], dtype=float32)
    """
    return call_function("special.i0", x)
