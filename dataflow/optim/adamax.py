"""Adamax: Adam with the largest gradient instead of the mean square."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.optim.betas import check_betas, corrections
from dataflow.optim.checks import check_range
from dataflow.optim.decay import with_weights
from dataflow.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Rate, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["Adamax"]


@dataclass(frozen=True)
class Adamax(Optimizer):
    """Adamax [1]_: ``torch.optim.Adamax``.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate; see `Optimizer`.
    betas : tuple of float
        The discounts of the mean and of the largest gradient, in [0, 1).
    eps : float
        Added to each gradient's absolute value.
    weight_decay : float
        How much of the variable is added to its gradient.
    maximize, groups, name
        See `Optimizer`.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015,
       algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.Adamax(0.5).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 6)
    array([2.5])
    """

    lr: Rate = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    name: str = field(default="adamax", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_betas("Adamax", self.betas)
        check_range("Adamax", "eps", self.eps, 0.0)
        check_range("Adamax", "weight_decay", self.weight_decay, 0.0)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the learning rate, with the first moment's factor and bias in."""
        bias = corrections(updates, self.betas)
        return (updates.rate(self.lr) * (1.0 - self.betas[0]) / bias[0],)

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - size * first / largest``, first a discounted sum."""
        gradient = with_weights(parameter, self.weight_decay)
        first, largest = parameter.moment("first"), parameter.moment("largest")
        length = call_function("abs", gradient) + self.eps
        new_first = parameter.commit(first, first * self.betas[0] + gradient)
        longest = call_function("maximum", largest * self.betas[1], length)
        parameter.commit(largest, longest)
        return parameter.value - new_first / longest * rates[0]
