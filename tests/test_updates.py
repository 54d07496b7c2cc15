"""Updates by index, t.at[index] and scatter, against NumPy's assignments and `ufunc.at`."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.errors import DTypeError, GraphError, KernelError, ShapeError
from dataflow.registry import get_op
from tests.indices import INDICES, X, made_of
from tests.oracle import run

UFUNCS: dict[str, np.ufunc] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
    "power": np.power, "max": np.maximum, "min": np.minimum,
}  # fmt: skip


def updated(x: np.ndarray, index: Any, value: np.ndarray, how: str) -> np.ndarray:  # noqa: ANN401
    """Update a copy of an array by NumPy."""
    changed = x.copy()
    if how == "set":
        changed[index] = value
    else:
        UFUNCS[how].at(changed, index, value)
    return changed


@pytest.mark.parametrize("how", ["set", *UFUNCS])
def test_updates_are_numpys(how: str) -> None:
    """With every kind of index, known or a tensor, the result is NumPy's."""
    b, rng = df.GraphBuilder(), np.random.default_rng(0)
    x = b.constant(X)
    made, expected = [], []
    for index in INDICES:
        value = rng.uniform(1, 2, X[index].shape)
        made += [getattr(x.at[i], how)(value) for i in (index, made_of(b, index))]
        expected += [updated(X, index, value, how)] * 2
    for found, right in zip(df.evaluate(*made), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-14)


@given(st.data())
def test_one_row_named_several_times_gets_all_updates(data: st.DataObject) -> None:
    """Several updates of one element count one after the other; of those that set, the last."""
    n = data.draw(st.integers(1, 4))
    x = np.arange(1.0, n + 1)
    rows = data.draw(hnp.arrays(np.int64, st.integers(0, 6), elements=st.integers(-n, n - 1)))
    value = np.linspace(1, 2, len(rows))
    t = df.GraphBuilder().constant(x)
    for how in ("set", "add", "multiply", "max"):
        made = df.setitem(t, t.builder.constant(rows), value, how)
        np.testing.assert_allclose(df.evaluate(made), updated(x, rows, value, how), rtol=1e-15)


def gradients(x: Any, value: Any, rows: Any, how: str) -> list[list[float]]:  # noqa: ANN401
    """Return the gradients of a weighted sum of an update, by the tensor and by the values."""
    b = df.GraphBuilder()
    t, v = b.constant(np.array(x, float)), b.constant(np.array(value, float))
    made = df.setitem(t, b.constant(rows), v, how)
    weights = b.constant(np.arange(1.0, len(x) + 1))
    return [g.tolist() for g in df.evaluate(*df.grad((weights * made).sum(), [t, v]))]


def test_what_is_overwritten_has_no_gradient() -> None:
    """Of several values set to one element, the last alone has a gradient; `x` has none."""
    assert gradients([1, 2, 3], [4, 5, 6], [0, 2, 0], "set") == [[0, 2, 0], [0, 3, 1]]


def test_ties_of_an_extreme_share_the_gradient() -> None:
    """Whatever is as large as the largest gets an equal part, the tensor's own element too."""
    x, value = [4, 1, 3], [4, 4, 2, 2]
    third = 1 / 3
    assert gradients(x, value, [0, 0, 1, 1], "max") == [[third, 0, 3], [third, third, 1, 1]]
    assert gradients([4, 1, 3], [5, 0, 1, 2], [0, 0, 1, 1], "min") == [[0, 1, 3], [0, 1, 1, 0]]


def test_products_with_zeros_have_exact_gradients() -> None:
    """A factor's gradient is the product of the others, also where it or another one is 0."""
    x, value = [2, 3, 5], [0, 7, 0, 0, 4]
    rows = [0, 0, 1, 1, 2]
    assert gradients(x, value, rows, "multiply") == [[0, 0, 12], [14, 0, 0, 0, 15]]


def test_an_infinite_value_that_is_overwritten_leaves_no_nan() -> None:
    """The gradient stops at what was set, whatever stood there."""
    b = df.GraphBuilder()
    t = b.constant(np.array([-1.0, 4.0]))
    safe = df.sqrt(t).at[0].set(3.0)
    assert df.evaluate(safe).tolist() == [3.0, 2.0]
    assert df.evaluate(df.grad(df.sqrt(t.at[0].set(9.0)).sum(), t)).tolist() == [0.0, 0.25]


