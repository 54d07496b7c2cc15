"""Recurrent cells: one step of an RNN, LSTM or GRU.

Formulas and the order of gates are PyTorch's:

    RNN   h' = tanh(g + p)
    LSTM  i, f, c̃, o = split(g + p);  c' = σ(f) c + σ(i) tanh(c̃);  h' = σ(o) tanh(c')
    GRU   r, z, n = of g and p each;  h' = (1 - z) tanh(n_g + σ(r) n_p) + z h,  z = σ(z_g + z_p)

with g = x W_input + b_input and p = h W_state + b_state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from dataflow.calling import call_function
from dataflow.errors import ArgumentError, ShapeError
from dataflow.nn.declaring import Own, declaring
from dataflow.nn.dense import check_count, length_of
from dataflow.nn.initializers import uniform
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]

States = tuple["Tensor", ...]
Step = Callable[["Tensor", "Tensor", States], States]
"""From what a step reads, the product with the state, and the states to the next states."""


def rnn_step(nonlinearity: str, given: Tensor, product: Tensor, states: States) -> States:
    del states
    return (call_function(nonlinearity, given + product),)


def lstm_step(given: Tensor, product: Tensor, states: States) -> States:
    _, cell = states
    come, keep, new, out = _quarters(given + product, 4)
    cell = _gate(keep) * cell + _gate(come) * call_function("tanh", new)
    return _gate(out) * call_function("tanh", cell), cell


def gru_step(given: Tensor, product: Tensor, states: States) -> States:
    (state,) = states
    reset, update, new = _quarters(given, 3)
    of_reset, of_update, of_new = _quarters(product, 3)
    kept = _gate(update + of_update)
    fresh = call_function("tanh", new + _gate(reset + of_reset) * of_new)
    return (fresh + kept * (state - fresh),)


def _gate(x: Tensor) -> Tensor:
    return call_function("sigmoid", x)


def _quarters(x: Tensor, count: int) -> list[Tensor]:
    units = x.shape[-1] // count
    return [x[..., i * units : (i + 1) * units] for i in range(count)]


class Weights(NamedTuple):
    """The variables of one layer in one direction."""

    input_weight: Tensor
    state_weight: Tensor
    input_bias: Tensor | None
    state_bias: Tensor | None

    def of_input(self, x: Tensor) -> Tensor:
        return _affine(x, self.input_weight, self.input_bias)

    def of_state(self, h: Tensor) -> Tensor:
        return _affine(h, self.state_weight, self.state_bias)


def _affine(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product = call_function("matmul", x, weight)
    return product if bias is None else product + bias


def weights_of(own: Own, gates: int, units: int, inputs: int, *, use_bias: bool) -> Weights:
    """Return variables drawn between ± 1 / √units, as PyTorch's are."""
    draw = uniform(-(units**-0.5), units**-0.5)
    width = gates * units
    shapes = {"input_weight": (inputs, width), "state_weight": (units, width)}
    biases = {"input_bias": (width,), "state_bias": (width,)} if use_bias else {}
    made = {name: own.weight(name, draw, shape) for name, shape in {**shapes, **biases}.items()}
    return Weights(*(made.get(name) for name in Weights._fields))  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Cell:
    """One step of a recurrent layer.

    Parameters
    ----------
    units : int
        The length of the state.
    use_bias : bool
        Whether there are biases.
    name : str
        What the names of its variables begin with; the second layer of a name gets a number.
    """

    units: int
    use_bias: bool = True
    name: str = "cell"

    _gates: ClassVar[int] = 1
    _states: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_count(type(self).__name__, "units", self.units, 1)

    def _step(self) -> Step:
        raise NotImplementedError

    def _next(self, x: Tensor, states: Any) -> States:  # noqa: ANN401 - one tensor, or a pair
        kind = type(self).__name__
        builder, inputs = length_of(kind, x)
        with declaring(self, x) as own:
            weights = weights_of(own, self._gates, self.units, inputs, use_bias=self.use_bias)
            shape = (*x.shape[:-1], self.units)
            before = checked_states(kind, builder, states, [shape] * self._states, x)
            return self._step()(weights.of_input(x), weights.of_state(before[0]), before)


@dataclass(frozen=True)
class RNNCell(_Cell):
    """One step of an `RNN`.

    Parameters
    ----------
    units, use_bias, name
        As `RNN` has them.
    nonlinearity : str
        ``"tanh"`` or ``"relu"``.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((5, 3))
    >>> df.nn.RNNCell(4)(x).shape
    (5, 4)
    """

    name: str = "rnn_cell"
    nonlinearity: str = "tanh"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_nonlinearity("RNNCell", self.nonlinearity)

    def _step(self) -> Step:
        return partial(rnn_step, self.nonlinearity)

    def __call__(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        """Return the next state, of shape ``(..., units)``, from `x` and the state, zeros without.

        Raises
        ------
        ShapeError, DTypeError
            The state isn't like `x` with `units` as its last axis.
        """
        return self._next(x, state)[0]


@dataclass(frozen=True)
class GRUCell(_Cell):
    """One step of a `GRU`.

    Parameters
    ----------
    units, use_bias, name
        As `GRU` has them.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((5, 3))
    >>> df.nn.GRUCell(4)(x).shape
    (5, 4)
    """

    name: str = "gru_cell"

    _gates: ClassVar[int] = 3

    def _step(self) -> Step:
        return gru_step

    def __call__(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        """Return the next state; see `RNNCell`."""
        return self._next(x, state)[0]


@dataclass(frozen=True)
class LSTMCell(_Cell):
    """One step of an `LSTM`.

    Parameters
    ----------
    units, use_bias, name
        As `LSTM` has them.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((5, 3))
    >>> hidden, cell = df.nn.LSTMCell(4)(x)
    >>> hidden.shape, cell.shape
    ((5, 4), (5, 4))
    """

    name: str = "lstm_cell"

    _gates: ClassVar[int] = 4
    _states: ClassVar[int] = 2

    def _step(self) -> Step:
        return lstm_step

    def __call__(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the next state, hidden and cell; see `RNNCell`."""
        hidden, cell = self._next(x, state)
        return hidden, cell


def check_nonlinearity(kind: str, name: str) -> None:
    if name not in ("tanh", "relu"):
        msg = f"{kind} ({user_line()}): nonlinearity is 'tanh' or 'relu', not {name!r}"
        raise ArgumentError(msg)


def checked_states(
    kind: str, builder: Any, given: Any, shapes: list[tuple[Any, ...]], x: Tensor  # noqa: ANN401
) -> States:  # fmt: skip
    """Return states of these shapes: zeros, or those given."""
    if given is None:
        return tuple(builder.zeros(shape, x.dtype) for shape in shapes)
    states = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    wanted = [x.spec.with_shape(shape) for shape in shapes]
    if [getattr(state, "spec", None) for state in states] != wanted:
        found = ", ".join(str(getattr(state, "spec", state)) for state in states)
        msg = (f"{kind} ({user_line()}) of {x.node!r}, {x.spec}: the state is {found}, not "
               f"{', '.join(map(str, wanted))}")  # fmt: skip
        raise ShapeError(msg)
    return states
