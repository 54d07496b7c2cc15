"""Norms: tensors brought to a mean and a size, by groups of channels or batches.

PyTorch has the channels along axis 1, behind the examples: so it is here, unless `axis` says
otherwise. Norms of rows are in `row_norms`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.nn.arguments import (
    as_float_like,
    as_floats,
    axis_of,
    check_number,
    in_float32,
)
from dataflow.ops.nn.centering import STANDARDIZE_CHANNELS
from dataflow.ops.nn.distances import unit
from dataflow.ops.nn.dropping import check_switch
from dataflow.ops.normalizing import STANDARDIZE
from dataflow.ops.powers import sqrt
from dataflow.ops.selection import where
from dataflow.ops.shaping import reshape
from dataflow.shapes import move_axis, normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["batch_norm", "group_norm", "instance_norm", "normalize"]


def _scaled(
    name: str, y: Tensor, place: int, weight: TensorLike | None, bias: TensorLike | None
) -> Tensor:
    """Multiply with a weight and add a bias, one element of each for every index of an axis."""
    y = y if weight is None else y * _per_channel(name, "weight", weight, y, place)
    return y if bias is None else y + _per_channel(name, "bias", bias, y, place)


def _per_channel(name: str, what: str, value: TensorLike, y: Tensor, place: int) -> Tensor:
    made = as_float_like(name, value, y)
    if made.shape != y.shape[place : place + 1]:
        msg = (f"{name} ({user_line()}): {what} {shape_text(made.shape)} must have one element for "
               f"each of {y.shape[place]} along axis {place}")  # fmt: skip
        raise ShapeError(msg)
    return reshape(made, (y.shape[place], *[1] * (y.ndim - 1 - place)))


@public(family="nn")
def normalize(
    x: TensorLike, p: float = 2.0, axis: int = 1, eps: float = 1e-12, *, dim: int | None = None
) -> Tensor:
    """Return vectors divided by their p-norm, or by `eps` where that is larger.

    Parameters
    ----------
    x : tensor or array_like
        Real numbers.
    p : float
        Which norm; see `pairwise_distance`.
    axis : int
        The axis that the vectors lie along; of one axis, that.
    eps : float
        The least divisor.
    dim : int, optional
        PyTorch's name for the axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[3.0, 4.0], [0.0, 0.0]])
    >>> df.evaluate(df.nn.normalize(x))
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    axis = axis_of("normalize", axis, dim, 1)
    check_number("normalize", "p", p, 0)
    check_number("normalize", "eps", eps, 0)
    (x,) = as_floats("normalize", x)
    place = normal_axis(0 if x.ndim == 1 and axis == 1 else axis, x.ndim)
    return in_float32(partial(unit, p=p, axis=place - x.ndim, eps=eps), x)


# Groups of channels


@public(family="nn")
def group_norm(
    x: TensorLike, num_groups: int, weight: TensorLike | None = None,
    bias: TensorLike | None = None, eps: float = 1e-5, axis: int = 1,
) -> Tensor:  # fmt: skip
    """Return each example's groups of channels with mean 0 and variance 1, scaled and shifted.

    Parameters
    ----------
    x : tensor or array_like
        Real floats of at least two axes, the first of examples.
    num_groups : int
        The number of groups, which divides that of the channels.
    weight, bias : tensor or array_like, optional
        What channels are multiplied with, and what is added to them: one element for each.
    eps : float
        Added to the variance.
    axis : int
        The axis of channels.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        The groups don't divide the channels, a shape doesn't fit, `x` is complex or has a group
        without elements, or `eps` is no number of 0 or more.

    References
    ----------
    Wu and He, "Group Normalization", ECCV 2018.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 3.0, 10.0, 30.0]])
    >>> df.evaluate(df.nn.group_norm(x, 2)).round(3)
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """
    return _grouped("group_norm", x, num_groups, weight, bias, eps, axis)


@public(family="nn")
def instance_norm(
    x: TensorLike, weight: TensorLike | None = None, bias: TensorLike | None = None,
    eps: float = 1e-5, axis: int = 1,
) -> Tensor:  # fmt: skip
    """Return each channel of each example with mean 0 and variance 1; see `group_norm`.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", arXiv:1607.08022 (2016).

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 3.0], [10.0, 30.0]]])
    >>> df.evaluate(df.nn.instance_norm(x)).round(3)
    array([[[-1.,  1.],
            [-1.,  1.]]], dtype=float32)
    """
    return _grouped("instance_norm", x, None, weight, bias, eps, axis)


def _grouped(
    name: str, x: TensorLike, num_groups: int | None, weight: TensorLike | None,
    bias: TensorLike | None, eps: float, axis: int,
) -> Tensor:  # fmt: skip
    check_number(name, "eps", eps, 0)
    (floats,) = as_floats(name, x)
    place = _channel_axis(name, floats, axis)
    image = move_axis(floats, place, 1)
    examples, channels, *places = image.shape
    groups = channels if num_groups is None else _checked_groups(name, num_groups, channels)
    each = product((channels // groups if num_groups is not None else 1, *places))
    rows = reshape(image, (examples, groups, each))
    y = rows.builder.apply(STANDARDIZE, (rows,), Attrs(eps=float(eps)))[0]
    return _scaled(name, move_axis(reshape(y, image.shape), 1, place), place, weight, bias)


def _channel_axis(name: str, x: Tensor, axis: int) -> int:
    if x.ndim < 2:
        msg = f"{name} ({user_line()}) takes at least 2 axes, of examples and channels: {x.spec}"
        raise ShapeError(msg)
    place = normal_axis(axis, x.ndim)
    if place == 0:
        msg = f"{name} ({user_line()}): axis 0 is that of examples, not of channels"
        raise ShapeError(msg)
    return place


def _checked_groups(name: str, groups: Any, channels: Any) -> int:  # noqa: ANN401 - ints, dimensions
    is_number = isinstance(groups, int) and not isinstance(groups, bool) and groups > 0
    if not is_number or channels // groups * groups != channels:
        msg = f"{name} ({user_line()}): {groups!r} groups don't divide {channels} channels"
        raise ShapeError(msg)
    return groups  # type: ignore[no-any-return]  # an int, as just checked


# Batches


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
    return _scaled("batch_norm", y, place, weight, bias)


def _less_running(x: Tensor, running: Any, place: int, eps: float) -> Tensor:  # noqa: ANN401 - a pair
    centre, var = (
        _per_channel("batch_norm", what, value, x, place)
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
