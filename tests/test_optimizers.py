"""Optimisers, against the published rules in NumPy and against PyTorch's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import ArgumentError, GradientError, GraphError
from tests.published_rules import RULES

STEPS = 100
BOUND = 1e-10
"""The largest relative difference after `STEPS` updates in float64."""

STARTS = {"matrix": np.linspace(-2, 3, 12).reshape(3, 4), "vector": np.array([0.5, -1.5, 2.0]),
          "scalar": np.array(-0.7)}  # fmt: skip
CURVATURES = {"matrix": 0.5, "vector": 1.5, "scalar": 1.0}
RNG = np.random.default_rng(7)
TARGETS = {name: RNG.normal(1.0, 2.0, (STEPS, *w.shape)) for name, w in STARTS.items()}
"""What each variable is drawn to, at every step."""

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.8, "dampening": 0.3, "maximize": True}),
    ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "maximize": True}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {"lr": 0.1}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.2, "amsgrad": True, "eps": 1e-4}),
    ("RMSprop", {"lr": 0.05}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.9, "momentum": 0.7, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.95, "centered": True, "eps": 1e-2, "maximize": True}),
    ("RMSprop", {"lr": 0.02, "centered": True, "momentum": 0.5}),
    ("Adagrad", {"lr": 0.3}),
    ("Adagrad", {"lr": 0.3, "lr_decay": 0.1, "weight_decay": 0.1, "maximize": True,
                 "initial_accumulator_value": 0.5, "eps": 1e-3}),
    ("Adamax", {"lr": 0.1}),
    ("Adamax", {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1, "maximize": True}),
    ("NAdam", {"lr": 0.05}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "momentum_decay": 0.05, "maximize": True}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.05}),
    ("RAdam", {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1, "eps": 1e-3}),
    ("RAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("Adadelta", {"lr": 1.0}),
    ("Adadelta", {"lr": 2.0, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("Lion", {"lr": 0.05}),
    ("Lion", {"lr": 0.02, "betas": (0.7, 0.9), "weight_decay": 0.3, "maximize": True}),
    ("LAMB", {"lr": 0.05}),
    ("LAMB", {"lr": 0.05, "betas": (0.7, 0.9), "weight_decay": 0.2, "eps": 1e-3}),
    ("Adafactor", {"lr": 0.1}),
    ("Adafactor", {"lr": 0.3, "beta2_decay": -0.5, "eps": (1e-4, 0.1), "d": 1.1,
                   "weight_decay": 0.1, "maximize": True}),
]  # fmt: skip
IDS = [f"{name}-{'-'.join(settings)}" for name, settings in CASES]


def declared(dtype: str = "float64") -> tuple[df.GraphBuilder, df.Tensor]:
    """Return a builder with the variables, and the loss: squares of distances to the targets."""
    b = df.GraphBuilder()
    loss = b.zeros((), dtype)
    for name, start in STARTS.items():
        w = b.variable(name, start.astype(dtype))
        target = b.input(f"to.{name}", start.shape, dtype)
        loss = loss + ((w - target) ** 2).sum() * (CURVATURES[name] / 2)
    return b, loss


def feeds(step: int, dtype: str = "float64") -> dict[str, Any]:
    """Return what a run is fed."""
    return {f"to.{name}": target[step].astype(dtype) for name, target in TARGETS.items()}


def replayed(b: df.GraphBuilder, loss: df.Tensor, steps: int = STEPS) -> df.State:
    """Return the state after some runs."""
    runner = df.Runner(df.compile(b.build({"loss": loss})))
    for step in range(steps):
        runner.run(**feeds(step))
    return runner.state


def trained(optimizer: df.optim.Optimizer) -> df.State:
    """Return the state after `STEPS` updates."""
    b, loss = declared()
    optimizer.minimize(loss)
    return replayed(b, loss)


def transcribed(name: str, settings: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return what a published rule makes of the variables."""
    found = {}
    sign = -1 if settings.get("maximize") else 1
    for variable, start in STARTS.items():
        w, kept = start, dict[str, Any]()
        for t, target in enumerate(TARGETS[variable], 1):
            gradient = sign * CURVATURES[variable] * (w - target)
            w = RULES[name](settings, t, w, gradient, kept)
        found[variable] = w
    return found


