"""RMSProp: steps divided by the root mean square of recent gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.optim.checks import check_flag, check_range
from dataflow.optim.decay import with_weights
from dataflow.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Rate, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["RMSProp", "RMSprop"]


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """RMSProp [1]_, ``w -= lr * gradient / (sqrt(mean square) + eps)``: ``torch.optim.RMSprop``.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate; see `Optimizer`.
    alpha : float
        The discount of the mean square, in [0, 1).
    eps : float
        Added to the root.
    weight_decay : float
        How much of the variable is added to its gradient.
    momentum : float
        In [0, 1).
    centered : bool
        Whether to divide by the standard deviation: the mean's square is taken off [2]_.
    maximize, groups, name
        See `Optimizer`.

    Notes
    -----
    As in `Adam`, the moments are sums: in the state they are PyTorch's ``square_avg`` and
    ``grad_avg`` divided by ``1 - alpha``.

    References
    ----------
    .. [1] T. Tieleman, G. Hinton, "Lecture 6.5: rmsprop", Neural Networks for Machine Learning,
       Coursera, 2012.
    .. [2] A. Graves, "Generating Sequences With Recurrent Neural Networks", arXiv:1308.0850, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.RMSProp(0.1, alpha=0.75).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 6)
    array([2.8])
    """

    lr: Rate = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False
    name: str = field(default="rmsprop", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("RMSProp", "alpha", self.alpha, 0.0, 1.0)
        check_range("RMSProp", "eps", self.eps, 0.0)
        check_range("RMSProp", "weight_decay", self.weight_decay, 0.0)
        check_range("RMSProp", "momentum", self.momentum, 0.0, 1.0)
        check_flag("RMSProp", "centered", self.centered)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the learning rate, with the factor of the moments in."""
        return (updates.rate(self.lr) * (1.0 / math.sqrt(1.0 - self.alpha)),)

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - rate * gradient / (sqrt(second) + eps)``, or with a velocity instead."""
        gradient = with_weights(parameter, self.weight_decay)
        second = parameter.moment("second")
        spread = parameter.commit(second, second * self.alpha + gradient * gradient)
        if self.centered:
            first = parameter.moment("first")
            mean = parameter.commit(first, first * self.alpha + gradient)
            spread = spread - mean * mean * (1.0 - self.alpha)
        root = call_function("sqrt", spread) + self.eps / math.sqrt(1.0 - self.alpha)
        change = gradient / root
        if self.momentum:
            velocity = parameter.moment("velocity")
            change = parameter.commit(velocity, velocity * self.momentum + change)
        return parameter.value - change * rates[0]


RMSprop = RMSProp
"""PyTorch's spelling of `RMSProp`."""
