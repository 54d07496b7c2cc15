"""RAdam: Adam that trusts its second moment only when it has seen enough."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.optim.betas import corrections
from dataflow.optim.checks import check_flag
from dataflow.optim.decay import decays, shrunk, with_weights
from dataflow.optim.moments import TwoMoments

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["RAdam"]


@dataclass(frozen=True)
class RAdam(TwoMoments):
    """Rectified Adam [1]_: ``torch.optim.RAdam``.

    In the first updates, as long as the second moment's variance can't be told, a step is the
    first moment; then it is Adam's, times a factor that grows to 1.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate; see `Optimizer`.
    betas, eps, weight_decay, decoupled_weight_decay
        See `Adam`.
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

    decoupled_weight_decay: bool = False
    name: str = field(default="radam", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
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
        coupled, apart = decays(self.weight_decay, decoupled=self.decoupled_weight_decay)
        gradient = with_weights(parameter, coupled)
        first, second = self._moments(parameter, gradient)
        change = first / (call_function("sqrt", second) * part + rest) * size
        return shrunk(parameter, apart, rate) - change
