"""Layers of batch norm, with running averages: ``running_mean`` and ``running_var``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dataflow.dispatch import find_function
from dataflow.nn.declaring import Own, declaring
from dataflow.nn.dense import length_of
from dataflow.nn.normalization import affine_of, check_ranks

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["BatchNorm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d"]


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
        training = self.training if training is None else training
        builder, length = length_of(type(self).__name__, x, self.axis)
        training = builder.training if training is None else training
        check_ranks(self, x, self._ranks)
        with declaring(self, x) as own:
            made = affine_of(own, length, has_weight=self.affine, has_bias=self.affine)
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
    """`BatchNorm` of (examples, channels) or (examples, channels, length).

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> df.nn.BatchNorm1d()(b.input("x", shape=("batch", 4, 9))).shape
    (Dim('batch'), 4, 9)
    """

    _ranks = (2, 3)


class BatchNorm2d(BatchNorm):
    """`BatchNorm` of images: (examples, channels, height, width).

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> df.nn.BatchNorm2d()(b.input("x", shape=("batch", 3, 8, 8))).shape
    (Dim('batch'), 3, 8, 8)
    """

    _ranks = (4,)


class BatchNorm3d(BatchNorm):
    """`BatchNorm` of volumes: (examples, channels, depth, height, width).

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> df.nn.BatchNorm3d()(b.input("x", shape=("batch", 2, 4, 8, 8))).shape
    (Dim('batch'), 2, 4, 8, 8)
    """

    _ranks = (5,)
