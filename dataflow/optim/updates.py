"""What the updates of one optimiser share, and what its rule sees of one variable.

All that training goes on from is a variable: the step counter, and the moments of each variable.
What all variables share (rates, bias corrections) is computed once, in float64 scalars, and cast
where it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dataflow.calling import call_function
from dataflow.errors import ArgumentError, GraphError
from dataflow.optim.checks import check_range
from dataflow.source import user_line
from dataflow.spec import is_bfloat16
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.dims import Dim

__all__ = ["Parameter", "Rate", "Scalar", "Updates", "real_dtype"]

Scalar: TypeAlias = "float | Tensor"
"""A number known while the graph is declared, or a float64 scalar."""

Rate: TypeAlias = "float | Tensor | Callable[[Any], Any]"
"""A learning rate: a number, a scalar tensor, or a schedule, a function of the updates done."""


class Updates:
    """What one call of `Optimizer.apply` declares for all variables together.

    Parameters
    ----------
    builder : GraphBuilder
        Where it is declared.
    name : str
        What the names of its variables begin with.
    when : Tensor, optional
        A bool scalar: whether anything changes in a run. By default everything does.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> updates = df.optim.Updates(b, "mine")
    >>> w = b.variable("w", np.array(3.0))
    >>> updates.commit(w, w - updates.rate(lambda n: 1.0 / (n + 1.0)))
    >>> runner = df.Runner(df.compile(b.build()))
    >>> for _ in range(2):
    ...     _ = runner.run()
    >>> {name: value.item() for name, value in runner.state.items()}
    {'w': 1.5, 'mine.step': 2}
    """

    def __init__(self, builder: Any, name: str, when: Tensor | None = None) -> None:  # noqa: ANN401
        if when is not None and not _is_flag(when):
            msg = f"{name} ({user_line()}): when is a bool scalar, a tensor, not {when!r}"
            raise ArgumentError(msg)
        self.builder = builder
        self.name = name
        self.when = when
        self._casts: dict[tuple[Tensor, np.dtype[Any]], Tensor] = {}
        self._kinds: dict[str, int] = {}

    @cached_property
    def steps(self) -> Tensor:
        """The number of updates before this one: an int64 scalar, kept in the state."""
        steps: Tensor = self.builder.variable(f"{self.name}.step", np.zeros((), np.int64))
        self.commit(steps, steps + 1)
        return steps

    @cached_property
    def count(self) -> Tensor:
        """The number of this update, 1 at the first, in float64."""
        return (self.steps + 1).astype(np.float64)

    def rate(self, lr: Rate) -> Scalar:
        """Return a learning rate as a number or a float64 scalar, a schedule's at this update."""
        made = lr if isinstance(lr, Tensor) or not callable(lr) else self._scheduled(lr)
        if not isinstance(made, Tensor):
            return float(made)
        if made.builder is not self.builder or made.shape != () or made.dtype.kind != "f":
            msg = (f"{self.name} ({user_line()}): the learning rate is a real scalar of the same "
                   f"graph, not {made.node!r}, {made.spec}")  # fmt: skip
            raise GraphError(msg)
        return self.cast(made, np.dtype(np.float64))

    def _scheduled(self, schedule: Callable[[Any], Any]) -> Scalar:
        made: object = schedule(self.steps.astype(np.float64))
        if isinstance(made, Tensor):
            return made
        return check_range(self.name, "what the schedule gives", made, 0.0)

    def cast(self, scalar: Scalar, dtype: np.dtype[Any]) -> Scalar:
        """Return a scalar in a dtype; a number takes the one that it meets."""
        if not isinstance(scalar, Tensor) or scalar.dtype == dtype:
            return scalar
        if (scalar, dtype) not in self._casts:
            self._casts[scalar, dtype] = scalar.astype(dtype)
        return self._casts[scalar, dtype]

    def commit(self, variable: Tensor, value: Tensor) -> None:
        """Set what a variable becomes, in the runs in which anything changes."""
        if self.when is not None:
            value = call_function("where", self.when, value, variable)
        self.builder.update(variable, value)

    def scalar(self, kind: str, first: float) -> Tensor:
        """Declare a float64 scalar that the variables of one group share; the next has a number."""
        number = self._kinds.get(kind, 0)
        self._kinds[kind] = number + 1
        name = f"{self.name}.{kind}_{number}" if number else f"{self.name}.{kind}"
        start = np.array(first, np.float64)
        made: Tensor = self.builder.variable(name, start, requires_grad=False)
        return made


