"""Layers that are called twice: one set of variables, whose gradients add up."""

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DTypeError, NameTakenError, ShapeError
from dataflow.homes import Homes

torch: Any = pytest.importorskip("torch")

RNG = np.random.default_rng(3)
ROWS, OTHERS = RNG.normal(size=(2, 6, 4))


def names(b: df.GraphBuilder) -> list[str]:
    """Return the names of all variables."""
    return [v.node for v in b.variables]


LAYERS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "dense": (lambda: df.nn.Dense(3), (6, 4)),
    "linear": (lambda: df.nn.Linear(4, 3), (6, 4)),
    "prelu": (lambda: df.nn.PReLU(shared=False), (6, 4)),
    "conv": (lambda: df.nn.Conv2d(2, 3), (2, 3, 5, 5)),
    "transposed": (lambda: df.nn.ConvTranspose1d(2, 3), (2, 3, 5)),
    "layer_norm": (df.nn.LayerNorm, (6, 4)),
    "rms_norm": (df.nn.RMSNorm, (6, 4)),
    "group_norm": (lambda: df.nn.GroupNorm(2), (6, 4)),
    "instance_norm": (lambda: df.nn.InstanceNorm(affine=True), (2, 4, 5)),
    "batch_norm": (lambda: df.nn.BatchNorm(momentum=None), (6, 4)),
    "dropout": (df.nn.Dropout, (6, 4)),
    "attention": (lambda: df.nn.MultiHeadAttention(2, dropout=0.5), (2, 6, 4)),
    "mlp": (lambda: df.nn.MLP((5, 3)), (6, 4)),
    "encoder": (lambda: df.nn.TransformerEncoder(2, 2, 8, dropout=0.1, norm_first=True), (2, 6, 4)),
    "sequential": (
        lambda: df.nn.Sequential(df.nn.Dense(3), df.nn.BatchNorm(), df.nn.Dropout(), name="net"),
        (6, 4),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_second_call_declares_nothing(name: str) -> None:
    """In whatever scope, a second call reads the variables of the first; a twin has its own."""
    make, shape = LAYERS[name]
    b, layer = df.GraphBuilder(), make()
    x, y = b.input("x", shape), b.input("y", shape)
    layer(x)
    first = names(b)
    with b.scope("elsewhere"):
        layer(y)
    assert names(b) == first
    make()(x)
    assert len(names(b)) == 2 * len(first)
    b.build()


def test_a_decoder_layer_is_shared_too() -> None:
    """Its attention to the memory is among what a second call finds."""
    b, layer = df.GraphBuilder(), df.nn.TransformerDecoderLayer(2, 8, dropout=0.5)
    x, memory = b.input("x", (2, 5, 4)), b.input("memory", (2, 7, 4))
    layer(x, memory)
    first = names(b)
    layer(layer(x, memory), memory)
    assert names(b) == first


def test_a_siamese_net_is_pytorchs() -> None:
    """The value and the gradients of one net called on two tensors are PyTorch's."""
    b = df.GraphBuilder()
    net = df.nn.Sequential(df.nn.Linear(4, 3), df.nn.Tanh(), df.nn.Linear(3, 2))
    one, other = net(b.constant(ROWS)), net(b.constant(OTHERS))
    loss = ((one - other) ** 2).sum() + (one * other).sum()
    found = df.evaluate(loss, *b.variables, *df.grad(loss, b.variables))
    twin = torch.nn.Sequential(
        torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2)
    ).double()
    parameters = list(twin.parameters())
    with torch.no_grad():
        for parameter, value in zip(parameters, found[1:5], strict=True):
            parameter.copy_(torch.from_numpy(np.array(value)))
    first, second = twin(torch.from_numpy(ROWS)), twin(torch.from_numpy(OTHERS))
    expected = ((first - second) ** 2).sum() + (first * second).sum()
    expected.backward()
    np.testing.assert_allclose(found[0], expected.item(), rtol=1e-12)
    for parameter, slope in zip(parameters, found[5:], strict=True):
        np.testing.assert_allclose(slope, parameter.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_running_averages_follow_both_batches(momentum: float | None) -> None:
    """After runs of a graph with two calls, batch norm's averages are PyTorch's after all calls."""
    b, layer = df.GraphBuilder(), df.nn.BatchNorm1d(momentum)
    outputs = {"one": layer(b.constant(ROWS)), "other": layer(b.constant(OTHERS))}
    runner = df.Runner(df.compile(b.build(outputs)))
    twin = torch.nn.BatchNorm1d(4, momentum=momentum).double()
    for _ in range(3):
        result = runner.run()
        expected = [twin(torch.from_numpy(x)).detach().numpy() for x in (ROWS, OTHERS)]
    for name, value in zip(("one", "other"), expected, strict=True):
        np.testing.assert_allclose(result[name], value, rtol=1e-9, atol=1e-12)
    for name, buffer in twin.named_buffers():
        if name == "num_batches_tracked" and momentum is not None:
            continue
        np.testing.assert_allclose(runner.state[f"batch_norm.{name}"], buffer.numpy(), rtol=1e-12)


def test_a_second_call_drops_other_elements() -> None:
    """Each call of a dropout layer takes the key that the one before left, across runs too."""
    b, layer = df.GraphBuilder(), df.nn.Dropout()
    x = b.ones((100,))
    runner = df.Runner(df.compile(b.build({"one": layer(x), "other": layer(x)})))
    drawn = [value.tobytes() for _ in range(3) for value in runner.run().values()]
    assert len(set(drawn)) == 6
    plan = df.compile(b.build({"one": layer(x)}), updates=False)
    assert df.Runner(plan).run()["one"].all()


def test_another_input_is_refused() -> None:
    """Another length or dtype at a second call is an error that names the layer and both shapes."""
    b, layer = df.GraphBuilder(), df.nn.Dense(3)
    layer(b.input("x", (6, 4)))
    with pytest.raises(ShapeError, match=r"Dense \(.*'y'.*\[5, 3\].*dense.weight.*4,"):
        layer(b.input("y", (6, 5)))
    with pytest.raises(DTypeError, match="float64"):
        layer(b.input("z", (6, 4), "float64"))
    assert names(b) == ["dense.weight", "dense.bias"]


def test_another_builder_has_variables_of_its_own() -> None:
    """One layer serves many builders, of inputs of other lengths."""
    layer = df.nn.Dense(3)
    for length in (4, 5):
        b = df.GraphBuilder()
        layer(b.input("x", (2, length)))
        assert [v.shape for v in b.variables] == [(length, 3), (3,)]


def test_layers_that_are_gone_leave_nothing() -> None:
    """An object at the address of a layer that is gone is a new layer, and no entry stays."""
    homes, kept = Homes(), df.nn.Dense(1)
    for layer in (kept, df.nn.Dense(1), kept):
        homes.of(layer, tuple)
    del layer
    gc.collect()
    assert len(homes) == 1
    b = df.GraphBuilder()
    x = b.input("x", (2, 4))
    for _ in range(20):
        df.nn.Dense(1, use_bias=False)(x)
    assert len(b.variables) == 20


def test_a_function_that_declares_is_no_layer() -> None:
    """A function in a net called twice meets the error that its variable's name is taken."""
    b = df.GraphBuilder()
    net = df.nn.Sequential(lambda x: x * b.variable("scale", np.ones(4, np.float32)), name="net")
    x = b.input("x", (6, 4))
    net(x)
    with pytest.raises(NameTakenError, match=r"net\.scale"):
        net(x)
