"""Recurrent layers: formulas, names, states, directions; and PyTorch's numbers with its weights."""

from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(4)
X = RNG.normal(size=(2, 5, 3))  # batch, steps, inputs
UNITS = 4
LAYERS = {"RNN": df.nn.RNN, "GRU": df.nn.GRU, "LSTM": df.nn.LSTM}
CELLS = {"RNN": df.nn.RNNCell, "GRU": df.nn.GRUCell, "LSTM": df.nn.LSTMCell}


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return the logistic function."""
    return np.asarray(1 / (1 + np.exp(-x)))


def stepped(kind: str, g: np.ndarray, p: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    """Return the next state in plain NumPy."""
    if kind == "RNN":
        return [np.tanh(g + p)]
    if kind == "LSTM":
        i, f, c, o = np.split(g + p, 4, axis=-1)
        cell = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(c)
        return [sigmoid(o) * np.tanh(cell), cell]
    (gr, gz, gn), (pr, pz, pn) = np.split(g, 3, axis=-1), np.split(p, 3, axis=-1)
    z = sigmoid(gz + pz)
    return [(1 - z) * np.tanh(gn + sigmoid(gr + pr) * pn) + z * state[0]]


def weights(b: df.GraphBuilder) -> list[np.ndarray]:
    """Return the first values of a builder's variables."""
    return [np.asarray(df.evaluate(v)) for v in b.variables]


@pytest.mark.parametrize("kind", LAYERS)
def test_layer_is_its_formula(kind: str) -> None:
    """Rows and last states are the recurrence of the layer's own variables, in NumPy."""
    b = df.GraphBuilder()
    rows, last = LAYERS[kind](UNITS)(b.constant(X))
    wi, wh, bi, bh = weights(b)
    state = [np.zeros((2, UNITS))] * (2 if kind == "LSTM" else 1)
    expected = []
    for t in range(5):
        state = stepped(kind, X[:, t] @ wi + bi, state[0] @ wh + bh, state)
        expected.append(state[0])
    found = last if isinstance(last, tuple) else (last,)
    np.testing.assert_allclose(df.evaluate(rows), np.stack(expected, axis=1), rtol=1e-12)
    for actual, right in zip(found, state, strict=True):
        np.testing.assert_allclose(df.evaluate(actual)[0], right, rtol=1e-12)


@pytest.mark.parametrize("kind", CELLS)
def test_cell_is_one_step(kind: str) -> None:
    """A cell from a given state is the formula's step, and zeros stand for no state."""
    b = df.GraphBuilder()
    x = b.constant(X[:, 0])
    state = [b.constant(RNG.normal(size=(2, UNITS))) for _ in range(2 if kind == "LSTM" else 1)]
    cell = CELLS[kind](UNITS)
    made = cell(x, tuple(state) if kind == "LSTM" else state[0])
    zero = cell(x)
    wi, wh, bi, bh = weights(b)
    before = [np.asarray(df.evaluate(s)) for s in state]
    for given, found in ((before, made), ([0 * s for s in before], zero)):
        right = stepped(kind, X[:, 0] @ wi + bi, given[0] @ wh + bh, given)
        for actual, expected in zip(
            found if isinstance(found, tuple) else (found,), right, strict=True
        ):
            np.testing.assert_allclose(df.evaluate(actual), expected, rtol=1e-12)


