"""Layers that normalise: by rows, by groups of channels, by batches.

Their variables have PyTorch's names: ``weight``, ``bias``, ``running_mean``, ``running_var``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dataflow.dispatch import find_function
from dataflow.errors import ShapeError
from dataflow.nn.declaring import Own, declaring
from dataflow.nn.dense import check_count, length_of
from dataflow.shapes import move_axis, normal_axes
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = [
    "BatchNorm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "InstanceNorm",
    "LayerNorm", "RMSNorm",
]  # fmt: skip


def _affine(
    own: Own, *lengths: int, has_weight: bool = True, has_bias: bool = True
) -> dict[str, Tensor]:
    """Return a layer's weight and bias, those that it has."""
    wanted = (("weight", "ones", has_weight), ("bias", "zeros", has_bias))
    return {name: own.weight(name, first, lengths) for name, first, is_there in wanted if is_there}


@dataclass(frozen=True)
class LayerNorm:
    """A layer that brings rows to mean 0 and variance 1; see `dataflow.layer_norm`.

    Parameters
    ----------
    axis : int or sequence of int
        The axis that rows lie along, or several that lie in one row.
    eps : float
        Added to the variance.
    use_scale, use_bias : bool
        Whether there is a weight, at first ones, and a bias, at first zeros.
    name : str
        What the names of its variables begin with; the second layer of a name gets a number.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> y = df.nn.LayerNorm()(b.input("x", shape=("batch", 4)))
    >>> [v.node for v in b.variables]
    ['layer_norm.weight', 'layer_norm.bias']
    """

    axis: int | Sequence[int] = -1
    eps: float = 1e-5
    use_scale: bool = True
    use_bias: bool = True
    name: str = "layer_norm"

    def __call__(self, x: Tensor) -> Tensor:
        """Declare the layer on a tensor and return its result.

        Parameters
        ----------
        x : Tensor
            Floating point, the axis of known length.

        Returns
        -------
        Tensor
            The same shape and dtype.

        Raises
        ------
        ShapeError, DTypeError
            There is no such axis of known length, or `x` isn't floating point.
        """
        axes = normal_axes(self.axis, x.ndim)
        lengths = [length_of("LayerNorm", x, axis - x.ndim)[1] for axis in axes]
        with declaring(self, x) as own:
            made = _affine(own, *lengths, has_weight=self.use_scale, has_bias=self.use_bias)
        return find_function("layer_norm")(  # type: ignore[no-any-return]
            x, made.get("weight"), made.get("bias"), axis=self.axis, eps=self.eps
        )


@dataclass(frozen=True)
class RMSNorm:
    """A layer that divides rows by their root mean square; see `dataflow.nn.rms_norm`.

    Parameters
    ----------
    axis : int
        The axis that rows lie along.
    eps : float, optional
        Added to the mean square; by default the dtype's, as `rms_norm` has it.
    use_scale : bool
        Whether there is a weight, at first ones.
    name : str
        What the name of its variable begins with.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> y = df.nn.RMSNorm()(b.input("x", shape=("batch", 4)))
    >>> [v.node for v in b.variables]
    ['rms_norm.weight']
    """

    axis: int = -1
    eps: float | None = None
    use_scale: bool = True
    name: str = "rms_norm"

    def __call__(self, x: Tensor) -> Tensor:
        """Declare the layer on a tensor and return its result; see `LayerNorm`."""
        _, length = length_of("RMSNorm", x, self.axis)
        with declaring(self, x) as own:
            made = _affine(own, length, has_weight=self.use_scale, has_bias=False)
        rows = move_axis(x, self.axis % x.ndim, x.ndim - 1)
        y = find_function("nn.rms_norm")(rows, length, made.get("weight"), eps=self.eps)
        return move_axis(y, x.ndim - 1, self.axis % x.ndim)


# Channels


@dataclass(frozen=True)
class GroupNorm:
    """A layer that brings groups of channels to mean 0 and variance 1; see `df.nn.group_norm`.

    Parameters
    ----------
    num_groups : int
        The number of groups.
    eps : float
        Added to the variance.
    affine : bool
        Whether there are a weight, at first ones, and a bias, at first zeros.
    axis : int
        The axis of channels.
    name : str
        What the names of its variables begin with.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> y = df.nn.GroupNorm(2)(b.input("x", shape=("batch", 4, 8, 8)))
    >>> [v.node for v in b.variables]
    ['group_norm.weight', 'group_norm.bias']
    """

    num_groups: int
    eps: float = 1e-5
    affine: bool = True
    axis: int = 1
    name: str = "group_norm"

    def __post_init__(self) -> None:
        check_count("GroupNorm", "num_groups", self.num_groups, 1)

    def __call__(self, x: Tensor) -> Tensor:
        """Declare the layer on a tensor and return its result; see `LayerNorm`."""
        made = _of_channels("GroupNorm", self, x)
        return find_function("nn.group_norm")(  # type: ignore[no-any-return]
            x, self.num_groups, **made, eps=self.eps, axis=self.axis
        )