def with_torch(torch: Any, name: str, settings: dict[str, Any]) -> dict[str, np.ndarray]:  # noqa: ANN401
    """Return what PyTorch's optimiser of the same name and settings makes of the variables."""
    if not hasattr(torch.optim, name):
        pytest.skip("PyTorch has no such optimiser")
    parameters = {key: torch.tensor(start, requires_grad=True) for key, start in STARTS.items()}
    optimizer = getattr(torch.optim, name)(parameters.values(), **settings)
    for step in range(STEPS):
        optimizer.zero_grad()
        for key, w in parameters.items():
            target = torch.tensor(TARGETS[key][step])
            (((w - target) ** 2).sum() * (CURVATURES[key] / 2)).backward()
        optimizer.step()
    return {key: w.detach().numpy() for key, w in parameters.items()}


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_values_are_the_published_rules(name: str, settings: dict[str, Any]) -> None:
    """After 100 updates in float64, each variable is what the paper's formula gives."""
    state, expected = trained(getattr(df.optim, name)(**settings)), transcribed(name, settings)
    for variable in STARTS:
        np.testing.assert_allclose(state[variable], expected[variable], rtol=BOUND)


@pytest.mark.long
@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_values_are_pytorchs(name: str, settings: dict[str, Any]) -> None:
    """After 100 updates, each variable is that of PyTorch's optimiser with the same arguments."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # else NAdam's product of momenta is in float32
    try:
        expected = with_torch(torch, name, settings)
    finally:
        torch.set_default_dtype(before)
    state = trained(getattr(df.optim, name)(**settings))
    for variable in STARTS:
        np.testing.assert_allclose(state[variable], expected[variable], rtol=BOUND)


@pytest.mark.parametrize("name", sorted(RULES))
def test_training_goes_on_from_a_saved_state(name: str, tmp_path: Path) -> None:
    """Saved and loaded in the middle, every variable and moment has the bits of one training."""
    b, loss = declared()
    getattr(df.optim, name)(0.01, weight_decay=0.1).minimize(loss)
    plan = df.compile(b.build())
    whole, first, second = df.Runner(plan), df.Runner(plan), df.Runner(plan)
    for step in range(6):
        whole.run(**feeds(step))
        (first if step < 3 else second).run(**feeds(step))
        if step == 2:
            df.save(first.state, tmp_path / "state.arrow")
            state = df.load(tmp_path / "state.arrow")
            assert isinstance(state, df.State)
            second.load_state(state)
    for key, value in whole.state.items():
        np.testing.assert_array_equal(second.state[key], value)


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_dtype_keeps_its_dtype(name: str) -> None:
    """In float32 and float16 variables stay of that dtype, with about the values of float64."""
    eps = {"SGD": {}, "Lion": {}, "Adafactor": {"eps": (1e-4, 1e-3)}}.get(name, {"eps": 1e-4})
    settings: dict[str, Any] = {"lr": 0.05} | eps
    expected = transcribed(name, settings)
    for dtype, bound in (("float32", 2e-3), ("float16", 0.2)):
        b, loss = declared(dtype)
        getattr(df.optim, name)(**settings).minimize(loss)
        runner = df.Runner(df.compile(b.build()))
        for step in range(STEPS):
            runner.run(**feeds(step, dtype))
        state = runner.state
        for variable in STARTS:
            assert state[variable].dtype == dtype
            np.testing.assert_allclose(state[variable], expected[variable], atol=bound, rtol=bound)


@pytest.mark.parametrize("name", sorted(RULES))
def test_bfloat16_variables_move(name: str) -> None:
    """Variables, sums and averages stored in bfloat16 stay so, moments are in float32."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    b = df.GraphBuilder()
    w = b.variable("w", np.array([[3.0, -2.0]], ml_dtypes.bfloat16))
    optimizer = getattr(df.optim, name)(0.5)
    optimizer.minimize((w.astype("float32") ** 2).sum(), every=2)
    df.optim.ExponentialMovingAverage(0.5).track(b)
    runner = df.Runner(df.compile(b.build()))
    for _ in range(4):
        runner.run()
    own = {"w", "ema.w", f"{optimizer.name}.accumulated.w"}
    kept = {key: str(v.dtype) for key, v in runner.state.items() if v.ndim}
    assert kept == {key: "bfloat16" if key in own else "float32" for key in kept}
    assert name == "Adadelta" or (runner.state["w"].astype(float) != [[3.0, -2.0]]).all()