def test_axes_directions_and_depth() -> None:
    """Sequences may be steps first, alone, of a named batch; layers and directions have states."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", "steps", 3), "float64")
    layer = df.nn.GRU(UNITS, num_layers=2, bidirectional=True)
    rows, last = layer(x)
    assert [str(rows.spec), str(last.spec)] == [
        "float64[batch, steps, 8]", "float64[4, batch, 4]"
    ]  # fmt: skip
    assert [v.node for v in b.variables][::4] == [
        "gru.0.forward.input_weight", "gru.0.backward.input_weight",
        "gru.1.forward.input_weight", "gru.1.backward.input_weight",
    ]  # fmt: skip
    found = df.evaluate(rows, x=X)
    alone, _ = layer(b.constant(X[0]))
    np.testing.assert_allclose(df.evaluate(alone), found[0], rtol=1e-12)
    c = df.GraphBuilder()
    swapped, _ = df.nn.GRU(UNITS, num_layers=2, bidirectional=True, batch_first=False)(
        c.constant(X.swapaxes(0, 1))
    )
    np.testing.assert_allclose(df.evaluate(swapped).swapaxes(0, 1), found, rtol=1e-12)


def test_backward_direction_reads_from_the_end() -> None:
    """The second half of a bidirectional layer is a layer over the reversed sequence."""
    b = df.GraphBuilder()
    rows, _ = df.nn.RNN(UNITS, bidirectional=True)(b.constant(X))
    wi, wh, bi, bh = weights(b)[4:]
    state, expected = np.zeros((2, UNITS)), []
    for t in reversed(range(5)):
        state = np.tanh(X[:, t] @ wi + bi + state @ wh + bh)
        expected.append(state)
    np.testing.assert_allclose(
        df.evaluate(rows)[..., UNITS:], np.stack(expected[::-1], axis=1), rtol=1e-12
    )


def test_layer_trains_and_drops_between_layers() -> None:
    """A plan that trains drops between layers, one that predicts doesn't, and the loss falls."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 5, 3))
    rows, _ = df.nn.LSTM(8, num_layers=2, dropout=0.2)(x)
    loss = ((df.nn.Dense(1)(rows[:, -1]) - x.sum(axis=(1, 2)).reshape(("batch", 1))) ** 2).mean()
    df.optim.Adam(0.02).minimize(loss)
    graph = b.build({"loss": loss})
    runner = df.Runner(df.compile(graph, dims={"batch": 2}), poison=True)
    feed = X.astype("float32")
    losses = [float(runner.run(x=feed)["loss"]) for _ in range(60)]
    assert losses[-1] < 0.1 * losses[0]
    plain = df.Runner(df.compile(graph, updates=False, dims={"batch": 2}))
    assert plain.run(x=feed)["loss"] == plain.run(x=feed)["loss"]


def test_what_does_not_fit_is_refused() -> None:
    """Wrong options, inputs without steps and states of other shapes are refused."""
    b = df.GraphBuilder()
    x = b.constant(X)
    for make in (lambda: df.nn.RNN(0), lambda: df.nn.LSTM(2, num_layers=0)):
        with pytest.raises(ShapeError, match="is an int of 1 or more"):
            make()
    with pytest.raises(ArgumentError, match="'tanh' or 'relu', not 'gelu'"):
        df.nn.RNN(2, nonlinearity="gelu")
    with pytest.raises(ShapeError, match="no axis of steps"):
        df.nn.RNN(2)(x[0, 0])
    with pytest.raises(ShapeError, match=r"state is float64\[2, 4\], not float64\[1, 2, 4\]"):
        df.nn.RNN(4)(x, b.zeros((2, 4), "float64"))
    with pytest.raises(ShapeError, match=r"float64\[1, 2, 4\], float64\[1, 2, 4\]"):
        df.nn.LSTM(4)(x, (b.zeros((1, 2, 4), "float64"),))  # type: ignore[arg-type]


@pytest.mark.long
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=str)
@pytest.mark.parametrize("kind", LAYERS)
def test_numbers_are_pytorch_s(kind: str, options: dict[str, Any]) -> None:
    """With PyTorch's weights, rows, states and gradients of a loss are PyTorch's to 1e-9."""
    torch: Any = pytest.importorskip("torch")
    theirs = getattr(torch.nn, kind)(3, UNITS, batch_first=True, dtype=torch.float64, **options)
    b = df.GraphBuilder()
    layer = LAYERS[kind](UNITS, **options)
    x = b.constant(X)
    rows, last = layer(x)
    states = last if isinstance(last, tuple) else (last,)
    loss = (rows * rows).sum() + sum(df.sin(s).sum() for s in states)
    ours = list(b.variables)
    mine = [p.detach().numpy() for p in theirs.parameters()]
    graph = b.build({"loss": loss, "rows": rows} | {
        f"{i}": g for i, g in enumerate(df.grad(loss, [x, *ours]))})  # fmt: skip
    names = [v.node for v in ours]
    state = {n: (p.T if p.ndim == 2 else p) for n, p in zip(names, mine, strict=True)}
    runner = df.Runner(df.compile(graph))
    runner.load_state(df.State(state))
    found = runner.run()
    tx = torch.tensor(X, requires_grad=True)
    t_rows, t_last = theirs(tx)
    t_states = t_last if isinstance(t_last, tuple) else (t_last,)
    t_loss = (t_rows * t_rows).sum() + sum(torch.sin(s).sum() for s in t_states)
    t_loss.backward()
    np.testing.assert_allclose(found["rows"], t_rows.detach().numpy(), rtol=1e-9)
    np.testing.assert_allclose(found["0"], tx.grad.numpy(), rtol=1e-9, atol=1e-12)
    for index, parameter in enumerate(theirs.parameters(), 1):
        gradient = parameter.grad.numpy()
        expected = gradient.T if gradient.ndim == 2 else gradient
        np.testing.assert_allclose(found[str(index)], expected, rtol=1e-9, atol=1e-12)
