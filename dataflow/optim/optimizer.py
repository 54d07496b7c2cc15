"""`Optimizer`: from a loss to the updates of variables, in pieces that can be used by themselves.

    loss --gradients--> pairs --(clip, accumulate)--> pairs --apply--> updates

An optimiser is a frozen record of numbers. It declares nodes and variables, and holds none: one
record may train several graphs. What differs from one to the next is its rule: `Optimizer.rates`,
scalars computed once, and `Optimizer.step`, what one variable becomes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from dataflow.errors import ArgumentError
from dataflow.optim.accumulation import accumulate
from dataflow.optim.checks import check_count, check_flag, check_range
from dataflow.optim.gradients import Wanted, check_pairs, gradients_of
from dataflow.optim.groups import groups_of
from dataflow.optim.updates import Parameter, Updates
from dataflow.source import user_line
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.optim.gradients import Pair
    from dataflow.optim.updates import Rate, Scalar

__all__ = ["Optimizer"]


@dataclass(frozen=True)
class Optimizer(ABC):
    """What all optimisers have in common; a rule of your own derives from it.

    Parameters have PyTorch's names and meaning.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate: a number, a scalar tensor (an input, to feed it at every run), or a
        schedule: a function of the number of updates done, such as `cosine` makes.
    maximize : bool
        Whether to climb instead of descending.
    groups : mapping of str to mapping
        Settings of their own for variables whose names match a pattern, as
        ``{"*.bias": {"weight_decay": 0}}``; of several patterns the later counts.
    name : str
        What the names of its variables begin with; two optimisers in one graph need two.

    Notes
    -----
    A variable of float16 or bfloat16 is updated in float32, and its moments are kept in that: the
    squares of gradients, added up, would soon leave its own range. The variable keeps its dtype.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> class SignDescent(df.optim.Optimizer):
    ...     def rates(self, updates):
    ...         return (updates.rate(self.lr),)
    ...     def step(self, parameter, rates):
    ...         return parameter.value - np.sign(parameter.gradient) * rates[0]
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0, -2.0]))
    >>> SignDescent(0.5).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> runner.state["w"]
    array([ 2.5, -1.5])
    """

    lr: Rate = 1e-3
    maximize: bool = field(default=False, kw_only=True)
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, kw_only=True)
    name: str = field(default="optimizer", kw_only=True)

    def __post_init__(self) -> None:
        if not callable(self.lr) and not isinstance(self.lr, Tensor):
            check_range(self._kind, "lr", self.lr, 0.0)
        check_flag(self._kind, "maximize", self.maximize)
        if not isinstance(self.groups, Mapping):
            msg = f"{self._kind} ({user_line()}): groups map patterns to settings: {self.groups!r}"
            raise ArgumentError(msg)
        for pattern, settings in self.groups.items():
            self._check_group(pattern, settings)
            self._with(settings)  # refuses values out of range

    @abstractmethod
    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Declare what all variables of a group share, as numbers or float64 scalars."""

    @abstractmethod
    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Declare the moments of a variable, and return what it becomes.

        Parameters
        ----------
        parameter : Parameter
            The variable and its gradient.
        rates : tuple of float or Tensor
            What `rates` returned, cast to the variable's dtype.
        """

    def minimize(
        self, loss: Tensor, variables: Wanted = None, *, freeze: Wanted = None, every: int = 1,
        transform: Callable[[list[Pair]], Sequence[tuple[Tensor, Tensor | None]]] | None = None,
    ) -> None:  # fmt: skip
        """Declare the reverse sweep from a loss, and the updates that lower it.

        Parameters
        ----------
        loss : Tensor
            A floating-point scalar.
        variables : Tensor, str, or sequence of them, optional
            What to update, by itself or by a pattern of names; by default every variable with
            ``requires_grad`` that the loss depends on.
        freeze : Tensor, str, or sequence of them, optional
            What not to update. No gradient is computed for it.
        every : int
            After how many runs variables are updated once, with the mean of the runs' gradients;
            see `accumulate`.
        transform : callable, optional
            What to do to the list of variables and gradients in between, such as
            ``lambda pairs: df.optim.clip_by_global_norm(pairs, 1.0)``; of means, with `every`.

        Raises
        ------
        GradientError
            The loss is no scalar, depends on no variable, or not on one of `variables`.
        GraphError
            A pattern matches nothing, a variable has an update already, or the names of this
            optimiser's are taken.
        """
        check_count(self._kind, "every", every)
        if transform is not None and not callable(transform):
            msg = f"{self._kind} ({user_line()}): transform is a function, not {transform!r}"
            raise ArgumentError(msg)
        pairs, due = self.gradients(loss, variables, freeze=freeze), None
        if every > 1:
            pairs, due = accumulate(pairs, every, name=f"{self.name}.accumulated")
        self.apply(pairs if transform is None else transform(pairs), when=due)

    def gradients(
        self, loss: Tensor, variables: Wanted = None, *, freeze: Wanted = None
    ) -> list[Pair]:
        """Declare the reverse sweep from a loss, and return variables with their gradients.

        See `minimize` for the parameters and errors.
        """
        return gradients_of(loss, variables, freeze)

    def apply(
        self, pairs: Sequence[tuple[Tensor, Tensor | None]], *, when: Tensor | None = None
    ) -> None:
        """Declare the updates of variables by given gradients.

        Parameters
        ----------
        pairs : sequence of tuple of Tensor
            Variables, each with a gradient of its shape and dtype. Where the gradient is None the
            variable keeps its value.
        when : Tensor, optional
            A bool scalar. In a run where it is False nothing changes: no variable, no moment, and
            not the step counter.

        Raises
        ------
        GraphError
            A gradient doesn't fit, `when` is no bool scalar, a group's pattern matches nothing, a
            variable has an update already, or the names of this optimiser's are taken.
        """
        checked = check_pairs(self._kind, pairs)
        builder: Any = checked[0][0].builder
        matches = groups_of(self._kind, self.groups, [v.node for v, _ in checked])
        with builder.recording("update", rule=self.name):
            updates = Updates(builder, self.name, when)
            rules = {group: self._of_group(group) for group in dict.fromkeys(matches.values())}
            rates = {group: rule.rates(updates) for group, rule in rules.items()}
        for variable, gradient in checked:
            group = matches[variable.node]
            with builder.recording("update", variable.node, self.name):
                downhill = -gradient if rules[group].maximize else gradient
                parameter = Parameter(updates, variable, downhill)
                cast = tuple(parameter.cast(rate) for rate in rates[group])
                parameter.become(rules[group].step(parameter, cast))

    @property
    def _kind(self) -> str:
        return type(self).__name__

    def _of_group(self, patterns: Sequence[str]) -> Self:
        """Return this optimiser with the settings of the patterns, the later before the earlier."""
        settings: dict[str, Any] = {}
        for pattern in patterns:
            settings |= self.groups[pattern]
        return self._with(settings)

    def _with(self, settings: Mapping[str, Any]) -> Self:
        """Return this optimiser with other settings; not by `replace`, to keep the user's line."""
        if not settings:
            return self
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        return type(self)(**{**own, "groups": {}, **settings})

    def _check_group(self, pattern: object, settings: object) -> None:
        if not isinstance(settings, Mapping):
            msg = f"{self._kind} ({user_line()}): group {pattern!r} has settings, not {settings!r}"
            raise ArgumentError(msg)
        known = [f.name for f in fields(self) if f.name not in ("groups", "name")]
        unknown = [str(key) for key in settings if key not in known]
        if unknown:
            msg = (f"{self._kind} ({user_line()}): group {pattern!r} sets {', '.join(unknown)}; "
                   f"what can be set is {', '.join(known)}")  # fmt: skip
            raise ArgumentError(msg)