@pytest.mark.parametrize("name", sorted(RULES))
def test_large_gradients_do_not_stop_float16(name: str) -> None:
    """With gradients of 20 and of 300 the values are those of float64, and no moment overflows."""
    starts, slopes = np.array([100.0, -50.0]), np.array([20.0, -300.0])
    runners = []
    for dtype in ("float16", "float64"):
        b = df.GraphBuilder()
        w = b.variable("w", starts.astype(dtype))
        getattr(df.optim, name)(2.0**-6).minimize((w * slopes.astype(dtype)).sum())
        runners.append(df.Runner(df.compile(b.build())))
    narrow, wide = runners
    for _ in range(200):  # each from the variable that float16 had, to tell one step's rounding
        wide.load_state({**wide.state, "w": narrow.state["w"].astype("float64")})
        narrow.run()
        wide.run()
        np.testing.assert_allclose(narrow.state["w"], wide.state["w"], rtol=2e-3, atol=1e-3)
    assert narrow.state["w"].dtype == np.float16
    assert all(np.isfinite(value).all() for value in narrow.state.values())


@pytest.mark.parametrize("name", sorted(set(RULES) - {"Adafactor", "LAMB"}))
def test_complex_variables_are_pairs_of_real_ones(name: str) -> None:
    """A complex variable moves as its real and imaginary parts would, each by itself."""
    starts = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    b = df.GraphBuilder()
    z = b.variable("z", starts[0] + 1j * starts[1])
    x, y = (b.variable(n, start) for n, start in zip("xy", starts, strict=True))
    optimizer = getattr(df.optim, name)(0.1, weight_decay=0.1)
    optimizer.minimize((df.real(z * df.conj(z)) * [1.0, 2.0]).sum()
                       + ((x * x + y * y) * [1.0, 2.0]).sum())  # fmt: skip
    runner = df.Runner(df.compile(b.build()))
    for _ in range(5):
        runner.run()
    state = runner.state
    np.testing.assert_allclose(state["z"], state["x"] + 1j * state["y"], rtol=1e-12)


def test_adafactor_keeps_a_row_and_a_column() -> None:
    """Its moments of an array of 2 matrices of 3 by 4 have 2 times 3 and 2 times 4 numbers."""
    b = df.GraphBuilder()
    w = b.variable("w", np.ones((2, 3, 4)))
    df.optim.Adafactor().minimize((w * w).sum())
    shapes = {v.node: v.shape for v in b.variables}
    assert shapes == {"w": (2, 3, 4), "adafactor.step": (), "adafactor.rows.w": (2, 3, 1),
                      "adafactor.columns.w": (2, 1, 4)}  # fmt: skip
    z = b.variable("z", np.array([1j]))
    with pytest.raises(df.errors.DTypeError, match="complex"):
        df.optim.Adafactor(name="other").minimize(df.real(z * df.conj(z)).sum())


def test_lamb_takes_a_plain_step_from_zero() -> None:
    """Where the variable or the step is zero, their norms' quotient is 1: no NaN, and it moves."""
    b = df.GraphBuilder()
    v, w = b.variable("v", np.zeros(2)), b.variable("w", np.array([3.0]))
    df.optim.LAMB(0.1).minimize((v - 1.0).sum() + w.sum() * 0.0)
    runner = df.Runner(df.compile(b.build()))
    runner.run()
    np.testing.assert_allclose(runner.state["v"], [-0.1, -0.1], rtol=1e-5)
    assert runner.state["w"] == 3.0


