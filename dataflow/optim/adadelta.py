"""Adadelta: steps in proportion to the steps before."""

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

__all__ = ["Adadelta"]


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Adadelta [1]_: ``torch.optim.Adadelta``.

    Parameters
    ----------
    lr : float, Tensor or callable
        A factor of each step; see `Optimizer`.
    rho : float
        The discount of the mean squares of gradients and steps, in [0, 1).
    eps : float
        Added to both mean squares.
    weight_decay : float
        How much of the variable is added to its gradient.
    maximize, groups, name
        See `Optimizer`.

    References
    ----------
    .. [1] M. D. Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.Adadelta(eps=0.36).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 4)
    array([1.1909])
    """

    lr: Rate = 1.0
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0
    name: str = field(default="adadelta", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("Adadelta", "rho", self.rho, 0.0, 1.0)
        check_range("Adadelta", "eps", self.eps, 0.0)
        check_range("Adadelta", "weight_decay", self.weight_decay, 0.0)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the learning rate."""
        return (updates.rate(self.lr),)

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - lr * gradient * sqrt((steps + eps) / (second + eps))``, of mean squares."""
        gradient = with_weights(parameter, self.weight_decay)
        second, steps = parameter.moment("second"), parameter.moment("steps")
        new_second = second * self.rho + gradient * gradient * (1.0 - self.rho)
        parameter.commit(second, new_second)
        root = call_function("sqrt", (steps + self.eps) / (new_second + self.eps))
        change = gradient * root
        parameter.commit(steps, steps * self.rho + change * change * (1.0 - self.rho))
        return parameter.value - change * rates[0]
