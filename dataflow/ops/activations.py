"""Activations: relu, sigmoid, silu and gelu, each a node whose derivative needs one saved tensor.

sigmoid is 1 / (1 + exp(-|x|)), times exp(-|x|) below 0: no power overflows, and small results
keep their digits. gelu is x times the normal distribution's cumulative function.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import promoted, unary
from dataflow.dispatch import public
from dataflow.elementwise import call_into, composite, scalars, scratch_like
from dataflow.errors import GraphError
from dataflow.operation import Workspace
from dataflow.ops.comparison import less_equal
from dataflow.ops.error_function import working_dtype
from dataflow.ops.gaussian_gate import GELU
from dataflow.ops.masking import zero_where
from dataflow.ops.powers import square
from dataflow.sampling import joined, values
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["gelu", "relu", "sigmoid", "silu"]


# relu


def _relu_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [call_into(np.maximum, (ins[0], *scalars(outs[0].dtype, 0)), outs[0])]


def _relu_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.where(arrays[0] <= 0, np.zeros_like(arrays[0]), arrays[0])


def _unless_negative(application: Application, change: Tensor) -> Tensor:
    return zero_where(less_equal(application.outputs[0], 0), change)


RELU = composite(
    "relu", "Relu", _relu_kernel, _relu_reference, (_unless_negative,), flops=1, inplace=(0,),
    workspace=partial(scratch_like, 0),
    samples=joined(values(0.5, 3), values(-3, -0.5), values(-3, 3, smooth=False)),
)  # fmt: skip


@public()
def relu(x: TensorLike) -> Tensor:
    """Return the larger of `x` and 0, element by element. The derivative at 0 is 0.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -2.0])
    >>> df.evaluate(df.relu(x))
    array([1., 0.], dtype=float32)
    """
    return unary(RELU, np.tanh, x)  # promoted as tanh is, here and below: there is no ufunc


# sigmoid


def _sigmoid_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x,), (power,) = outs, ins, scratch
    one, minus = scalars(out.dtype, 1, -1)
    return [
        (np.copysign, (x, minus, power)),
        (np.exp, (power, power)),  # exp(-|x|), at most 1
        (np.sign, (x, out)),
        call_into(np.maximum, (out, power), out),  # 1 above 0, and exp(x) below
        (np.add, (power, one, power)),
        (np.divide, (out, power, out)),
    ]


def _sigmoid_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    (x,) = arrays
    power = np.exp(-np.abs(x))
    return np.asarray(np.where(x < 0, power, np.ones_like(power)) / (power + 1))


def _sigmoid_slope(application: Application, change: Tensor) -> Tensor:
    (y,) = application.outputs
    return change * (y - square(y))


SIGMOID = composite(
    "sigmoid", "Sigmoid", _sigmoid_kernel, _sigmoid_reference, (_sigmoid_slope,), flops=25,
    workspace=partial(scratch_like, 1), inplace=(0,),
    samples=joined(values(-3, 3), values(-2000, 2000, smooth=False)),
)  # fmt: skip


@public()
def sigmoid(x: TensorLike) -> Tensor:
    """Return ``1 / (1 + exp(-x))``, element by element, without overflow at any `x`.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, -1000.0])
    >>> df.evaluate(df.sigmoid(x))
    array([0.5, 0. ], dtype=float32)
    """
    return unary(SIGMOID, np.tanh, x)


@public()
def silu(x: TensorLike) -> Tensor:
    """Return ``x * sigmoid(x)``, element by element.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 2.0])
    >>> df.evaluate(df.silu(x)).round(4)
    array([0.    , 1.7616], dtype=float32)
    """
    (floats,) = promoted(SIGMOID, np.tanh, x)
    return floats * sigmoid(floats)


# gelu, by the normal distribution and by the tanh that comes close to it

_CUBE, _SCALE = 0.044715, math.sqrt(2 / math.pi)


def _gelu_tanh_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace((Spec(specs[0].shape, working_dtype(specs[0].dtype)),) * 2)


def _gelu_tanh_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the calls for x / (1 + exp(-2 s (x + c x³))), which is x/2 (1 + tanh(s (x + c x³))).

    There is no 1 - 1 in it, so that the tail keeps its digits, and exp costs less than tanh.
    """
    (out,), (x,), (wide, result) = outs, ins, scratch
    one, cube, scale = scalars(wide.dtype, 1, _CUBE, -2 * _SCALE)
    return [
        (wide.__setitem__, (..., x)),
        (np.multiply, (wide, wide, result)),
        (np.multiply, (result, cube, result)),
        (np.add, (result, one, result)),
        (np.multiply, (result, wide, result)),
        (np.multiply, (result, scale, result)),
        (np.exp, (result, result)),
        (np.add, (result, one, result)),
        (np.true_divide, (wide, result, result)),
        (out.__setitem__, (..., result)),
    ]


def _gelu_tanh_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    x = arrays[0].astype(working_dtype(arrays[0].dtype))
    power = np.exp(-2 * _SCALE * (x + _CUBE * x * x * x))
    return np.asarray(x / (1 + power), arrays[0].dtype)


def _times_tanh_slope(application: Application, change: Tensor) -> Tensor:
    return change * _tanh_slope(application.inputs[0])


def _tanh_slope(x: Tensor) -> Tensor:
    squared = square(x)
    share = sigmoid(x * (squared * _CUBE + 1) * (2 * _SCALE))
    inner = (squared * (3 * _CUBE) + 1) * (2 * _SCALE)
    return share + x * (share - square(share)) * inner


GELU_TANH = composite(
    "gelu_tanh", "Gelu", _gelu_tanh_kernel, _gelu_tanh_reference, (_times_tanh_slope,),
    inplace=(0,), flops=20,
    workspace=_gelu_tanh_workspace, samples=values(-3, 3), ulps=16,  # of exp, of a large number
)  # fmt: skip


@public()
def gelu(x: TensorLike, approximate: str = "none") -> Tensor:
    """Return ``x`` times the probability that a standard normal draw is below ``x``.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.
    approximate : {"none", "tanh"}
        By the normal distribution, or by a tanh that differs by at most 0.0005 and takes less time.

    Raises
    ------
    GraphError
        `approximate` is neither.

    References
    ----------
    Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415 (2016).

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.gelu(x)).round(4)
    array([0.    , 0.8413], dtype=float32)
    """
    if approximate not in ("none", "tanh"):
        msg = f"gelu's approximate is 'none' or 'tanh', not {approximate!r}"
        raise GraphError(msg)
    return unary(GELU if approximate == "none" else GELU_TANH, np.tanh, x)