def test_groups_of_nadam_have_a_product_each() -> None:
    """Two groups with momenta of their own keep two products of them."""
    groups = {"v*": {"betas": (0.5, 0.9), "momentum_decay": 0.1}}
    state = trained(df.optim.NAdam(0.05, groups=groups))
    for name, settings in (("matrix", {}), ("vector", groups["v*"])):
        expected = transcribed("NAdam", {"lr": 0.05} | settings)[name]
        np.testing.assert_allclose(state[name], expected, rtol=BOUND)
    assert {"nadam.momenta", "nadam.momenta_1"} <= set(state)


def test_the_learning_rate_may_be_fed() -> None:
    """A scalar input as rate gives the values of the numbers that it is fed."""
    b = df.GraphBuilder()
    w, lr = b.variable("w", np.array([3.0])), b.input("lr", (), "float32")
    df.optim.SGD(lr).minimize((w * w).sum())
    runner = df.Runner(df.compile(b.build()))
    for rate, expected in ((0.25, 1.5), (0.5, 0.0)):
        runner.run(lr=np.float32(rate))
        assert runner.state["w"].tolist() == [expected]


def test_plans_without_updates_have_no_optimizer() -> None:
    """Predicting needs neither moments nor a step counter."""
    b, loss = declared()
    df.optim.Adam().minimize(loss)
    graph = b.build({"loss": loss})
    plan = df.compile(graph, updates=False)
    assert {variable.name for variable in plan.variables} == set(STARTS)


@pytest.mark.parametrize("name", sorted(RULES))
def test_gradients_do_not_wait_for_each_other(name: str) -> None:
    """Updates are made as soon as a gradient is there: ten layers need the memory of a few."""
    b = df.GraphBuilder()
    h = b.input("x", (4, 64), "float64")
    for i in range(10):
        h = df.tanh(h @ b.variable(f"w.{i}", np.eye(64)))
    getattr(df.optim, name)(0.01).minimize((h * h).mean())
    plan = df.compile(b.build())
    assert plan.peak < 4 * 8 * 64 * 64


# Which variables


def test_frozen_variables_keep_their_bits() -> None:
    """By pattern or tensor, what is frozen or not asked for has no update and no moment."""
    for choice in ({"freeze": "ma*"}, {"freeze": ["matrix"]}, {"variables": ["vector", "sc*"]}):
        b, loss = declared()
        df.optim.Adam(0.1).minimize(loss, **choice)
        state = replayed(b, loss, 3)
        np.testing.assert_array_equal(state["matrix"], STARTS["matrix"])
        assert not any(name.endswith(".matrix") for name in state)
        assert (state["vector"] != STARTS["vector"]).all()
    b, loss = declared()
    w = next(v for v in b.variables if v.node == "matrix")
    df.optim.SGD(0.1).minimize(loss, freeze=w)
    assert [n for n, v in b.build().variables.items() if v.update] == ["vector", "scalar"]


def test_groups_have_settings_of_their_own() -> None:
    """Each variable moves as under an optimiser with the settings of the patterns it matches."""
    groups: dict[str, dict[str, Any]] = {
        "*r": {"weight_decay": 0.3},
        "sc*": {"lr": 0.2, "betas": (0.5, 0.9)},
    }
    state = trained(df.optim.AdamW(0.05, groups=groups))
    own = {"matrix": {}, "vector": groups["*r"], "scalar": groups["*r"] | groups["sc*"]}
    for name, changed in own.items():
        settings = {"lr": 0.05} | changed
        np.testing.assert_allclose(state[name], transcribed("AdamW", settings)[name], rtol=BOUND)
    assert [n for n in state if n.endswith("step")] == ["adamw.step"]


def test_a_user_steps_by_pieces() -> None:
    """Gradients, changed by hand, are applied as `minimize` applies its own; None is left out."""
    b, loss = declared()
    optimizer = df.optim.SGD(0.1)
    pairs = optimizer.gradients(loss)
    assert [v.node for v, _ in pairs] == list(STARTS)
    optimizer.apply([(pairs[0][0], pairs[0][1] * 2.0), (pairs[1][0], None)])
    state = replayed(b, loss, 1)
    gradient = CURVATURES["matrix"] * (STARTS["matrix"] - TARGETS["matrix"][0])
    np.testing.assert_allclose(state["matrix"], STARTS["matrix"] - 0.2 * gradient, rtol=1e-14)
    np.testing.assert_array_equal(state["vector"], STARTS["vector"])


