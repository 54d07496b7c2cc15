"""Norms: tensors brought to a mean and a size, by groups of channels.

PyTorch has the channels along axis 1, behind the examples: so it is here, unless `axis` says
otherwise. Norms of rows are in `row_norms`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dataflow.attrs import Attrs
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.nn.arguments import (
    as_floats,
    axis_of,
    check_number,
    in_float32,
)
from dataflow.ops.nn.distances import unit
from dataflow.ops.normalizing import STANDARDIZE
from dataflow.ops.parameters import parameter
from dataflow.ops.shaping import reshape
from dataflow.shapes import move_axis, normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["group_norm", "instance_norm", "normalize", "per_channel", "scaled"]


def scaled(
    name: str, y: Tensor, place: int, weight: TensorLike | None, bias: TensorLike | None
) -> Tensor:
    """Multiply with a weight and add a bias, one element of each for every index of an axis."""
    y = y if weight is None else y * per_channel(name, "weight", weight, y, place)
    return y if bias is None else y + per_channel(name, "bias", bias, y, place)


def per_channel(name: str, what: str, value: TensorLike, y: Tensor, place: int) -> Tensor:
    """Return one element for every index of an axis, so that they broadcast along the others."""
    wanted = f"one element for each of {y.shape[place]} along axis {place}"
    made = parameter(name, what, value, y, y.shape[place : place + 1], wanted)
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
    return scaled(name, move_axis(reshape(y, image.shape), 1, place), place, weight, bias)


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
