"""NAdam: Adam that looks ahead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.optim.betas import check_betas, corrected
from dataflow.optim.checks import check_flag, check_range
from dataflow.optim.decay import shrunk, with_weights
from dataflow.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Rate, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["NAdam"]


@dataclass(frozen=True)
class NAdam(Optimizer):
    """Adam with Nesterov's momentum [1]_: ``torch.optim.NAdam``.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate; see `Optimizer`.
    betas : tuple of float
        The discounts of the two moments, in [0, 1).
    eps : float
        Added to the denominator.
    weight_decay : float
        How much of the variable is added to its gradient.
    momentum_decay : float
        The momentum at update t is ``betas[0] * (1 - 0.96**(t * momentum_decay) / 2)``.
    decoupled_weight_decay : bool
        Whether weights decay beside the gradient, as in `AdamW`.
    maximize, groups, name
        See `Optimizer`.

    Notes
    -----
    Moments in the state are as in `Adam`; ``nadam.momenta`` is the product of all momenta.

    References
    ----------
    .. [1] T. Dozat, "Incorporating Nesterov Momentum into Adam", ICLR workshop 2016.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.NAdam(0.5).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 4)
    array([2.4718])
    """

    lr: Rate = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum_decay: float = 4e-3
    decoupled_weight_decay: bool = False
    name: str = field(default="nadam", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_betas("NAdam", self.betas)
        for name in ("eps", "weight_decay", "momentum_decay"):
            check_range("NAdam", name, getattr(self, name), 0.0)
        check_flag("NAdam", "decoupled_weight_decay", self.decoupled_weight_decay)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the sizes of the gradient's and the moment's parts, eps, and the rate."""
        rate = updates.rate(self.lr)
        momenta = updates.scalar("momenta", 1.0)
        now, then = (self._momentum(t) for t in (updates.count, updates.count + 1.0))
        product = momenta * now
        updates.commit(momenta, product)
        size, eps = corrected(updates, self.betas, self.eps, rate)
        # `size` has Adam's factor of the first moment, (1 - beta1) / (1 - beta1**t): taken out.
        bare = size * ((1.0 - call_function("power", self.betas[0], updates.count))
                       / (1.0 - self.betas[0]))  # fmt: skip
        ahead = bare * (1.0 - self.betas[0]) * then / (1.0 - product * then)
        return bare * (1.0 - now) / (1.0 - product), ahead, eps, rate

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - (size * gradient + ahead * first) / (sqrt(second) + eps)``."""
        size, ahead, eps, rate = rates
        coupled = 0.0 if self.decoupled_weight_decay else self.weight_decay
        gradient = with_weights(parameter, coupled)
        first, second = parameter.moment("first"), parameter.moment("second")
        new_first = parameter.commit(first, first * self.betas[0] + gradient)
        new_second = parameter.commit(second, second * self.betas[1] + gradient * gradient)
        root = call_function("sqrt", new_second) + eps
        change = (gradient * size + new_first * ahead) / root
        return shrunk(parameter, self.weight_decay - coupled, rate) - change

    def _momentum(self, count: Tensor) -> Tensor:
        decay = call_function("power", 0.96, count * self.momentum_decay)
        return (1.0 - decay * 0.5) * self.betas[0]
