"""Averages of variables over the updates, which often predict better than the last values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.errors import GraphError
from dataflow.optim.checks import check_range
from dataflow.optim.gradients import Wanted, chosen
from dataflow.optim.updates import Rate, Updates, real_dtype
from dataflow.source import user_line
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.builder import GraphBuilder

__all__ = ["ExponentialMovingAverage"]


@dataclass(frozen=True)
class ExponentialMovingAverage:
    """Averages ``average = decay * average + (1 - decay) * w`` of updated variables [1]_.

    Each average is a variable of the graph, which starts from its variable's first value.

    Parameters
    ----------
    decay : float, Tensor or callable
        In [0, 1): a number, a scalar tensor, or a function of the number of averages taken, such as
        ``lambda n: np.minimum(0.999, (1 + n) / (10 + n))``.
    name : str
        What the names of the averages begin with.

    References
    ----------
    .. [1] B. T. Polyak, A. B. Juditsky, "Acceleration of Stochastic Approximation by Averaging",
       SIAM Journal on Control and Optimization 30, 1992.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array(4.0))
    >>> df.optim.SGD(0.25).minimize(w * w)
    >>> ema = df.optim.ExponentialMovingAverage(0.5)
    >>> averages = ema.track(b)
    >>> graph = b.build({"w": w})
    >>> runner = df.Runner(df.compile(graph))
    >>> _ = runner.run()
    >>> float(runner.state["w"]), float(runner.state["ema.w"])
    (2.0, 3.0)
    >>> predict = df.Runner(df.compile(graph, updates=False))
    >>> predict.load_state(ema.averaged(runner.state))
    ('ema.w',)
    >>> float(predict.run()["w"])
    3.0
    """

    decay: Rate = 0.999
    name: str = "ema"

    def __post_init__(self) -> None:
        if not callable(self.decay) and not isinstance(self.decay, Tensor):
            check_range("ExponentialMovingAverage", "decay", self.decay, 0.0, 1.0)

    def track(
        self, builder: GraphBuilder, variables: Wanted = None, *, when: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Declare the averages, after the updates of what they are of.

        Parameters
        ----------
        builder : GraphBuilder
            Whose variables they are.
        variables : Tensor, str, or sequence of them, optional
            Which, by themselves or by patterns of names; by default all that are updated and
            require a gradient.
        when : Tensor, optional
            A bool scalar: in which runs averages are taken. With gradients accumulated over runs,
            `accumulate` gives it.

        Returns
        -------
        dict of str to Tensor
            The averages, by the names of what they are of, as they are before the run.

        Raises
        ------
        GraphError
            A variable has no update, or there is none; or there is no builder.
        """
        if not hasattr(builder, "variables"):
            msg = (f"ExponentialMovingAverage.track ({user_line()}) takes the builder whose "
                   f"variables are averaged, not {builder!r}")  # fmt: skip
            raise GraphError(msg)
        updated = [v for v in builder.variables if builder.pending(v) is not v]
        trained = [v for v in updated if v.requires_grad]
        wanted = trained if variables is None else chosen("variables", variables, updated)
        for variable in wanted:
            if builder.pending(variable) is variable:
                msg = f"{variable.node!r} has no update to average: track it after minimize"
                raise GraphError(f"{self.name} ({user_line()}): {msg}")
        if not wanted:
            msg = f"{self.name} ({user_line()}): no variable is updated; track them after minimize"
            raise GraphError(msg)
        with builder.recording("update", rule=self.name):
            updates = Updates(builder, self.name, when)
            share = 1.0 - updates.rate(self.decay)
        return {v.node: self._average(updates, v, share) for v in wanted}

    def averaged(self, state: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the state's own type
        """Return a state with the averages in the place of what they are of.

        Parameters
        ----------
        state : State
            As a runner has it. The averages stay in it.

        Raises
        ------
        GraphError
            The state has no average of this name.
        """
        names = {key: f".{key}".partition(f".{self.name}.")[2] for key in state}
        averages = {name: state[key] for key, name in names.items() if name in state}
        if not averages:
            msg = f"{self.name} ({user_line()}): the state has no averages; it has {list(state)}"
            raise GraphError(msg)
        made: Any = type(state)
        return made({**state, **averages})

    def _average(self, updates: Updates, variable: Tensor, share: Any) -> Tensor:  # noqa: ANN401
        builder = updates.builder
        with builder.recording("update", variable.node, self.name):
            name = f"{self.name}.{variable.node}"
            first = builder.initial(variable)
            average: Tensor = builder.variable(name, first, requires_grad=False)
            change = builder.pending(variable) - average
            updates.commit(average, average + change * updates.cast(share, real_dtype(average)))
        return average
