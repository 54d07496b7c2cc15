"""The user's own operations: like ours in every way, and what becomes of one that lies."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import (
    ArgumentError,
    CheckError,
    FileFormatError,
    GradientError,
    GraphError,
    KernelError,
    ShapeError,
)
from dataflow.operation import NEWEST, REGISTRY
from dataflow.registry import get_op
from dataflow.user_ops import UserOp
from tests.commands import run

ROOT = Path(__file__).resolve().parents[1]
X = np.array([-1.5, 0.25, 2.0])


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    """Forget what a test declares."""
    yield
    for name, version in [key for key in REGISTRY if key[0].startswith("tests.")]:
        del REGISTRY[name, version]
        NEWEST.pop(name, None)


def smooth_vjp(cotangent: df.Tensor, _: df.Tensor, x: df.Tensor, *, width: float) -> df.Tensor:
    """Return the cotangent of x / sqrt(x² + width)."""
    return cotangent * width / (x * x + width) ** 1.5


def smooth_jvp(
    tangents: tuple[df.Tensor], _: df.Tensor, x: df.Tensor, *, width: float
) -> df.Tensor:
    """Return its tangent."""
    return tangents[0] * width / (x * x + width) ** 1.5


def smooth(**options: Any) -> UserOp:  # noqa: ANN401
    """Declare x / sqrt(x² + width)."""

    @df.op("tests.smooth", spec="elementwise", **options)
    def declared(x: Any, *, width: float = 1.0) -> Any:  # noqa: ANN401
        return x / np.sqrt(x * x + width)

    return declared


@pytest.mark.parametrize("rule", ["vjp", "jvp"])
def test_one_rule_gives_both_modes_at_every_order(rule: str) -> None:
    """From a vjp or a jvp alone, all derivatives are those of the same made of our own ops."""
    op = smooth(vjp=smooth_vjp) if rule == "vjp" else smooth(jvp=smooth_jvp)
    u = np.array([1.0, -2.0, 0.5])
    found = []
    functions: list[Callable[[df.Tensor], df.Tensor]] = [
        lambda x: op(x, width=2.0), lambda x: x / df.sqrt(x * x + 2.0),
    ]  # fmt: skip
    for function in functions:
        x = df.GraphBuilder().constant(X)
        y = df.sin(function(x)).sum()
        g = df.grad(y, x)
        slope = df.jvp(y, x, u)
        rows = df.vmap(function)(x)
        found.append(df.evaluate(
            y, g, df.hvp(y, x, u), df.grad(g.sum(), x), slope, df.grad(slope, x),
            df.hessian(y, x), df.grad(rows.sum(), x),
        ))  # fmt: skip
    for actual, expected in zip(*found, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_plan_is_the_reference_and_the_certificate_counts(tmp_path: Path) -> None:
    """A plan gives the reference's bits, through a file too, and counts what the op allocates."""
    op = smooth(vjp=smooth_vjp, internal=lambda x, *, width: 2 * x.nbytes)
    b = df.GraphBuilder()
    x = b.input("x", ("n",), "float64")
    ends = {"y": op(x), "slope": df.grad(op(x).sum(), x)}
    plan = df.compile(b.build(ends), dims={"n": 3})
    assert plan.internal == 2 * 24
    df.save(plan, tmp_path / "plan.arrow")
    loaded = df.load(tmp_path / "plan.arrow")
    assert isinstance(loaded, df.Plan)
    found = df.Runner(loaded, poison=True).run(x=X)
    for actual, expected in zip(found.values(), df.evaluate(*ends.values(), x=X), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_functions_that_fill_out_and_give_several() -> None:
    """A function with `out` fills it; one that returns a tuple has several outputs."""

    @df.op("tests.parts", spec=lambda x: (x, x.with_shape(())),
           vjp=lambda c, _, x: c[0] + 2 * c[1] * x)  # fmt: skip
    def parts(x: Any) -> Any:  # noqa: ANN401
        return x + 1, np.sum(x * x)

    @df.op("tests.filling", spec=lambda x: (x, x))
    def filling(x: Any, *, out: Any) -> None:  # noqa: ANN401
        np.add(x, 1, out=out[0])
        np.multiply(x, 2, out=out[1])

    x = df.GraphBuilder().constant(X)
    more, squares = parts(x)
    found = df.evaluate(more, squares, df.grad(squares, x), *filling(x))
    right = (X + 1, (X * X).sum(), 2 * X, X + 1, 2 * X)
    for actual, expected in zip(found, right, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert df.testing.check_op(parts, [X]) == df.testing.check_op(filling, [X]) == 1


@pytest.mark.parametrize("batch", ["one by one", "leading"])
def test_batches(batch: str) -> None:
    """Under vmap, an op runs on each example, or on all at once where it says that it can."""
    calls: list[tuple[int, ...]] = []

    @df.op("tests.largest", spec=lambda x: x.with_shape(x.shape[:-1]), batch=batch)
    def largest(x: Any) -> Any:  # noqa: ANN401
        calls.append(x.shape)
        return x.max(axis=-1)

    x = df.GraphBuilder().constant(np.arange(12.0).reshape(4, 3))
    assert df.evaluate(df.vmap(largest)(x)).tolist() == [2, 5, 8, 11]
    assert set(calls) == {(3,) if batch == "one by one" else (4, 3)}


def declare(function: Callable[..., Any], **options: Any) -> UserOp:  # noqa: ANN401
    """Declare an op of one float64 array of the input's shape."""
    found: UserOp = df.op("tests.liar", **{"spec": lambda x: x, **options})(function)
    return found


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x[:2], r"returns float64\[2\] as output 0, its spec says float64\[3\]"),
        (lambda x: x.astype("float32"), r"returns float32\[3\] as output 0"),
        (lambda x: (x, x), "returns 2 arrays, its spec says 1"),
        (lambda x: x.tolist(), "returns list, not an array"),
        (lambda _: None, "returns NoneType, not an array"),
        (lambda x: x.sort(), "raises ValueError.*read-only"),
        (lambda x: x.nonsense, "raises AttributeError"),
    ],
)
def test_op_that_lies_is_named_when_it_runs(function: Any, message: str) -> None:  # noqa: ANN401
    """Wrong results and writes to inputs end the run, naming node and line; data are safe."""
    op = declare(function)
    b = df.GraphBuilder()
    x = b.input("x", (3,), "float64")
    y = op(x)
    fed = X.copy()
    where = r"node 'tests.liar_0' \(op 'tests.liar', test_user_ops.py:\d+\).*"
    with pytest.raises(KernelError, match=where + message):
        df.evaluate(y, x=fed)
    runner = df.Runner(df.compile(b.build({"y": y})))
    with pytest.raises(KernelError, match=where + message):
        runner.run(x=fed)
    np.testing.assert_array_equal(fed, X)


