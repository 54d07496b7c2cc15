"""Recurrent layers: RNN, LSTM and GRU over the steps of a sequence.

What a step reads of the sequence doesn't depend on the state, so it is one product for all steps,
outside the loop; a step multiplies the state alone. See `dataflow.nn.cells` for the formulas.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from dataflow.calling import call_function
from dataflow.errors import ShapeError
from dataflow.nn.cells import (
    States,
    Step,
    check_nonlinearity,
    checked_states,
    gru_step,
    lstm_step,
    rnn_step,
    weights_of,
)
from dataflow.nn.declaring import Own, declaring
from dataflow.nn.dense import check_count, length_of
from dataflow.nn.dropping import Dropout
from dataflow.ops.nn.dropping import check_rate
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN"]


@dataclass(frozen=True)
class _Recurrent:
    """What the recurrent layers have in common: layers on layers, in one direction or both."""

    units: int
    num_layers: int = 1
    use_bias: bool = True
    batch_first: bool = True
    dropout: float = 0.0
    bidirectional: bool = False
    name: str = "recurrent"
    unroll: int = 1
    training: bool | Tensor | None = field(default=None, compare=False)

    _gates: ClassVar[int] = 1
    _states: ClassVar[int] = 1

    def __post_init__(self) -> None:
        kind = type(self).__name__
        check_count(kind, "units", self.units, 1)
        check_count(kind, "num_layers", self.num_layers, 1)
        check_rate(kind, self.dropout)

    def _step(self) -> Step:
        raise NotImplementedError

    @property
    def _directions(self) -> tuple[str, ...]:
        return ("forward", "backward") if self.bidirectional else ("forward",)

    def _run(self, x: Tensor, state: Any) -> tuple[Tensor, States]:  # noqa: ANN401 - a tensor or two
        kind = type(self).__name__
        builder, _ = length_of(kind, x)
        if x.ndim < 2:
            msg = f"{kind} ({user_line()}) of {x.node!r}, {x.spec}: there is no axis of steps"
            raise ShapeError(msg)
        is_swapped = self.batch_first and x.ndim > 2
        rows = call_function("moveaxis", x, 1, 0) if is_swapped else x
        count = self.num_layers * len(self._directions)
        shape = (count, *rows.shape[1:-1], self.units)
        first = checked_states(kind, builder, state, [shape] * self._states, x)
        with declaring(self, x) as own:
            rows, last = self._layers(own, rows, first)
        states = tuple(call_function("stack", list(parts)) for parts in zip(*last, strict=True))
        return (call_function("moveaxis", rows, 0, 1) if is_swapped else rows), states

    def _layers(self, own: Own, rows: Tensor, first: States) -> tuple[Tensor, list[States]]:
        """Return the last layer's rows, and every layer's last states in each direction."""
        last: list[States] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                drop = own.kept(f"dropout{layer}", partial(Dropout, self.dropout))
                rows = drop(rows, self.training)
            made = []
            for direction in self._directions:
                key = f"{layer}.{direction}" if self.bidirectional else str(layer)
                make = partial(_Direction, self._gates, self._step(), self, key)
                inner = own.kept(key, make)
                states = tuple(tensor[len(last)] for tensor in first)
                ends, results = inner.run(rows, states, reverse=direction == "backward")
                last.append(ends)
                made.append(results)
            rows = call_function("concat", made, axis=-1) if len(made) > 1 else made[0]
        return rows, last


@dataclass(frozen=True, eq=False)
class _Direction:
    """One layer of a recurrent one in one direction."""

    gates: int
    step: Step
    whole: _Recurrent
    name: str

    def run(self, rows: Tensor, states: States, *, reverse: bool) -> tuple[States, Tensor]:
        """Return the last states, and the state after each step."""
        whole, (_, inputs) = self.whole, length_of(type(self.whole).__name__, rows)
        with declaring(self, rows) as own:
            weights = weights_of(own, self.gates, whole.units, inputs, use_bias=whole.use_bias)

            def run(before: States, given: Tensor) -> tuple[States, Tensor]:
                after = self.step(given, weights.of_state(before[0]), before)
                return after, after[0]

            made: Any = call_function(
                "scan", run, states, weights.of_input(rows), reverse=reverse, unroll=whole.unroll
            )
        last, results = made
        return last, results


@dataclass(frozen=True)
class RNN(_Recurrent):
    """Recurrent layers ``h' = tanh(x W + b + h U + c)`` over the steps of a sequence.

    Parameters
    ----------
    units : int
        The length of the state.
    num_layers : int
        How many layers there are; each reads the states of the one before.
    use_bias : bool
        Whether there are biases.
    batch_first : bool
        Whether sequences are ``(batch, steps, ...)``, else ``(steps, batch, ...)``.
    dropout : float
        The probability that an element between two layers is dropped in training; see `Dropout`.
    bidirectional : bool
        Whether each layer also runs from the last step to the first; the results stand side by
        side.
    name : str
        What the names of its variables begin with; the second layer of a name gets a number.
    unroll : int
        See `dataflow.scan`.
    training : bool or scalar tensor of bool, optional
        Whether anything is dropped; see `Dropout`.
    nonlinearity : str
        ``"tanh"`` or ``"relu"``.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", shape=("batch", 10, 3))
    >>> rows, state = df.nn.RNN(4)(x)
    >>> rows.shape, state.shape
    ((Dim('batch'), 10, 4), (1, Dim('batch'), 4))
    >>> [v.node for v in b.variables]
    ['rnn.0.input_weight', 'rnn.0.state_weight', 'rnn.0.input_bias', 'rnn.0.state_bias']
    """

    name: str = "rnn"
    nonlinearity: str = "tanh"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_nonlinearity("RNN", self.nonlinearity)

    def _step(self) -> Step:
        return partial(rnn_step, self.nonlinearity)

    def __call__(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Declare the layers on sequences.

        Parameters
        ----------
        x : Tensor
            Floating point, ``(batch, steps, inputs)``, or ``(steps, inputs)`` of one sequence.
        state : Tensor, optional
            The states before the first step, ``(layers, batch, units)`` with the directions of a
            layer one after the other; by default zeros.

        Returns
        -------
        rows : Tensor
            The last layer's state after each step, ``(batch, steps, directions * units)``.
        state : Tensor
            All layers' last states, like the first.

        Raises
        ------
        ShapeError, DTypeError
            `x` has no axis of steps, or a state isn't of the shape or dtype that it should be.
        """
        rows, (last,) = self._run(x, state)
        return rows, last


