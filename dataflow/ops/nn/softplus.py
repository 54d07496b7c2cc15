"""softplus, log(1 + exp(x)), and what is made of it: precise in both tails.

softplus(x) = max(x, 0) + log1p(exp(-|x|)): no power overflows, and small results keep their digits.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply, promoted
from dataflow.dispatch import also_named, public
from dataflow.elementwise import call_into, composite, scalars, scratch_like
from dataflow.errors import GraphError
from dataflow.ops.activations import sigmoid
from dataflow.ops.comparison import greater
from dataflow.ops.elementary import tanh
from dataflow.ops.nn.arguments import check_number
from dataflow.ops.selection import where
from dataflow.sampling import joined, values
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["log_sigmoid", "logsigmoid", "mish", "softplus"]


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x,), (power,) = outs, ins, scratch
    zero, minus = scalars(out.dtype, 0, -1)
    return [
        (np.copysign, (x, minus, power)),
        (np.exp, (power, power)),
        (np.log1p, (power, power)),
        call_into(np.maximum, (x, zero), out),
        (np.add, (out, power, out)),
    ]


def _reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(np.logaddexp(x, np.zeros_like(x)))


def _slope(application: Application, change: Tensor) -> Tensor:
    return change * sigmoid(application.inputs[0])


SOFTPLUS = composite(
    "nn.softplus", "Softplus", _kernel, _reference, (_slope,), flops=45,
    workspace=partial(scratch_like, 1), inplace=(0,),
    samples=joined(values(-3, 3), values(-200, 200, smooth=False)),
)  # fmt: skip


@public(family="nn")
def softplus(x: TensorLike, beta: float = 1.0, threshold: float | None = None) -> Tensor:
    """Return ``log(1 + exp(beta * x)) / beta``, element by element.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.
    beta : float
        How sharply it bends; not 0.
    threshold : float, optional
        Above it, ``beta * x`` counts as its own softplus. No value needs that here, since none
        overflows; PyTorch's is 20.

    Raises
    ------
    GraphError
        `beta` is 0, or a parameter is no number.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1000.0])
    >>> df.evaluate(df.nn.softplus(x)).round(4)
    array([6.931e-01, 1.000e+03], dtype=float32)
    """
    check_number("softplus", "beta", beta)
    if beta == 0:
        msg = f"softplus ({user_line()}): beta must not be 0"
        raise GraphError(msg)
    (x,) = promoted(SOFTPLUS, np.tanh, x)
    scaled = x if beta == 1 else x * beta
    bent = apply(SOFTPLUS, (scaled,))
    bent = bent if beta == 1 else bent / beta
    if threshold is None:
        return bent
    check_number("softplus", "threshold", threshold)
    return where(greater(scaled, threshold), x, bent)


@public(family="nn")
def log_sigmoid(x: TensorLike) -> Tensor:
    """Return ``log(sigmoid(x))``, element by element, also where the sigmoid is 0 or 1 to a float.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, -1000.0])
    >>> df.evaluate(df.nn.log_sigmoid(x)).round(4)
    array([-6.931e-01, -1.000e+03], dtype=float32)
    """
    (x,) = promoted(SOFTPLUS, np.tanh, x)
    return -softplus(-x)


logsigmoid = also_named(log_sigmoid, "nn.logsigmoid")


@public(family="nn")
def mish(x: TensorLike) -> Tensor:
    """Return ``x * tanh(softplus(x))``, element by element.

    References
    ----------
    Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", arXiv:1908.08681 (2019).

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.nn.mish(x)).round(4)
    array([0.    , 0.8651], dtype=float32)
    """
    (x,) = promoted(SOFTPLUS, np.tanh, x)
    return x * tanh(softplus(x))