def test_second_derivatives_pass_through_updates() -> None:
    """The gradient of a gradient is right for all ways to combine."""
    rng = np.random.default_rng(3)
    rows = np.array([0, 2, 0])
    for how in ("set", *UFUNCS):
        b = df.GraphBuilder()
        t, v = (b.input(n, (3,), "float64") for n in "tv")
        value = (df.setitem(t, b.constant(rows), v, how) ** 2).sum()
        first = df.grad(value, [t, v])
        second = df.grad((first[0] * first[1]).sum(), v)
        x = {"t": rng.uniform(1, 2, 3), "v": rng.uniform(2, 3, 3)}
        step = np.array([1e-6, 0, 0])
        ahead, behind = (df.evaluate((first[0] * first[1]).sum(), feeds={**x, "v": x["v"] + s})
                         for s in (step, -step))  # fmt: skip
        slope = df.evaluate(second, feeds=x)[0]
        np.testing.assert_allclose(slope, (ahead - behind) / 2e-6, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "bfloat16", "complex64"])
def test_updates_keep_the_dtype(dtype: str) -> None:
    """Whatever the dtype of the tensor, it stays, and the values are cast to it."""
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    x = df.GraphBuilder().zeros((3,), dtype)
    ways = ("set", "max") if dtype == "bool" else ("set", "add", "multiply")
    for how in ways:
        made = df.setitem(x, [1, 1], np.True_, how)
        assert made.dtype == x.dtype
        middle = {"add": 2, "multiply": 0}.get(how, 1)
        assert df.evaluate(made).astype(complex).tolist() == [0, middle, 0]


def test_float16_adds_up_in_float32() -> None:
    """The updates of one element aren't rounded one by one."""
    x = df.GraphBuilder().zeros((2,), "float16")
    made = x.at[np.zeros(5000, int)].add(np.ones(5000, np.float16))
    assert df.evaluate(made).tolist() == [5000.0, 0.0]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda t: t.at[0].set([1.0, 2.0]), ShapeError, "broadcast"),
        (lambda t: t.at[5].add(1), ShapeError, "out of range"),
        (lambda t: t.astype("int64").at[0].set(0.5), DTypeError, r"astype\('int64'\)"),
        (lambda t: t.at[0].add(1j), DTypeError, r"astype\('float32'\)"),
        (lambda t: t.astype("int64").at[0].divide(2), DTypeError, r"astype\('int64'\)"),
        (lambda t: df.index_add(t, 0, [[0]], 1.0), ShapeError, "not 1"),
        (lambda t: df.masked_fill(t, t, 0.0), DTypeError, "mask is of booleans"),
        (lambda t: df.masked_fill(t, t.T > 0, 0.0), ShapeError, "broadcast"),
        (lambda t: df.setitem(t, 0, 1, how="replace"), GraphError, "'set', 'add'"),
        (lambda t: df.scatter(t, 0, [[0]], 1.0, reduce="max"), GraphError, "'add', 'multiply'"),
        (lambda t: df.scatter_reduce(t, 0, [[0]], 1.0, "max"), GraphError, "'amax'"),
        (lambda t: (t > 0).at[0].add(1), DTypeError, "bool"),
    ],
)  # fmt: skip
def test_wrong_updates_are_refused(
    call: Callable[[Any], object], error: type[Exception], text: str
) -> None:
    """A value that doesn't fit, or a way that there isn't, is an error at the user's line."""
    with pytest.raises(error, match=text) as caught:
        call(df.GraphBuilder().input("x", (2, 3)))
    assert "test_updates.py:" in str(caught.value)


def test_an_index_out_of_range_changes_nothing() -> None:
    """An index in a tensor is checked before a variable is written."""
    b = df.GraphBuilder()
    v, i = b.variable("v", np.zeros(3)), b.input("i", (2,), "int64")
    b.update(v, v.at[i].add(1.0))
    runner = df.Runner(df.compile(b.build({})))
    runner.run(i=np.array([0, -1]))
    with pytest.raises(KernelError, match="index 3 is out of range"):
        runner.run(i=np.array([1, 3]))
    assert runner.state["v"].tolist() == [1, 0, 1]