@dataclass(frozen=True)
class InstanceNorm:
    """A layer that brings each channel of each example to mean 0 and variance 1.

    Parameters
    ----------
    eps, axis, name
        See `GroupNorm`.
    affine : bool
        Whether there are a weight and a bias; by default not, as in PyTorch.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> df.nn.InstanceNorm()(b.input("x", shape=("batch", 4, 8, 8))).shape
    (Dim('batch'), 4, 8, 8)
    """

    eps: float = 1e-5
    affine: bool = False
    axis: int = 1
    name: str = "instance_norm"

    def __call__(self, x: Tensor) -> Tensor:
        """Declare the layer on a tensor and return its result; see `LayerNorm`."""
        made = _of_channels("InstanceNorm", self, x)
        return find_function("nn.instance_norm")(  # type: ignore[no-any-return]
            x, **made, eps=self.eps, axis=self.axis
        )


def _of_channels(layer: str, self: GroupNorm | InstanceNorm, x: Tensor) -> dict[str, Tensor]:
    if not self.affine:
        return {}
    _, length = length_of(layer, x, self.axis)
    with declaring(self, x) as own:
        return _affine(own, length)


# Batches


@dataclass(frozen=True)
class BatchNorm:
    """A layer that takes the mean and variance of a batch out of channels; see `df.nn.batch_norm`.

    The averages that prediction uses are variables, updated when a run in training is over. A plan
    of the same graph that is compiled with ``updates=False`` predicts by them. If a layer is called
    twice, the averages follow the batch of the first call, and then that of the second.

    Parameters
    ----------
    momentum : float, optional
        How much of a batch goes into the averages; None gives all batches the same weight.
    eps : float
        Added to the variance.
    affine : bool
        Whether there are a weight, at first ones, and a bias, at first zeros.
    axis : int
        The axis of channels.
    name : str
        What the names of its variables begin with.
    training : bool or scalar tensor of bool, optional
        What a call doesn't say: in a `Sequential`, layers are called with nothing but a tensor. By
        default the builder's `training`: a plan with updates trains, one without predicts.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> y = df.nn.BatchNorm()(b.input("x", shape=("batch", 4)))
    >>> [v.node for v in b.variables]  # doctest: +NORMALIZE_WHITESPACE
    ['batch_norm.weight', 'batch_norm.bias', 'batch_norm.running_mean',
     'batch_norm.running_var']
    """

    momentum: float | None = 0.1
    eps: float = 1e-5
    affine: bool = True
    axis: int = 1
    name: str = "batch_norm"
    training: bool | Tensor | None = field(default=None, compare=False)

    _ranks: ClassVar[tuple[int, ...]] = ()

    def __call__(self, x: Tensor, training: bool | Tensor | None = None) -> Tensor:
        """Declare the layer on a tensor and return its result.

        Parameters
        ----------
        x : Tensor
            Floating point, with channels of known number.
        training : bool or scalar tensor of bool, optional
            Whether the batch's own mean and variance are taken out, and the averages updated. By
            default the layer's own.

        Returns
        -------
        Tensor
            The same shape and dtype.

        Raises
        ------
        ShapeError, DTypeError
            There is no axis of known length, or another number of axes than the layer takes, or
            `x` isn't floating point.
        """
        kind = type(self).__name__
        training = self.training if training is None else training
        builder, length = length_of(kind, x, self.axis)
        training = builder.training if training is None else training
        if self._ranks and x.ndim not in self._ranks:
            ranks = " or ".join(map(str, self._ranks))
            msg = f"{kind} ({user_line()}) of {x.node!r}, {x.spec}: takes {ranks} axes"
            raise ShapeError(msg)
        with declaring(self, x) as own:
            made = _affine(own, length, has_weight=self.affine, has_bias=self.affine)
            made |= {
                name: own.weight(name, first, (length,), requires_grad=False)
                for name, first in (("running_mean", "zeros"), ("running_var", "ones"))
            }
            momentum = self._momentum(own, training)
        return find_function("nn.batch_norm")(  # type: ignore[no-any-return]
            x, **made, training=training, momentum=momentum, eps=self.eps, axis=self.axis
        )

    def _momentum(self, own: Own, training: bool | Tensor) -> Any:  # noqa: ANN401 - a number or tensor
        if self.momentum is not None:
            return self.momentum
        name, builder = "num_batches_tracked", own.builder
        tracked = own.kept(name, lambda: builder.variable(name, np.zeros((), np.int64)))
        seen = builder.pending(tracked)
        now = seen + 1
        if training is not False:
            more = now if training is True else find_function("where")(training, now, seen)
            builder.update(tracked, more, again=True)
        return 1.0 / now


class BatchNorm1d(BatchNorm):
    """`BatchNorm` of (examples, channels) or (examples, channels, length)."""

    _ranks = (2, 3)


class BatchNorm2d(BatchNorm):
    """`BatchNorm` of images: (examples, channels, height, width)."""

    _ranks = (4,)


class BatchNorm3d(BatchNorm):
    """`BatchNorm` of volumes: (examples, channels, depth, height, width)."""

    _ranks = (5,)
