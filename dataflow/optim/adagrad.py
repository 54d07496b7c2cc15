"""Adagrad: steps divided by the root of the sum of all squared gradients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.optim.checks import check_range
from dataflow.optim.decay import with_weights
from dataflow.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Rate, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["Adagrad"]


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Adagrad [1]_, ``w -= lr * gradient / (sqrt(sum of squares) + eps)``: ``torch.optim.Adagrad``.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate; see `Optimizer`.
    lr_decay : float
        After n updates the learning rate is divided by ``1 + n * lr_decay``.
    weight_decay : float
        How much of the variable is added to its gradient.
    initial_accumulator_value : float
        Where the sum of squares starts.
    eps : float
        Added to the root.
    maximize, groups, name
        See `Optimizer`.

    References
    ----------
    .. [1] J. Duchi, E. Hazan, Y. Singer, "Adaptive Subgradient Methods for Online Learning and
       Stochastic Optimization", JMLR 12, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.Adagrad(0.5).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 6)
    array([2.5])
    """

    lr: Rate = 1e-2
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-10
    name: str = field(default="adagrad", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            check_range("Adagrad", name, getattr(self, name), 0.0)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the learning rate at this update."""
        rate = updates.rate(self.lr)
        if not self.lr_decay:
            return (rate,)
        return (rate / (updates.steps.astype("float64") * self.lr_decay + 1.0),)

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - rate * gradient / (sqrt(sum) + eps)``."""
        gradient = with_weights(parameter, self.weight_decay)
        squares = parameter.moment("sum", first=self.initial_accumulator_value)
        added = parameter.commit(squares, squares + gradient * gradient)
        return parameter.value - gradient / (call_function("sqrt", added) + self.eps) * rates[0]
