"""Adafactor: second moments of matrices kept as a row and a column."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.errors import ArgumentError, DTypeError
from dataflow.ops.promotion import finfo
from dataflow.optim.checks import check_range, is_number
from dataflow.optim.decay import shrunk
from dataflow.optim.optimizer import Optimizer
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Rate, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["Adafactor"]


@dataclass(frozen=True)
class Adafactor(Optimizer):
    """Adafactor [1]_, with little memory for moments: ``torch.optim.Adafactor``.

    The second moment of a variable with two axes or more is kept as means along each of the last
    two; a matrix of n rows and m columns has n + m numbers instead of n * m, and no first moment.
    Steps are in proportion to the root mean square of the variable.

    Parameters
    ----------
    lr : float, Tensor or callable
        The largest relative step; see `Optimizer`. It is no more than ``1 / sqrt(t)`` at update t.
    beta2_decay : float
        At update t the second moment takes in ``t**beta2_decay`` of the square; at most 0.
    eps : tuple of float or None
        The least root mean square of a gradient (by default the dtype's smallest relative step)
        and of a variable.
    d : float
        The largest root mean square of a step before it is scaled, positive.
    weight_decay : float
        How fast weights decay beside the gradient.
    maximize, groups, name
        See `Optimizer`.

    References
    ----------
    .. [1] N. Shazeer, M. Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost",
       ICML 2018, algorithms 4 and 5.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([[3.0, 4.0]]))
    >>> df.optim.Adafactor(0.1).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 4)
    array([[2.6464, 3.6464]])
    """

    lr: Rate = 1e-2
    beta2_decay: float = -0.8
    eps: tuple[float | None, float] = (None, 1e-3)
    d: float = 1.0
    weight_decay: float = 0.0
    name: str = field(default="adafactor", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_number(self.beta2_decay) or not -math.inf < self.beta2_decay <= 0:
            msg = (f"Adafactor ({user_line()}): beta2_decay must lie in (-inf, 0.0], "
                   f"not {self.beta2_decay!r}")  # fmt: skip
            raise ArgumentError(msg)
        if not isinstance(self.eps, (tuple, list)) or len(self.eps) != 2:
            msg = f"Adafactor ({user_line()}): eps are two numbers, not {self.eps!r}"
            raise ArgumentError(msg)
        for eps in self.eps if self.eps[0] is not None else self.eps[1:]:
            check_range("Adafactor", "eps", eps, 0.0)
        check_range("Adafactor", "d", self.d, 1e-12)
        check_range("Adafactor", "weight_decay", self.weight_decay, 0.0)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the learning rate, the largest step, and what is taken in of a square."""
        rate = updates.rate(self.lr)
        largest = call_function("minimum", 1.0 / call_function("sqrt", updates.count), rate)
        return rate, largest, call_function("power", updates.count, float(self.beta2_decay))

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - size * gradient / sqrt(second)``, less where that is too long."""
        if parameter.is_complex:
            msg = f"Adafactor ({user_line()}): a complex variable has no rows and columns to keep"
            raise DTypeError(msg)
        rate, largest, taken = rates
        least = self.eps[0]
        if least is None:
            least = float(finfo(parameter.dtype).eps)
        second = self._second(parameter, taken, least)
        root = call_function("sqrt", call_function("maximum", second, least * least))
        change = parameter.gradient / root
        length = call_function("maximum", _rms(change) / self.d, 1.0)
        size = call_function("maximum", _rms(parameter.value), self.eps[1]) * largest / length
        return shrunk(parameter, self.weight_decay, rate) - change * size

    def _second(self, parameter: Parameter, taken: Scalar, least: float) -> Tensor:
        """Return the mean square of the gradient: of a matrix, from its rows' and columns'."""
        square = parameter.gradient * parameter.gradient
        shape = parameter.value.shape
        if len(shape) < 2:
            return _moved(parameter, parameter.moment("second"), square, taken)
        rows = parameter.moment("rows", shape=(*shape[:-1], 1))
        columns = parameter.moment("columns", shape=(*shape[:-2], 1, shape[-1]))
        new_rows = _moved(parameter, rows, square.mean(-1, keepdims=True), taken)
        new_columns = _moved(parameter, columns, square.mean(-2, keepdims=True), taken)
        whole = call_function("maximum", new_rows.mean(-2, keepdims=True), least)
        return new_rows / whole * new_columns


def _moved(parameter: Parameter, moment: Tensor, value: Tensor, taken: Scalar) -> Tensor:
    """Let a moment take in some of a value."""
    return parameter.commit(moment, moment + (value - moment) * taken)


def _rms(tensor: Tensor) -> Tensor:
    """Return the root mean square of all elements."""
    return call_function("sqrt", (tensor * tensor).mean())