def test_an_assignment_says_what_to_write() -> None:
    """`t[i] = v` names `at`, as does an update without a way to combine."""
    x = df.GraphBuilder().input("x", (3,))
    with pytest.raises(DTypeError, match=r"t\.at\[index\]\.set\(value\)"):
        x[0] = 1.0
    assert repr(x.at[0]).startswith("Tensor(x")


# The scatter family; its values and gradients are PyTorch's, see tests/peers/indexing.py


def test_put_along_axis_is_numpys() -> None:
    """What NumPy writes into its argument is here another tensor."""
    x, indices = X[0].copy(), np.array([[[2], [0]]])
    t = df.GraphBuilder().constant(x)
    made = [df.put_along_axis(t, indices, 9.0, 1), df.put_along_axis(t, [3, 5], [1, 2], None)]
    first, second = df.evaluate(*made)
    np.put_along_axis(x, np.broadcast_to(indices, (3, 2, 5)), 9.0, 1)
    np.testing.assert_array_equal(first, x)
    assert second.reshape(-1)[[3, 5]].tolist() == [1, 2]


def test_scatter_reads_the_corner_of_its_source() -> None:
    """A source longer than the indices is read from its first elements on, as PyTorch does."""
    t = df.GraphBuilder().zeros((3, 4), "int64")
    made = df.scatter(t, 1, [[3, 0]], np.arange(1, 7).reshape(2, 3))
    assert df.evaluate(made).tolist() == [[2, 0, 0, 1], [0] * 4, [0] * 4]


# Ways through memory


@pytest.mark.parametrize(
    ("shape", "count", "axis"),
    [((9000,), 9000, 0), ((70, 3), 5000, 0), ((3, 70, 5), 2000, 1), ((900, 4), 7, 1),
     ((5, 4, 600), 3, 1), ((2, 3, 5000), 4, 1), ((4, 1), 1, 0)],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "int16", "float16", "complex64"])
def test_sums_by_index_are_numpys(
    shape: tuple[int, ...], count: int, axis: int, dtype: str
) -> None:
    """Blocks of short rows, long rows one by one, along any axis: what `numpy.add.at` gives."""
    rng = np.random.default_rng(1)
    indices = rng.integers(-shape[axis], shape[axis], count)
    updates = rng.integers(-4, 5, (*shape[:axis], count, *shape[axis + 1 :])).astype(dtype)
    expected = np.zeros(shape, dtype)
    np.add.at(np.moveaxis(expected, axis, 0), indices, np.moveaxis(updates, axis, 0))
    b = df.GraphBuilder()
    x, weights = b.zeros(shape, dtype), b.constant(updates)
    at = (slice(None),) * axis + (b.constant(indices),)
    np.testing.assert_array_equal(df.evaluate(x.at[at].add(weights)), expected)
    if dtype != "int16":
        taken = df.take(x, indices, axis)
        cotangent = df.grad((taken * weights.conj()).real.sum() if dtype == "complex64"
                            else (taken * weights).sum(), [x])[0]  # fmt: skip
        np.testing.assert_array_equal(df.evaluate(cotangent), expected)


def test_sums_by_index_of_what_has_gaps_in_memory() -> None:
    """Updates that are a transposed view, and results with gaps, are added up as they are."""
    op = get_op("scatter_add")
    rng = np.random.default_rng(2)
    indices, attrs = np.array([2, 0, 2]), Attrs(axis=1, length=(4,))
    for shape in ((5, 3, 6), (5, 3, 700)):
        updates = rng.integers(0, 9, shape).astype(float)
        (expected,) = run(op, [updates, indices], attrs)
        turned = np.asfortranarray(updates)
        np.testing.assert_array_equal(run(op, [turned, indices], attrs)[0], expected)
        gaps = np.zeros((5, 4, 2 * shape[2]))[..., ::2]
        run(op, [turned, indices], attrs, [gaps])
        np.testing.assert_array_equal(gaps, expected)
