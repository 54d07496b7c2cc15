"""What `pad` promises: NumPy's values in every mode, gradients, named lengths, errors."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DTypeError, GraphError, ShapeError

MODES: list[tuple[str, dict[str, Any]]] = [
    ("constant", {}), ("constant", {"constant_values": ((1, 2), (3, 4))}), ("edge", {}),
    ("reflect", {}), ("reflect", {"reflect_type": "odd"}), ("symmetric", {}),
    ("symmetric", {"reflect_type": "odd"}), ("wrap", {}), ("linear_ramp", {}),
    ("linear_ramp", {"end_values": (5, -4)}), ("maximum", {}), ("minimum", {"stat_length": 2}),
    ("mean", {"stat_length": ((1, 2), (3, 9))}), ("median", {"stat_length": 3}),
]  # fmt: skip
NUMPYS_PAD: Any = np.pad
WIDTHS = st.tuples(st.integers(0, 9), st.integers(0, 9))


def drawn(shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    """Draw whole numbers, which are added without rounding."""
    return np.random.default_rng(len(shape)).integers(0, 9, shape).astype(dtype)


def check(array: np.ndarray, widths: Any, mode: str, options: dict[str, Any]) -> None:  # noqa: ANN401
    """Check for NumPy's values, shape and dtype, called as ours and as NumPy's."""
    t = df.GraphBuilder().constant(array)
    expected = NUMPYS_PAD(array, widths, mode, **options)
    for made in (
        df.pad(t, widths, mode, **options),
        cast("Any", np.pad)(t, widths, mode, **options),
    ):
        value = np.asarray(df.evaluate(made))
        assert made.shape == value.shape
        assert value.dtype == expected.dtype
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.integers(1, 4), WIDTHS, WIDTHS, st.sampled_from(MODES))
def test_values_are_numpys(
    rows: int, columns: int, first: tuple[int, int], second: tuple[int, int],
    mode: tuple[str, dict[str, Any]],
) -> None:  # fmt: skip
    """Any widths, several times longer than an axis too, in any mode give NumPy's values."""
    check(drawn((rows, columns)), (first, second), *mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float16", "complex64"])
def test_dtypes_stay(mode: tuple[str, dict[str, Any]], dtype: str) -> None:
    """Every dtype that NumPy pads in a mode is padded and kept; integers are rounded alike."""
    if dtype == "bool" and ("odd" in mode[1].values() or mode[0] == "linear_ramp"):
        return  # NumPy refuses to subtract bools
    if dtype[0] == "c" and mode[0] in ("maximum", "minimum", "median"):
        return  # complex numbers have no order
    check(drawn((3, 2), dtype), ((1, 2), (2, 3)), *mode)


@pytest.mark.parametrize("widths", [2, (1, 2), [[1, 2]], [[1], [2]], 0, [3]])
def test_widths_are_read_as_numpy_reads_them(widths: Any) -> None:  # noqa: ANN401
    """One number, one pair, or one pair or number for each axis."""
    check(drawn((3, 2)), widths, "constant", {})
    check(drawn((3, 2)), widths, "edge", {})


def test_widths_of_some_axes() -> None:
    """A dict, which NumPy before 2.3 doesn't know, names the axes that are padded."""
    x = df.GraphBuilder().constant(drawn((3, 2)))
    some, each = df.pad(x, {1: 2, -2: (0, 1)}), df.pad(x, ((0, 1), (2, 2)))
    np.testing.assert_array_equal(*df.evaluate(some, each))


def test_empty_axes_and_scalars() -> None:
    """An empty axis takes constants; beside an empty axis any mode works; a scalar has none."""
    check(np.zeros((0, 2)), 1, "constant", {"constant_values": 7})
    check(np.zeros((0, 2)), ((0, 0), (1, 2)), "reflect", {})
    check(np.zeros((0, 2)), ((0, 0), (1, 2)), "maximum", {})
    check(np.array(5.0), 3, "constant", {})


def test_infinities_stay_where_they_are() -> None:
    """An infinity in the middle reaches none of the elements that don't mirror it."""
    array = np.array([1.0, np.inf, 2.0, 4.0])
    check(array, (1, 1), "reflect", {"reflect_type": "odd"})
    check(array, (2, 9), "symmetric", {})


@pytest.mark.parametrize("mode", MODES)
def test_gradients_are_the_differences(mode: tuple[str, dict[str, Any]]) -> None:
    """All modes but extremes and medians are linear, so a gradient is a sum of weights."""
    if mode[0] in ("maximum", "minimum", "median"):
        return
    array, widths = drawn((3, 2)), ((4, 3), (2, 5))
    x = df.GraphBuilder().constant(array)
    made = df.pad(x, widths, mode[0], **mode[1])
    w = np.random.default_rng(0).uniform(1, 2, cast("tuple[int, ...]", made.shape))
    gradient = np.asarray(df.evaluate(df.grad((made * w).sum(), x)))
    before = NUMPYS_PAD(array, widths, mode[0], **mode[1])
    for place in np.ndindex(array.shape):
        moved = array.copy()
        moved[place] += 1
        change = NUMPYS_PAD(moved, widths, mode[0], **mode[1]) - before
        assert gradient[place] == pytest.approx((w * change).sum(), rel=1e-12)


def test_a_constant_may_be_a_tensor() -> None:
    """The gradient of a constant that is a tensor is the sum over the margin."""
    b = df.GraphBuilder()
    x, c = b.constant(drawn((2, 3))), b.constant(np.float64(5))
    made = df.pad(x, 1, constant_values=c)
    value, gradient = df.evaluate(made, df.grad(made.sum(), c))
    np.testing.assert_array_equal(value, np.pad(drawn((2, 3)), 1, constant_values=5))
    assert float(gradient) == 20 - 6


@pytest.mark.parametrize("mode", MODES)
def test_named_lengths_are_padded(mode: tuple[str, dict[str, Any]]) -> None:
    """Axes with a name are padded in every mode, by names too where elements are constant."""
    if mode[0] == "mean":
        mode = ("mean", {"stat_length": 2})
    b = df.GraphBuilder()
    x = b.input("x", ("n", "m"), "float64")
    made = df.pad(x, ((2, 1), (0, 2)), mode[0], **mode[1])
    assert made.shape == (b.dim("n + 3"), b.dim("m + 2"))
    graph = b.build({"y": made})
    array = drawn((4, 3))
    value = df.Runner(df.compile(graph, dims={"n": 4, "m": 3})).run(x=array)["y"]
    expected = NUMPYS_PAD(array, ((2, 1), (0, 2)), mode[0], **mode[1])
    np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_widths_may_be_named() -> None:
    """A width may be a dimension."""
    b = df.GraphBuilder()
    x, k = b.input("x", ("n",), "float64"), b.dim("k")
    made = {mode: df.pad(x, (k, 1), mode) for mode in ("constant", "edge", "linear_ramp", "wrap")}
    graph = b.build(made)
    found = df.Runner(df.compile(graph, dims={"n": 4, "k": 3})).run(x=drawn((4,)))
    for mode, value in found.items():
        expected = NUMPYS_PAD(drawn((4,)), (3, 1), mode)
        np.testing.assert_allclose(value, expected)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: df.pad(t, -1), ShapeError, "can't be negative: -1"),
        (lambda t: df.pad(t, ((1, 2), (3, 4), (5, 6))), ShapeError, "a pair for 2 axes"),
        (lambda t: df.pad(t, cast("int", 1.5)), DTypeError, "is an int, not 1.5"),
        (lambda t: df.pad(t, {2: 1}), ShapeError, "axis 2 is out of range"),
        (lambda t: df.pad(t, 1, "empty"), GraphError, "mode 'empty' is none of constant, edge"),
        (lambda t: df.pad(t, 1, "edge", constant_values=1), GraphError, "takes no constant_values"),
        (lambda t: df.pad(t, 1, "reflect", reflect_type="x"), GraphError, "'even' or 'odd'"),
        (lambda t: df.pad(t[:0], 1, "wrap"), ShapeError, "axis 0 has no element for mode 'wrap'"),
        (lambda t: df.pad(t, 1, "maximum", stat_length=0), ShapeError, "has no value"),
        (lambda t: df.pad(t, 1, "linear_ramp", end_values=[1, 2, 3]), ShapeError, "for 2 axes"),
    ],
)
def test_errors_come_at_the_users_line(
    call: Callable[..., Any], error: type[Exception], message: str
) -> None:
    """Wrong widths, modes and options are refused where the node is declared."""
    t = df.GraphBuilder().constant(np.ones((2, 3)))
    with pytest.raises(error, match=message) as caught:
        call(t)
    assert "test_padding.py:" in str(caught.value)


def test_a_named_axis_shorter_than_its_margin_is_refused() -> None:
    """Compile says that there aren't so many elements to mirror."""
    b = df.GraphBuilder()
    graph = b.build({"y": df.pad(b.input("x", ("n",)), 3, "reflect")})
    with pytest.raises(df.errors.DataflowError, match="don't lie within"):
        df.compile(graph, dims={"n": 2})
