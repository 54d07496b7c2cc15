"""Layers that normalise: by rows, and by groups of channels.

Their variables have PyTorch's names: ``weight`` and ``bias``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dataflow.dispatch import find_function
from dataflow.errors import ShapeError
from dataflow.nn.declaring import Own, declaring
from dataflow.nn.dense import check_count, length_of
from dataflow.shapes import move_axis, normal_axes
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = [
    "GroupNorm",
    "InstanceNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "LocalResponseNorm",
    "RMSNorm",
]


def affine_of(
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
            made = affine_of(own, *lengths, has_weight=self.use_scale, has_bias=self.use_bias)
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
            made = affine_of(own, length, has_weight=self.use_scale, has_bias=False)
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

    _ranks: ClassVar[tuple[int, ...]] = ()

    def __call__(self, x: Tensor) -> Tensor:
        """Declare the layer on a tensor and return its result; see `LayerNorm`."""
        check_ranks(self, x, self._ranks)
        made = _of_channels("InstanceNorm", self, x)
        return find_function("nn.instance_norm")(  # type: ignore[no-any-return]
            x, **made, eps=self.eps, axis=self.axis
        )


class InstanceNorm1d(InstanceNorm):
    """`InstanceNorm` of sequences: (examples, channels, length).

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.InstanceNorm1d()(df.GraphBuilder().ones((2, 4, 8))).shape
    (2, 4, 8)
    """

    _ranks = (3,)


class InstanceNorm2d(InstanceNorm):
    """`InstanceNorm` of images: (examples, channels, height, width).

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.InstanceNorm2d()(df.GraphBuilder().ones((2, 4, 8, 8))).shape
    (2, 4, 8, 8)
    """

    _ranks = (4,)


class InstanceNorm3d(InstanceNorm):
    """`InstanceNorm` of volumes: (examples, channels, depth, height, width).

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.InstanceNorm3d()(df.GraphBuilder().ones((2, 4, 3, 3, 3))).shape
    (2, 4, 3, 3, 3)
    """

    _ranks = (5,)


@dataclass(frozen=True)
class LocalResponseNorm:
    """A layer that is `local_response_norm`, with its parameters.

    Parameters
    ----------
    size : int
        How many channels around its own an element is divided by.
    alpha : float
        What their mean of squares is multiplied by.
    beta : float
        The exponent of the divisor.
    k : float
        Added to the mean.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.LocalResponseNorm(2)(df.GraphBuilder().ones((1, 4, 8, 8))).shape
    (1, 4, 8, 8)
    """

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def __call__(self, x: Tensor) -> Tensor:
        """Return `local_response_norm` of a tensor."""
        return find_function("nn.local_response_norm")(  # type: ignore[no-any-return]
            x, self.size, self.alpha, self.beta, self.k
        )


def check_ranks(layer: object, x: Tensor, ranks: Sequence[int]) -> None:
    """Refuse a tensor with another number of axes than a layer takes, if that is known."""
    if ranks and x.ndim not in ranks:
        numbers = " or ".join(map(str, ranks))
        msg = (f"{type(layer).__name__} ({user_line()}) of {x.node!r}, {x.spec}: takes {numbers} "
               "axes")  # fmt: skip
        raise ShapeError(msg)


def _of_channels(layer: str, self: GroupNorm | InstanceNorm, x: Tensor) -> dict[str, Tensor]:
    if not self.affine:
        return {}
    _, length = length_of(layer, x, self.axis)
    with declaring(self, x) as own:
        return affine_of(own, length)
