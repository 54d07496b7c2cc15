"""Functions of the main namespace that SciPy has among its special ones, and powers of ten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import as_tensor
from dataflow.dispatch import also_named, public
from dataflow.ops.elementary import expm1, log1p
from dataflow.ops.error_complement import erfc
from dataflow.ops.error_function import erf
from dataflow.ops.powers import power

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["erf", "erfc", "exp10", "expm1", "log1p"]

for _function in (erf, erfc, expm1, log1p):
    also_named(_function, f"special.{_function.__name__}")


@public(family="special")
def exp10(x: Tensor) -> Tensor:
    """Return ``10 ** x``, element by element.

    Parameters
    ----------
    x : Tensor
        Numbers of any shape; integers become floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([2.0, -1.0])
    >>> df.evaluate(df.special.exp10(x))
    array([100. ,   0.1], dtype=float32)
    """
    floats = x if x.dtype.kind in "fc" or x.spec.is_float else x.astype("float64")
    return power(as_tensor(10.0, floats), floats)
