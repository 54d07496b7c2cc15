"""Proves the products of tensors against NumPy's, over axes, ranks and dtypes, and their errors."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from tests.numpys import assert_near, signed

draw = partial(signed, np.random.default_rng(5))
DTYPES = ("bool", "int8", "uint16", "int64", "float16", "float32", "float64", "complex64",
          "complex128")  # fmt: skip
PAIRS: list[tuple[str, Callable[..., Any], tuple[tuple[int, ...], tuple[int, ...]]]] = [
    ("dot", np.dot, ((), (2, 3))), ("dot", np.dot, ((3,), (3,))), ("dot", np.dot, ((2, 3), (3,))),
    ("dot", np.dot, ((2, 3), (4, 3, 2))), ("dot", np.dot, ((0, 3), (3, 0))),
    ("inner", np.inner, ((2, 3), ())), ("inner", np.inner, ((2, 3), (4, 5, 3))),
    ("inner", np.inner, ((0,), (0,))), ("vdot", np.vdot, ((2, 3), (3, 2))),
    ("vdot", np.vdot, ((), ())), ("vecdot", np.vecdot, ((2, 1, 3), (4, 3))),
    ("vecdot", np.vecdot, ((2, 0), (2, 0))), ("matvec", np.matvec, ((2, 3), (4, 3))),
    ("matvec", np.matvec, ((5, 2, 3), (1, 3))), ("vecmat", np.vecmat, ((4, 2), (2, 3))),
    ("outer", np.outer, ((2, 2), (3,))), ("outer", np.outer, ((), (0,))),
    ("kron", np.kron, ((2, 3), (4,))), ("kron", np.kron, ((2,), (3, 0, 2))),
    ("kron", np.kron, ((), (2, 2))), ("cross", np.cross, ((2, 3), (3,))),
    ("cross", np.cross, ((4, 1, 3), (2, 3))), ("cross", np.cross, ((0, 3), (0, 3))),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "function", "shapes"), PAIRS)
def test_products_are_numpys(name: str, function: Any, shapes: Any, dtype: str) -> None:  # noqa: ANN401
    """Values, shapes and dtypes are those of NumPy's function of the same name."""
    if (name, dtype) == ("cross", "bool"):
        return  # NumPy has no subtraction of bools
    a, b = (draw(shape, dtype) for shape in shapes)
    x = df.GraphBuilder().constant(a)
    assert_near(df.evaluate(getattr(df, name)(x, b)), np.asarray(function(a, b)))


def test_numpy_finds_the_products() -> None:
    """NumPy's own functions, called with a tensor, declare nodes of ours."""
    x = df.GraphBuilder().constant(draw((3, 3), "float64"))
    for function in (np.dot, np.inner, np.outer, np.kron, np.cross, np.vdot, np.tensordot,
                     np.vecdot, np.matvec, np.vecmat):  # fmt: skip
        assert isinstance(function(x, x), df.Tensor)


@st.composite
def tensordots(draw_: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], Any]:
    """Draw two shapes and the axes in which they agree, in any order."""
    sizes = st.lists(st.integers(0, 3), max_size=2)
    shared, left, right = draw_(sizes), draw_(sizes), draw_(sizes)
    a_order = draw_(st.permutations(range(len(left) + len(shared))))
    b_order = draw_(st.permutations(range(len(right) + len(shared))))
    a, b = ([*left, *shared], [*right, *shared])
    a_axes = [a_order.index(len(left) + k) for k in range(len(shared))]
    b_axes = [b_order.index(len(right) + k) - len(b) for k in range(len(shared))]
    return tuple(a[i] for i in a_order), tuple(b[i] for i in b_order), (a_axes, b_axes)


