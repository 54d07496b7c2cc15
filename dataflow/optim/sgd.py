"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.errors import ArgumentError
from dataflow.optim.checks import check_flag, check_range
from dataflow.optim.decay import with_weights
from dataflow.optim.optimizer import Optimizer
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["SGD"]


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, ``w -= lr * gradient``: ``torch.optim.SGD``.

    With momentum, the gradient is replaced by ``velocity = momentum * velocity + gradient`` [1]_.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate; see `Optimizer`.
    momentum : float
        In [0, 1).
    dampening : float
        What the velocity takes in of each gradient but the first is ``1 - dampening`` of it.
    weight_decay : float
        How much of the variable is added to its gradient.
    nesterov : bool
        Whether to look ahead: ``gradient + momentum * velocity`` instead of the velocity. It needs
        a momentum, and no dampening.
    maximize, groups, name
        See `Optimizer`.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and
       momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.SGD(0.25).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> runner.state["w"]
    array([1.5])
    """

    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    name: str = field(default="sgd", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("SGD", "momentum", self.momentum, 0.0, 1.0)
        check_range("SGD", "dampening", self.dampening, 0.0)
        check_range("SGD", "weight_decay", self.weight_decay, 0.0)
        check_flag("SGD", "nesterov", self.nesterov)
        if self.nesterov and (not self.momentum or self.dampening):
            msg = f"SGD ({user_line()}): nesterov needs a momentum, and no dampening"
            raise ArgumentError(msg)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the learning rate, and how much of a gradient the velocity takes in."""
        share: Scalar = 1.0
        if self.momentum and self.dampening:
            # Before the first update there is no velocity: all of the gradient becomes it.
            is_first = (updates.steps == 0).astype("float64")
            share = is_first * self.dampening + (1.0 - self.dampening)
        return updates.rate(self.lr), share

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - lr * velocity``."""
        rate, share = rates
        change = with_weights(parameter, self.weight_decay)
        if self.momentum:
            velocity = parameter.moment("velocity")
            taken = change * share if self.dampening else change
            moved = parameter.commit(velocity, velocity * self.momentum + taken)
            change = change + moved * self.momentum if self.nesterov else moved
        return parameter.value - change * rate
