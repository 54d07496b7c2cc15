"""Shares that add up to 1 along an axis, with PyTorch's ``dim``, and draws by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.errors import GraphError
from dataflow.ops.neural import log_softmax as log_softmax_along
from dataflow.ops.neural import softmax as softmax_along
from dataflow.ops.nn.arguments import activation_input, axis_of, check_number
from dataflow.ops.onehot import one_hot
from dataflow.ops.searching import argmax
from dataflow.ops.stopping import stop_gradient
from dataflow.shapes import move_axis, normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["gumbel_softmax", "log_softmax", "softmax", "softmin"]


@public(family="nn")
def softmax(x: TensorLike, axis: int = -1, *, dim: int | None = None) -> Tensor:
    """Return ``exp(x)`` divided by its sum along an axis; see `dataflow.softmax`.

    Parameters
    ----------
    x : tensor or array_like
        At least one axis.
    axis : int
        The axis along which the result adds up to 1.
    dim : int, optional
        PyTorch's name for it.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0], [0.0]])
    >>> df.evaluate(df.nn.softmax(x, dim=0)).ravel()
    array([0.5, 0.5], dtype=float32)
    """
    return softmax_along(x, axis_of("softmax", axis, dim))


@public(family="nn")
def log_softmax(x: TensorLike, axis: int = -1, *, dim: int | None = None) -> Tensor:
    """Return the logarithm of `softmax`; see there and `dataflow.log_softmax`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0], [0.0]])
    >>> df.evaluate(df.nn.log_softmax(x, dim=0)).ravel().round(4)
    array([-0.6931, -0.6931], dtype=float32)
    """
    return log_softmax_along(x, axis_of("log_softmax", axis, dim))


@public(family="nn")
def softmin(x: TensorLike, axis: int = -1, *, dim: int | None = None) -> Tensor:
    """Return ``softmax(-x)``: the smallest gets most; `dim` is PyTorch's name for the axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.0])
    >>> df.evaluate(df.nn.softmin(x))
    array([0.5, 0.5], dtype=float32)
    """
    return softmax_along(-activation_input(x), axis_of("softmin", axis, dim))


@public(family="nn")
def gumbel_softmax(
    logits: Tensor, key: Tensor, tau: float = 1.0, *, hard: bool = False, axis: int = -1,
    dim: int | None = None,
) -> Tensor:  # fmt: skip
    """Return draws of categories that can be differentiated by their logits.

    The draws are ``softmax((logits + g) / tau)`` with Gumbel noise g: the smaller `tau`, the closer
    they come to a 1 in one place.

    Parameters
    ----------
    logits : Tensor
        Logarithms of probabilities, up to a constant.
    key : Tensor
        Where the noise comes from; see `dataflow.random`.
    tau : float
        The temperature, above 0.
    hard : bool
        Whether to return a 1 in the place of the largest and 0 elsewhere, with the gradient of the
        soft draw.
    axis : int
        The axis of categories.
    dim : int, optional
        PyTorch's name for the axis.

    Raises
    ------
    GraphError
        `tau` is no number above 0.

    References
    ----------
    Jang, Gu and Poole, "Categorical Reparameterization with Gumbel-Softmax", ICLR 2017.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> draw = df.nn.gumbel_softmax(b.zeros((3,)), b.constant(df.random.key(0)), hard=True)
    >>> float(df.evaluate(draw).sum())
    1.0
    """
    check_number("gumbel_softmax", "tau", tau)
    if not tau > 0:
        msg = f"gumbel_softmax ({user_line()}): tau is a number above 0, not {tau!r}"
        raise GraphError(msg)
    logits = activation_input(logits)
    place = normal_axis(axis_of("gumbel_softmax", axis, dim), logits.ndim)
    drawn = logits.dtype if logits.dtype.kind == "f" else np.float32  # for bfloat16
    noise = call_function("random.gumbel", key, logits.shape, drawn).astype(logits.dtype)
    soft = softmax_along((logits + noise) / tau, place)
    if not hard:
        return soft
    chosen = one_hot(argmax(soft, place), soft.shape[place], soft.dtype)
    return move_axis(chosen, soft.ndim - 1, place) + (soft - stop_gradient(soft))