@dataclass(frozen=True)
class GRU(_Recurrent):
    """Gated recurrent units over the steps of a sequence, in PyTorch's form.

    Parameters
    ----------
    units, num_layers, use_bias, batch_first, dropout, bidirectional, name, unroll, training
        As `RNN` has them. Of each weight, the columns of the reset gate come first, then those of
        the update gate, then those of the new state.

    References
    ----------
    Cho and others, "Learning phrase representations using RNN encoder-decoder", EMNLP 2014.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((5, 10, 3))
    >>> rows, state = df.nn.GRU(4, bidirectional=True)(x)
    >>> rows.shape, state.shape
    ((5, 10, 8), (2, 5, 4))
    """

    name: str = "gru"

    _gates: ClassVar[int] = 3

    def _step(self) -> Step:
        return gru_step

    def __call__(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Declare the layers on sequences; see `RNN`."""
        rows, (last,) = self._run(x, state)
        return rows, last


@dataclass(frozen=True)
class LSTM(_Recurrent):
    """Long short-term memory over the steps of a sequence.

    Parameters
    ----------
    units, num_layers, use_bias, batch_first, dropout, bidirectional, name, unroll, training
        As `RNN` has them. Of each weight, the columns of the input gate come first, then those of
        the forget gate, of the new cell, and of the output gate.

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997).

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((5, 10, 3))
    >>> rows, (hidden, cell) = df.nn.LSTM(4, num_layers=2)(x)
    >>> rows.shape, hidden.shape, cell.shape
    ((5, 10, 4), (2, 5, 4), (2, 5, 4))
    """

    name: str = "lstm"

    _gates: ClassVar[int] = 4
    _states: ClassVar[int] = 2

    def _step(self) -> Step:
        return lstm_step

    def __call__(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Declare the layers on sequences; see `RNN`. States are pairs of hidden state and cell."""
        rows, (hidden, cell) = self._run(x, state)
        return rows, (hidden, cell)