@settings(max_examples=60, deadline=None)
@given(tensordots())
def test_tensordot_is_numpys_over_any_axes(case: Any) -> None:  # noqa: ANN401 - shapes and axes
    """Whatever the axes, their order and their signs, the result is NumPy's."""
    shape_a, shape_b, axes = case
    a, b = draw(shape_a, "float64"), draw(shape_b, "complex128")
    x = df.GraphBuilder().constant(a)
    assert_near(df.evaluate(df.tensordot(x, b, axes)), np.asarray(np.tensordot(a, b, axes)))


@pytest.mark.parametrize("axes", [0, 1, 2, (0, 1), ([1], -2)])
def test_tensordot_takes_numbers_of_axes(axes: Any) -> None:  # noqa: ANN401
    """An int, and a pair of ints, mean what they mean to NumPy."""
    a = draw((3, 3), "float64")
    x = df.GraphBuilder().constant(a)
    assert_near(df.evaluate(df.tensordot(x, x, axes)), np.asarray(np.tensordot(a, a, axes)))


def test_axes_of_vecdot_and_cross_are_numpys() -> None:
    """The axes of vectors are found in each operand, and put where they are asked for."""
    a, b = draw((3, 4, 5), "complex128"), draw((3, 1, 5), "complex128")
    x = df.GraphBuilder().constant(a)
    assert_near(df.evaluate(df.vecdot(x, b, axis=0)), np.sum(a.conj() * b, axis=0))
    c = draw((5, 3), "complex128")
    assert_near(df.evaluate(df.cross(x, c, axisa=0, axisc=1)), np.cross(a, c, axisa=0, axisc=1))
    assert_near(df.evaluate(df.cross(x, x[::-1], axis=0)), np.cross(a, a[::-1], axis=0))


def test_cross_in_the_plane() -> None:
    """A vector of 2 elements has 0 for its third; two of them give the third element alone."""
    flat, deep = draw((4, 2), "float64"), draw((4, 3), "float64")
    lifted = np.concatenate([flat, np.zeros((4, 1))], axis=1)
    x, y = (df.GraphBuilder().constant(a) for a in (flat, deep))
    assert_near(df.evaluate(df.cross(x, deep)), np.cross(lifted, deep))
    assert_near(df.evaluate(df.cross(y, flat)), np.cross(deep, lifted))
    assert_near(df.evaluate(df.cross(x, flat[::-1])), np.cross(lifted, lifted[::-1])[:, 2])


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint32", "float32", "complex128"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_convolutions_are_numpys(mode: Any, dtype: str) -> None:  # noqa: ANN401 - NumPy's modes
    """The longer first or second, even or odd lengths: all parts are those that NumPy cuts out."""
    for n, m in ((6, 3), (5, 4), (3, 6), (4, 7), (4, 4), (1, 3), (1, 1)):
        a, v = draw((n,), dtype), draw((m,), dtype)
        x = df.GraphBuilder().constant(a)
        assert_near(df.evaluate(df.convolve(x, v, mode)), np.convolve(a, v, mode))
        assert_near(df.evaluate(df.correlate(x, v, mode)), np.correlate(a, v, mode))


def test_pytorchs_products_take_one_number_of_axes() -> None:
    """mm, bmm and mv are `matmul` where PyTorch takes the operands, and errors where it doesn't."""
    a, v = draw((2, 3, 3), "float64"), draw((3,), "float64")
    x = df.GraphBuilder().constant(a)
    assert_near(df.evaluate(df.mm(x[0], x[1])), a[0] @ a[1])
    assert_near(df.evaluate(df.bmm(x, x)), a @ a)
    assert_near(df.evaluate(df.mv(x[0], v)), a[0] @ v)
    calls: list[Callable[[], object]] = [
        lambda: df.mm(x, x), lambda: df.bmm(x, x[:1]), lambda: df.bmm(x, x[0]),
        lambda: df.mv(x[0], x[0]),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ShapeError, match="test_contractions"):
            call()


