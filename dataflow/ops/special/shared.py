"""Functions of the main namespace that SciPy has among its special ones, and powers of ten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import as_tensor, call_function
from dataflow.dispatch import also_named, public
from dataflow.ops.elementary import expm1, log1p
from dataflow.ops.error_complement import erfc
from dataflow.ops.error_function import erf
from dataflow.ops.logarithms import exp2
from dataflow.ops.powers import cbrt, power
from dataflow.ops.rounding import round
from dataflow.ops.sinc import sinc

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "cbrt",
    "erf",
    "erfc",
    "exp2",
    "exp10",
    "expm1",
    "log1p",
    "log_expit",
    "round",
    "sinc",
    "softplus",
]  # fmt: skip

for _function in (cbrt, erf, erfc, exp2, expm1, log1p, round, sinc):
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


@public(family="special")
def softplus(x: TensorLike) -> Tensor:
    """Return ``log(1 + exp(x))``, element by element: `dataflow.nn.softplus`, under SciPy's name.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1000.0])
    >>> df.evaluate(df.special.softplus(x)).round(4)
    array([6.931e-01, 1.000e+03], dtype=float32)
    """
    return call_function("nn.softplus", x)


@public(family="special")
def log_expit(x: TensorLike) -> Tensor:
    """Return ``log(expit(x))``, element by element: `dataflow.nn.log_sigmoid`, as SciPy names it.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, -1000.0])
    >>> df.evaluate(df.special.log_expit(x)).round(4)
    array([-6.931e-01, -1.000e+03], dtype=float32)
    """
    return call_function("nn.log_sigmoid", x)
