"""Batch norm: channels less the mean and the spread of their batch, or of those before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.nn.arguments import as_floats, check_number
from dataflow.ops.nn.centering import STANDARDIZE_CHANNELS
from dataflow.ops.nn.dropping import check_switch
from dataflow.ops.nn.norms import per_channel, scaled
from dataflow.ops.parameters import as_float_like
from dataflow.ops.powers import sqrt
from dataflow.ops.selection import where
from dataflow.ops.shaping import reshape
from dataflow.shapes import normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["batch_norm"]


@public(family="nn")
def batch_norm(  # noqa: PLR0913 - PyTorch's signature
    x: TensorLike, running_mean: TensorLike | None = None, running_var: TensorLike | None = None,
    weight: TensorLike | None = None, bias: TensorLike | None = None, *,
    training: bool | Tensor = False, momentum: TensorLike = 0.1, eps: float = 1e-5, axis: int = 1,
) -> Tensor:  # fmt: skip
    """Return channels with the mean and variance of their batch, or of those before, taken out.

    Parameters
    ----------
    x : tensor or array_like
        Real floats of at least two axes.
    running_mean, running_var : tensor or array_like, optional
        One element for each channel: what is taken out unless training. In training they must be
        variables, and are updated: ``running = (1 - momentum) * running + momentum * batch``, with
        the batch's variance divided by n - 1.
    weight, bias : tensor or array_like, optional
        What channels are multiplied with, and what is added to them: one element for each.
    training : bool or scalar tensor of bool
        Whether the batch's own mean and variance are taken out. As a tensor, such as an input, it
        is decided at every run; then the running ones change in training only.
    momentum : float or tensor
        How much of the batch goes into the running mean and variance.
    eps : float
        Added to the variance.
    axis : int
        The axis of channels.

    Raises
    ------
    ShapeError, DTypeError
        A shape doesn't fit, a channel has fewer than two elements in training, or `x` is complex.
    GraphError
        There is no running mean or variance where one is needed, or it is no variable.

    References
    ----------
    Ioffe and Szegedy, "Batch Normalization", ICML 2015.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 10.0], [3.0, 30.0]])
    >>> df.evaluate(df.nn.batch_norm(x, training=True)).round(3)
    array([[-1., -1.],
           [ 1.,  1.]], dtype=float32)
    """
    check_number("batch_norm", "eps", eps, 0)
    check_switch("batch_norm", training)
    (x,) = as_floats("batch_norm", x)
    place = normal_axis(axis, x.ndim)
    given = (running_mean, running_var)
    if (given[0] is None) != (given[1] is None) or (given[0] is None and training is not True):
        msg = (f"batch_norm ({user_line()}) needs running_mean and running_var, both, unless in "
               "training")  # fmt: skip
        raise GraphError(msg)
    if training is False:
        y = _less_running(x, given, place, eps)
    else:
        y = _less_own(x, given, place, eps, training, momentum)
    return scaled("batch_norm", y, place, weight, bias)


def _less_running(x: Tensor, running: Any, place: int, eps: float) -> Tensor:  # noqa: ANN401 - a pair
    centre, var = (
        per_channel("batch_norm", what, value, x, place)
        for what, value in zip(("running_mean", "running_var"), running, strict=True)
    )
    return _standardized(x, centre, var, eps)


def _standardized(x: Tensor, centre: Tensor, var: Tensor, eps: float) -> Tensor:
    return (x - centre) / sqrt(var + eps)


def _less_own(
    x: Tensor, running: Any, place: int, eps: float, training: bool | Tensor,  # noqa: ANN401 - a pair
    momentum: TensorLike,
) -> Tensor:  # fmt: skip
    axes = tuple(axis for axis in range(x.ndim) if axis != place)
    count = product(x.shape[axis] for axis in axes)
    if isinstance(count, int) and count < 2:
        msg = (f"batch_norm ({user_line()}) of {x.spec}: in training a channel needs two elements "
               "or more")  # fmt: skip
        raise ShapeError(msg)
    y, centre, var = x.builder.apply(STANDARDIZE_CHANNELS, (x,), Attrs(axes=axes, eps=float(eps)))
    if running[0] is None:
        return y
    size = x.builder.size_of((count,), np.float32 if x.dtype.itemsize == 2 else x.dtype)
    unbiased = var * (size / (size - 1.0)).astype(var.dtype)
    for variable, batch in zip(running, (centre, unbiased), strict=True):
        _follow(variable, reshape(batch, x.shape[place : place + 1]), training, momentum)
    if training is True:
        return y
    return where(training, y, _less_running(x, running, place, eps))


def _follow(variable: Any, batch: Tensor, training: bool | Tensor, momentum: TensorLike) -> None:  # noqa: ANN401 - as given
    """Update a running average by a batch's value."""
    builder: Any = batch.builder
    if not any(variable is known for known in builder.variables):
        msg = (f"batch_norm ({user_line()}): running_mean and running_var must be variables in "
               "training, for it updates them")  # fmt: skip
        raise GraphError(msg)
    with builder.no_grad():
        share = as_float_like("batch_norm", momentum, variable)
        before = builder.pending(variable)  # the variable, or what an earlier call made of it
        new = before * (1.0 - share) + batch.astype(variable.dtype) * share
        new = new if training is True else where(training, new, before)
    builder.update(variable, new, again=True)