def test_op_that_returns_its_input_is_copied() -> None:
    """A result that is a view of an input shares no memory with what others read."""
    op = declare(lambda x: x)
    b = df.GraphBuilder()
    x = b.input("x", (3,), "float64")
    y = op(x * 1.0)
    plan = df.compile(b.build({"y": y, "z": (y + 1) * 2}))
    found = df.Runner(plan, poison=True).run(x=X)
    np.testing.assert_array_equal(found["y"], X)
    np.testing.assert_array_equal(found["z"], (X + 1) * 2)


@pytest.mark.parametrize(
    ("vjp", "message"),
    [
        (lambda c, y, x: (c, c), "its vjp gives 2 results, not 1"),
        (lambda c, y, x: c.sum(), r"its vjp gives float64\[\] for 0, not float64\[3\]"),
        (lambda c, y, x: 3.0, "its vjp gives 3.0 for 0"),
        (lambda c: c, "its vjp can't be called as it should be"),
        (None, "declared without a derivative: give df.op"),
    ],
)
def test_rule_that_lies_is_named_when_it_is_used(vjp: Any, message: str) -> None:  # noqa: ANN401
    """A derivative of the wrong form is refused while it is declared, naming node and line."""
    op = declare(lambda x: x * 2, vjp=vjp)
    x = df.GraphBuilder().constant(X)
    y = op(x).sum()
    with pytest.raises(GradientError, match=rf"'tests.liar_0' .*test_user_ops.py:\d+\).*{message}"):
        df.grad(y, x)


def test_gradient_that_is_not_linear_has_no_forward_mode() -> None:
    """Forward mode is the vjp's transpose, which there is only of something linear."""
    op = declare(lambda x: x * 2, vjp=lambda c, y, x: c * c)
    x = df.GraphBuilder().constant(X)
    with pytest.raises(GradientError, match="its vjp in the cotangents: it isn't linear"):
        df.jvp(op(x), x, X)


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (
            lambda x: x * x,
            {"vjp": lambda c, y, x: c * 2.001 * x},
            "its derivative isn't its values",
        ),
        (lambda x: x * np.random.default_rng().random(), {}, "two calls .* give different bits"),
        (lambda x: x - x.mean(), {"spec": "elementwise"}, "is off by"),
        (lambda x: x - x.mean(), {"batch": "leading"}, "vmap's output 0, example 0 is off by"),
        (lambda x: x[:1], {}, "its spec says"),
    ],
)
def test_check_op_finds_what_is_not_so(function: Any, options: Any, message: str) -> None:  # noqa: ANN401
    """Wrong gradients, chance, and false words on slices and batches are found and named."""
    with pytest.raises(CheckError, match=rf"op 'tests.liar', sample 0: .*{message}"):
        df.testing.check_op(declare(function, **options), [X])