class Parameter:
    """A variable and its gradient, as the rule of an optimiser sees them.

    A complex variable is seen as two real numbers an element, along a new last axis, as PyTorch's
    optimisers see it; one of float16 or bfloat16 is seen in float32, where squares have room.

    Parameters
    ----------
    updates : Updates
        What is declared for all variables together.
    variable : Tensor
        The variable.
    gradient : Tensor
        Its gradient, of the same shape and dtype.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0, -2.0], np.float16))
    >>> updates = df.optim.Updates(b, "mine")
    >>> parameter = df.optim.Parameter(updates, w, w * 2.0)
    >>> sum_ = parameter.moment("sum")
    >>> added = parameter.commit(sum_, sum_ + parameter.gradient)
    >>> parameter.become(parameter.value - added * 0.5)
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> runner.state["w"], runner.state["mine.sum.w"]
    (array([0., 0.], dtype=float16), array([ 6., -4.], dtype=float32))
    """

    def __init__(self, updates: Updates, variable: Tensor, gradient: Tensor) -> None:
        self._updates = updates
        self._variable = variable
        self.value = _as_computed(variable)
        self.gradient = _as_computed(gradient)

    @property
    def is_complex(self) -> bool:
        """Whether the variable is of complex numbers."""
        return self.dtype.kind == "c"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The variable's own dtype, which may be narrower than that of `value`."""
        return self._variable.dtype

    def cast(self, scalar: Scalar) -> Scalar:
        """Return a scalar in the dtype of the values; a number as it is."""
        return self._updates.cast(scalar, self.value.dtype)

    def moment(
        self, kind: str, *, first: float = 0.0, shape: Sequence[int | Dim] | None = None
    ) -> Tensor:
        """Declare a variable that is kept from run to run, of the values' shape and dtype.

        Parameters
        ----------
        kind : str
            The middle of its name: ``adam.first.w``.
        first : float
            What it is filled with before the first run.
        shape : sequence of int or Dim, optional
            Its shape, if not the values'.
        """
        builder = self._updates.builder
        full = builder.full(self.value.shape if shape is None else shape, first, self.value.dtype)
        name = f"{self._updates.name}.{kind}.{self._variable.node}"
        made: Tensor = builder.variable(name, full, requires_grad=False)
        return made

    def commit(self, moment: Tensor, value: Tensor) -> Tensor:
        """Set what a moment becomes, and return that."""
        self._updates.commit(moment, value)
        return value

    def become(self, value: Tensor) -> None:
        """Set what the variable becomes."""
        if self.is_complex:
            value = call_function("complex", value[..., 0], value[..., 1])
        elif _is_narrow(self.dtype):
            value = value.astype(self.dtype)
        self._updates.commit(self._variable, value)


def real_dtype(tensor: Tensor) -> np.dtype[Any]:
    """Return the dtype of a tensor's elements, of complex ones' parts."""
    return tensor.dtype if tensor.dtype.kind != "c" else np.empty(0, tensor.dtype).real.dtype


def _is_flag(value: object) -> bool:
    return isinstance(value, Tensor) and value.shape == () and value.dtype.kind == "b"


def _is_narrow(dtype: np.dtype[Any]) -> bool:
    return dtype == np.float16 or is_bfloat16(dtype)


def _as_computed(tensor: Tensor) -> Tensor:
    """Return a tensor as rules compute with it: in pairs of reals, and in float32 at least."""
    if _is_narrow(tensor.dtype):
        return tensor.astype(np.float32)
    if tensor.dtype.kind != "c":
        return tensor
    parts = (call_function("real", tensor), call_function("imag", tensor))
    return call_function("stack", parts, -1)