def test_nothing_changes_where_when_is_false() -> None:
    """Neither variables nor moments nor the step counter move in a run whose flag is False."""
    b, loss = declared()
    flag = b.input("flag", (), "bool")
    optimizer = df.optim.Adam(0.1, amsgrad=True)
    optimizer.apply(optimizer.gradients(loss), when=flag)
    runner = df.Runner(df.compile(b.build()))
    states = [runner.state]
    for go in (True, False, True):
        runner.run(flag=np.bool_(go), **feeds(0))
        states.append(runner.state)
    for name in states[0]:
        np.testing.assert_array_equal(states[1][name], states[2][name])
        assert (states[2][name] != states[3][name]).any()
    assert states[3]["adam.step"] == 2


# What is refused


def always(rate: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    """Return a schedule that gives one thing."""
    return lambda steps: rate


@pytest.mark.parametrize(
    ("name", "settings", "text"),
    [
        ("SGD", {"lr": -0.1}, "lr must lie"), ("SGD", {"lr": float("nan")}, "lr must lie"),
        ("SGD", {"lr": True}, "lr must lie"), ("SGD", {"momentum": 1.0}, "momentum"),
        ("SGD", {"nesterov": True}, "needs a momentum"), ("SGD", {"nesterov": 1}, "True or False"),
        ("SGD", {"dampening": -1}, "dampening"), ("SGD", {"maximize": "yes"}, "maximize"),
        ("Adam", {"betas": (0.9,)}, "two numbers"), ("Adam", {"betas": (0.9, 1.0)}, "betas"),
        ("Adam", {"eps": -1e-8}, "eps"), ("AdamW", {"weight_decay": -1}, "AdamW.*weight_decay"),
        ("RMSprop", {"alpha": 1.0}, "alpha"), ("Adagrad", {"lr_decay": -1.0}, "lr_decay"),
        ("Adam", {"groups": {"*": {"momentum": 1}}}, "sets momentum; what can be set is lr"),
        ("Lion", {"betas": 0.9}, "two numbers"), ("Adafactor", {"eps": 1e-3}, "two numbers"),
        ("Adafactor", {"d": 0}, "d must lie"), ("Adafactor", {"beta2_decay": 0.8}, "beta2_decay"),
        ("Adafactor", {"beta2_decay": "a"}, r": beta2_decay must lie in \(-inf, 0.0\], not 'a'"),
        ("Adafactor", {"beta2_decay": -np.inf}, "beta2_decay"),
        ("Adafactor", {"eps": (None, -1.0)}, "eps"), ("Adadelta", {"rho": 1}, "rho"),
        ("NAdam", {"momentum_decay": -1}, "momentum_decay"), ("LAMB", {"eps": None}, "eps"),
        ("Adam", {"groups": {"*": {"eps": -1}}}, "eps"), ("Adam", {"groups": []}, "groups"),
        ("Adam", {"groups": {"*": 1}}, "has settings, not 1"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(name: str, settings: dict[str, Any], text: str) -> None:
    """A setting that a rule isn't defined for is an error with the user's line."""
    with pytest.raises(ArgumentError, match=text) as caught:
        getattr(df.optim, name)(**settings)
    assert "test_optimizers.py:" in str(caught.value)


def test_patterns_that_match_nothing_are_refused() -> None:
    """A misspelt pattern is an error that lists the names that there are."""
    b, loss = declared()
    listing = r"no variable is named like 'bias'; there are matrix, vector, scalar"
    for call in (lambda: df.optim.Adam(groups={"bias": {}}).minimize(loss),
                 lambda: df.optim.Adam().minimize(loss, "bias"),
                 lambda: df.optim.Adam().minimize(loss, freeze=["bias"])):  # fmt: skip
        with pytest.raises(GraphError, match=listing) as caught:
            call()  # type: ignore[no-untyped-call]
        assert "test_optimizers.py:" in str(caught.value)
    with pytest.raises(GraphError, match="is a text, not 3"):
        df.optim.Adam().minimize(loss, [3])  # type: ignore[list-item]
    assert list(b.build().variables) == list(STARTS)


def test_what_cannot_be_applied_is_refused() -> None:
    """Losses, gradients, rates and flags of the wrong kind are errors that say what came."""
    b, loss = declared()
    optimizer = df.optim.SGD(0.1)
    pairs = optimizer.gradients(loss)
    w, gradient = pairs[0]
    other = df.GraphBuilder().input("lr", ())
    with pytest.raises(GradientError, match="a tensor, not 3"):
        optimizer.minimize(3)  # type: ignore[arg-type]
    with pytest.raises(GradientError, match="doesn't depend on any variable"):
        optimizer.minimize(loss, freeze="*")
    with pytest.raises(GraphError, match="pairs of a variable and its gradient"):
        optimizer.apply([w])  # type: ignore[list-item]
    with pytest.raises(GraphError, match="the gradient of 'matrix'"):
        optimizer.apply([(w, gradient[0])])
    with pytest.raises(GraphError, match="there is no gradient"):
        optimizer.apply([(w, None)])
    with pytest.raises(GraphError, match="when is a bool scalar"):
        optimizer.apply(pairs, when=gradient)
    with pytest.raises(GraphError, match="is no variable"):
        optimizer.apply([(gradient, gradient)])
    for wrong in (other, gradient, b.input("n", (), "int64")):
        with pytest.raises(GraphError, match="the learning rate is a real scalar"):
            df.optim.SGD(wrong).apply(pairs)
    for i, wrong_rate in enumerate(("fast", True, None, -0.1, np.float32("nan"))):
        with pytest.raises(ArgumentError, match="what the schedule gives must lie"):
            df.optim.SGD(always(wrong_rate), name=f"a{i}").apply(pairs)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda o, loss: o.apply(5), "pairs of a variable and its gradient, not 5"),
        (lambda o, loss: o.minimize(loss, transform=lambda pairs: None), "pairs .* not None"),
        (lambda o, loss: o.minimize(loss, transform=3), "transform is a function, not 3"),
        (lambda o, loss: o.minimize(loss, 3), "variables .* patterns of their names, not 3"),
        (lambda o, loss: o.minimize(loss, 0), "variables .* patterns of their names, not 0"),
        (lambda o, loss: o.minimize(loss, freeze=3), "freeze .* patterns of their names, not 3"),
        (lambda o, loss: o.apply(o.gradients(loss), when=True), "when is a bool scalar, .* True"),
        (lambda o, loss: df.optim.accumulate(5, 2), "accumulate .* not 5"),  # type: ignore[arg-type]
        (lambda o, loss: df.optim.clip_by_value(5, 2), "clip_by_value .* not 5"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_arguments_of_another_kind_are_refused(call: Callable[..., object], text: str) -> None:
    """What is neither pairs, a function, variables nor a flag is an error at the user's line."""
    _, loss = declared()
    with pytest.raises(ArgumentError, match=text) as caught:
        call(df.optim.SGD(0.1), loss)
    assert "test_optimizers.py:" in str(caught.value)


def test_schedules_may_give_numpys_numbers() -> None:
    """A schedule that returns a number of NumPy's is as good as one that returns Python's."""
    for rate in (np.float32(0.25), np.float64(0.25), 0.25):
        b = df.GraphBuilder()
        w = b.variable("w", np.array([3.0]))
        df.optim.SGD(always(rate)).minimize((w * w).sum())
        runner = df.Runner(df.compile(b.build()))
        runner.run()
        assert runner.state["w"].tolist() == [1.5]


def test_two_optimizers_in_a_graph_need_two_names() -> None:
    """Names that are taken, and a second update of a variable, are errors."""
    _, loss = declared()
    df.optim.Adam().minimize(loss, "matrix")
    with pytest.raises(GraphError, match=r"adam\.step"):
        df.optim.Adam().minimize(loss, "vector")
    df.optim.Adam(name="other").minimize(loss, "vector")
    with pytest.raises(GraphError, match="has an update already"):
        df.optim.SGD(0.1).minimize(loss, "vector")