def test_names_and_parameters_are_checked_early() -> None:
    """Names without a module, of ours, or taken, and parameters of other kinds are refused."""
    for name in ("smooth", "linalg.smooth", "dataflow.smooth", "my ops.smooth", "my_ops."):
        with pytest.raises(ArgumentError, match="is a module's and its own"):
            df.op(name, spec="elementwise")(lambda x: x)
    op = smooth()
    smooth()  # a module that is loaded again
    with pytest.raises(ArgumentError, match="is declared already"):
        df.op("tests.smooth", spec="elementwise")(lambda x: x)
    x = df.GraphBuilder().constant(X)
    with pytest.raises(ArgumentError, match=r"has no parameter 'wide'; it has \['width'\]"):
        op(x, wide=1.0)
    with pytest.raises(ArgumentError, match="make a tensor an input"):
        op(x, width=x)
    with pytest.raises(ArgumentError, match="parameter 'k' is missing"):
        df.op("tests.k", spec="elementwise")(lambda x, *, k: x * k)(x)
    with pytest.raises(ShapeError, match="don't broadcast"):
        df.op("tests.two", spec="elementwise")(lambda x, y: x + y)(x, X[:2])
    with pytest.raises(GraphError, match="its spec function fails"):
        df.op("tests.bad", spec=lambda x: x.nothing)(lambda x: x)(x)
    with pytest.raises(GraphError, match=r"not a df\.Spec"):
        df.op("tests.bad", spec=lambda x: x.shape)(lambda x: x)(x)
    with pytest.raises(ArgumentError, match="spec is a function"):
        df.op("tests.bad", spec="same")
    with pytest.raises(ArgumentError, match="batch is"):
        df.op("tests.bad", spec="elementwise", batch="all")


MODULE = """
import pathlib
import numpy as np
import dataflow as df

pathlib.Path("imported").touch()

@df.op(spec="elementwise", vjp=lambda c, y, x: c * 3)
def tripled(x):
    return x * 3
"""


def test_files_name_the_module_and_import_nothing(tmp_path: Path) -> None:
    """Without the module a file is refused and imports nothing; with it, it runs."""
    (tmp_path / "my_ops.py").write_text(MODULE)
    np.save(tmp_path / "x.npy", X)
    write = (
        "import dataflow as df, my_ops; b = df.GraphBuilder(); x = b.input('x', (3,), 'float64')\n"
        "graph = b.build({'slope': df.grad((my_ops.tripled(x) * x).sum(), x)})\n"
        "df.save(graph, 'graph.arrow'); df.save(df.compile(graph), 'plan.arrow')"
    )
    code = f"import sys; sys.path.insert(0, '.'); {write}"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    (tmp_path / "imported").unlink()
    for name in ("graph.arrow", "plan.arrow"):
        with pytest.raises(FileFormatError, match=r"op 'my_ops.tripled'.*import my_ops"):
            df.load(tmp_path / name)
    plain = [sys.executable, "-m", "dataflow", "replay", "plan.arrow", "--feed", "x=x.npy"]
    refused = subprocess.run(plain, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "--import my_ops" in refused.stderr
    assert not (tmp_path / "imported").exists()
    done = subprocess.run([*plain, "--import", "my_ops", "-o", "y.npz"], cwd=tmp_path,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["slope"], 6 * X)


def test_name_that_is_no_module_s_is_no_advice() -> None:
    """A stranger's op name is quoted, and given as something to import only if it can be that."""
    for name in ("nothing", "linalg.nothing", "\x1b[2J.op", "rm -rf /.op", ".op"):
        with pytest.raises(GraphError) as caught:
            get_op(name, 1)
        assert "import" not in str(caught.value)
        assert str(caught.value).isprintable()


def test_module_that_can_not_be_imported_is_one_line(tmp_path: Path) -> None:
    """A module that isn't there, or fails, ends with code 1 and one line."""
    done = run("show", tmp_path / "plan.arrow", "--import", "no_such_module_anywhere")
    assert done.code == 1
    assert re.fullmatch(r"error: --import no_such_module_anywhere: .*\n", done.err)


@pytest.mark.parametrize("page", ["your-own-operations.md", "control-flow.md"])
def test_pages_run_as_they_are_printed(page: str, tmp_path: Path) -> None:
    """The pages on own operations and on control flow hold code that runs, in order."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    path = tmp_path / "how_to_ops.py"
    path.write_text("\n".join(blocks))
    subprocess.run([sys.executable, path], check=True, cwd=tmp_path)