def test_whole_convolutions_take_named_lengths() -> None:
    """With a named length on either side, or on both, and of integers too."""
    b = df.GraphBuilder()
    x, y = b.input("x", ("n",), "float64"), b.input("y", ("m",), "int64")
    a, v = draw((5,), "float64"), draw((3,), "int64")
    made = df.convolve(x, v), df.convolve([1.0, 2.0], x), df.correlate(x, x, "full"), y
    assert [str(t.shape[0]) for t in made] == ["n + 2", "n + 1", "2*n - 1", "m"]
    values = df.evaluate(*made, df.convolve(y, y), feeds={"x": a, "y": v})
    expected = (np.convolve(a, v), np.convolve([1, 2], a), np.correlate(a, a, "full"), v,
                np.convolve(v, v))  # fmt: skip
    for one, other in zip(values, expected, strict=True):
        assert_near(one, other)
    with pytest.raises(ShapeError, match="known"):
        df.convolve(x, v, "same")


def test_named_dimensions_stay_named() -> None:
    """Products of tensors with a named axis have it in their shapes, and its size when run."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 3), "float64")
    made = (df.kron(x, np.ones((2, 2))), df.inner(x, x), df.outer(x, x), df.vecdot(x, x))
    assert [str(t.shape[0]) for t in made] == ["2*batch", "batch", "3*batch", "batch"]
    values = df.evaluate(*made, feeds={"x": np.ones((5, 3))})
    assert [v.shape for v in values] == [(10, 6), (5, 5), (15, 15), (5,)]


def test_matrices_are_views() -> None:
    """Where contracted axes come last, or first, no operand is copied on the way to BLAS."""
    b = df.GraphBuilder()
    x, y = b.input("x", (2, 3, 4), "float64"), b.input("y", (5, 6, 4), "float64")
    graph = b.build(outputs={"inner": df.inner(x, y)})
    ops = {data["op"] for _, data in graph.dag.nodes(data=True)}
    assert "copy" not in ops


HALF: Any = 0.5
WRONG: list[tuple[str, Callable[[df.Tensor], object]]] = [
    ("tensordot", lambda x: df.tensordot(x, x, 3)),
    ("tensordot", lambda x: df.tensordot(x, x, HALF)),
    ("named once", lambda x: df.tensordot(x, x, ([0, 0], [0, 0]))),
    ("tensordot", lambda x: df.tensordot(x, x, ([0],))),
    ("tensordot", lambda x: df.tensordot(x, x, (0, [0, 1]))),
    ("axis 2", lambda x: df.tensordot(x, x, (2, 0))), ("dot", lambda x: df.dot(x, x)),
    ("inner", lambda x: df.inner(x, np.ones(2))), ("vdot", lambda x: df.vdot(x, np.ones(2))),
    ("axis 2", lambda x: df.vecdot(x, x, axis=2)), ("vecdot", lambda x: df.vecdot(x, np.ones(4))),
    ("matvec", lambda x: df.matvec(np.ones(3), x)), ("vecmat", lambda x: df.vecmat(2.0, x)),
    ("length 2 or 3", lambda x: df.cross(x, np.ones(4))), ("axis", lambda x: df.cross(x, x, 5)),
    ("mode", lambda x: df.convolve(x[0], x[0], "half")), ("vectors", lambda x: df.correlate(x, x)),
    ("one element", lambda x: df.convolve(x[0], np.ones(0))),
    ("broadcast", lambda x: df.cross(x, np.ones((5, 3)))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "call"), WRONG)
def test_wrong_axes_are_refused_where_they_are_declared(text: str, call: Any) -> None:  # noqa: ANN401
    """Axes that don't exist or don't agree are errors of the line that names them."""
    x = df.GraphBuilder().constant(np.ones((2, 3)))
    with pytest.raises(ArgumentError, match="test_contractions") as caught:
        call(x)
    assert text in str(caught.value)


def test_dtypes_without_a_common_one_are_refused() -> None:
    """Text can't be multiplied, and the message says which line tried."""
    x = df.GraphBuilder().constant(np.ones(2))
    with pytest.raises(DTypeError):
        df.outer(x, np.array(["a", "b"]))
