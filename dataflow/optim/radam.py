"""RAdam: Adam that trusts its second moment only when it has seen enough."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.optim.betas import check_betas, corrections
from dataflow.optim.checks import check_flag, check_range
from dataflow.optim.decay import shrunk, with_weights
from dataflow.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["RAdam"]


@dataclass(frozen=True)
class RAdam(Optimizer):
    """Rectified Adam [1]_: ``torch.optim.RAdam``.

    In the first updates, as long as the second moment's variance can't be told, a step is the
    first moment; then it is Adam's, times a factor that grows to 1.

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
    decoupled_weight_decay : bool
        Whether weights decay beside the gradient, as in `AdamW`.
    maximize, groups, name
        See `Optimizer`.

    Notes
    -----
    Moments in the state are as in `Adam`.

    References
    ----------
    .. [1] L. Liu and others, "On the Variance of the Adaptive Learning Rate and Beyond", ICLR 2020,
       algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.RAdam(0.25).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> runner.state["w"]
    array([1.5])
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    decoupled_weight_decay: bool = False
    name: str = field(default="radam", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_betas("RAdam", self.betas)
        check_range("RAdam", "eps", self.eps, 0.0)
        check_range("RAdam", "weight_decay", self.weight_decay, 0.0)
        check_flag("RAdam", "decoupled_weight_decay", self.decoupled_weight_decay)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the step's size, what the denominator has of the root, and besides; the rate."""
        beta1, beta2 = self.betas
        rate = updates.rate(self.lr)
        bias = corrections(updates, self.betas)
        most = 2.0 / (1.0 - beta2) - 1.0
        seen = most - updates.count * 2.0 * (1.0 - bias[1]) / bias[1]
        is_enough = seen > 5.0
        # Where it isn't enough, the factor isn't used; the maximum keeps its root from being NaN.
        safe = call_function("maximum", seen, 5.0)
        factor = (safe - 4.0) * (safe - 2.0) * most / (safe * ((most - 4.0) * (most - 2.0)))
        rectified = call_function("sqrt", factor * bias[1])
        one, eps = (updates.builder.constant(x, dtype="float64") for x in (1.0, self.eps))
        size = call_function("where", is_enough, rectified, one) * rate * (1.0 - beta1) / bias[0]
        part = is_enough.astype("float64") * math.sqrt(1.0 - beta2)
        return size, part, call_function("where", is_enough, eps, one), rate

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - size * first / (part * sqrt(second) + rest)``, where part may be 0."""
        size, part, rest, rate = rates
        coupled = 0.0 if self.decoupled_weight_decay else self.weight_decay
        gradient = with_weights(parameter, coupled)
        first, second = parameter.moment("first"), parameter.moment("second")
        new_first = parameter.commit(first, first * self.betas[0] + gradient)
        new_second = parameter.commit(second, second * self.betas[1] + gradient * gradient)
        change = new_first / (call_function("sqrt", new_second) * part + rest) * size
        return shrunk(parameter, self.weight_decay - coupled, rate) - change
