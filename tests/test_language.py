"""The language: what a builder accepts, which nodes operators make, and what errors say."""

from collections.abc import Callable
from inspect import currentframe
from types import FrameType
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.dim_texts import as_dim
from dataflow.errors import (
    DTypeError,
    GradientError,
    GraphError,
    NameTakenError,
    ShapeError,
)
from dataflow.registry import get_op


def here() -> int:
    """Return the caller's line."""
    frame = currentframe()
    assert frame is not None
    caller: FrameType | None = frame.f_back
    assert caller is not None
    return caller.f_lineno


# Inputs and their dimensions


def test_input_has_the_spec_declared() -> None:
    """An input keeps its name, its dimensions, named or not, and its dtype."""
    x = df.GraphBuilder().input("x", shape=("batch", "2*n + 1", 3), dtype="float64")
    assert x.shape == (as_dim("batch"), as_dim("1 + n*2"), 3)
    assert (x.node, x.dtype, x.ndim) == ("x", np.dtype("float64"), 3)
    assert str(x.spec) == "float64[batch, 2*n + 1, 3]"


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        (("batch", 3), (3,), ("batch", 3)),
        (("batch", 1), ("n",), ("batch", "n")),
        ((1,), ("batch",), ("batch",)),
        (("batch",), (), ("batch",)),
        (("2*n",), ("n + n",), ("2*n",)),
        ((0,), (1,), (0,)),
    ],
)
def test_named_dimensions_broadcast(left: Any, right: Any, result: Any) -> None:  # noqa: ANN401
    """Equal expressions and the literal 1 broadcast."""
    b = df.GraphBuilder()
    total = b.input("x", left) + b.input("y", right)
    assert total.shape == tuple(as_dim(dim) for dim in result)


@pytest.mark.parametrize(("left", "right"), [("batch", "n"), ("batch", 2), (2, 3), ("n", "n + 1")])
def test_other_dimensions_do_not_broadcast(left: Any, right: Any) -> None:  # noqa: ANN401
    """Two names, or a name and a number, don't, whatever they may be bound to."""
    b = df.GraphBuilder()
    x, y = b.input("x", (left,)), b.input("y", (right,))
    with pytest.raises(ShapeError, match="don't broadcast"):
        x + y


def test_sizes_of_named_dimensions_are_tensors() -> None:
    """`size` gives a dimension, or the number of elements, as a tensor of what is fed."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", "n"))
    sizes = df.evaluate(x.size(0), x.size(-1), x.size(), x=np.zeros((5, 2), np.float32))
    assert [int(size) for size in sizes] == [5, 2, 10]


@pytest.mark.parametrize("shape", [(-1,), ("2*",), (1.5,), (True,), None, ("a.b",)])
def test_what_is_no_shape_is_refused(shape: Any) -> None:  # noqa: ANN401
    """A shape's entries are sizes of 0 or more, names or expressions."""
    with pytest.raises(ShapeError):
        df.GraphBuilder().input("x", shape)


@pytest.mark.parametrize("dtype", ["object", "str", "datetime64[s]", "float31", None, 3, "O"])
def test_what_is_no_dtype_is_refused(dtype: object) -> None:
    """A dtype is one of fourteen; the message lists them."""
    with pytest.raises(DTypeError, match="float32, float64"):
        df.GraphBuilder().input("x", (), dtype)


# Constants


def test_constants_are_copied_and_locked() -> None:
    """Changing the caller's array changes no constant, and a constant can't be written to."""
    array = np.arange(3.0)
    b = df.GraphBuilder()
    doubled = b.constant(array) * 2
    array[...] = -1
    graph = b.build(doubled)
    assert df.evaluate(doubled).tolist() == [0, 2, 4]
    with pytest.raises(ValueError, match="read-only"):
        graph.constants["constant_0"][...] = 0
    with pytest.raises(TypeError):
        graph.constants["constant_0"] = array  # type: ignore[index]  # what is tested


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.5, "float32"), (1, "int64"), (True, "bool"), ([1.0, 2.0], "float32"), (2j, "complex64"),
        (np.float64(1), "float64"), (np.zeros(2, "float16"), "float16"),
        (np.zeros(2, ">f4"), "float32"), (np.zeros(2, "uint8"), "uint8"),
    ],
)  # fmt: skip
def test_constants_keep_or_get_a_dtype(value: object, dtype: str) -> None:
    """Arrays keep their dtype, in native order; Python's floats become float32, its ints int64."""
    constant = df.GraphBuilder().constant(value)  # type: ignore[arg-type]  # arrays of all kinds
    assert constant.dtype == np.dtype(dtype)
    assert constant.dtype.isnative


@pytest.mark.parametrize("value", ["text", object(), [[1], [2, 3]], 10**30, None])
def test_what_is_no_constant_is_refused(value: object) -> None:
    """What NumPy can't hold as numbers is a DTypeError, not NumPy's own error."""
    with pytest.raises(DTypeError):
        df.GraphBuilder().constant(value)  # type: ignore[arg-type]  # what is tested


# Errors


def test_an_error_names_node_shapes_and_the_users_line() -> None:
    """A wrong shape is told with the node, the op, the operands and this file's line."""
    b = df.GraphBuilder()
    x, y = b.input("x", (2, 3)), b.input("y", ("batch", 3))
    line = here() + 2
    with pytest.raises(ShapeError) as caught:
        x * y
    message = str(caught.value)
    for part in ("'multiply_0'", f"test_language.py:{line}", "x float32[2, 3]",
                 "y float32[batch, 3]", "neither is 1"):  # fmt: skip
        assert part in message, part


def test_an_error_of_dtypes_names_the_users_line() -> None:
    """So is a dtype that an operation doesn't take."""
    x = df.GraphBuilder().input("x", (2,), "float32")
    line = here() + 2
    with pytest.raises(DTypeError, match=f"bitwise_and.*test_language.py:{line}.*float32"):
        x & 1


@pytest.mark.parametrize(
    "call",
    [lambda t: t.sum(axis=2), lambda t: t.sum(axis=(0, 0)), lambda t: t.reshape(5),
     lambda t: t.transpose(0, 0), lambda t: t @ t, lambda t: t[5], lambda t: t[0, 0, 0],
     lambda t: t.squeeze(0), lambda t: t.size(7), lambda t: df.concat([t, t.T], axis=0)],
)  # fmt: skip
def test_wrong_axes_and_shapes_are_shape_errors(call: Callable[[Any], object]) -> None:
    """An axis, a shape or an index that doesn't fit is a ShapeError, never NumPy's or Python's."""
    with pytest.raises(ShapeError):
        call(df.GraphBuilder().input("x", (2, 3)))


def test_source_lines_name_no_folder() -> None:
    """A node's source is a file name and a line."""
    b = df.GraphBuilder()
    x = b.input("x") * 2
    line = here() - 1
    assert b.build(x).node(x.node).source == f"test_language.py:{line}"


def test_a_name_is_given_once() -> None:
    """A second input of a name is an error that says where the first was declared."""
    b = df.GraphBuilder()
    b.input("x")
    line = here() - 1
    with pytest.raises(NameTakenError, match=f"'x'.*test_language.py:{line}.*another name"):
        b.input("x")
    with pytest.raises(NameTakenError):
        b.variable("x", np.zeros(2))
    with pytest.raises(GraphError, match="isn't empty"):
        b.input("")


def test_made_up_names_keep_out_of_the_way() -> None:
    """Nodes without names get names that no other node has."""
    b = df.GraphBuilder()
    x = b.input("add_0")
    assert len({x.node, (x + x).node, (x + x).node}) == 3


def test_builders_do_not_mix() -> None:
    """Tensors of two builders can't meet in one node, an update or an output."""
    one, other = df.GraphBuilder("one"), df.GraphBuilder("other")
    x, y = one.input("x"), other.input("y")
    with pytest.raises(GraphError, match="different builders"):
        x + y
    with pytest.raises(GraphError, match="belongs to another builder"):
        one.apply(get_op("add"), (x, y), Attrs())
    with pytest.raises(GraphError, match="is no tensor of graph"):
        one.build({"y": y})
    with pytest.raises(GraphError, match="another builder"):
        one.update(one.variable("v", 1.0), y)


# Variables


def test_updates_must_fit_their_variable() -> None:
    """An update has the variable's shape and dtype, and there is one of them."""
    b = df.GraphBuilder()
    v, x = b.variable("v", np.zeros((2, 3), np.float32)), b.input("x", (2, 3))
    with pytest.raises(ShapeError, match=r"'v' is float32\[2, 3\], its update .* float32\[3, 2\]"):
        b.update(v, x.T)
    with pytest.raises(DTypeError, match=r"use .astype\('float32'\)"):
        b.update(v, x.astype("float64"))
    with pytest.raises(GraphError, match="is no variable"):
        b.update(x, v)
    b.update(v, v + x)
    with pytest.raises(GraphError, match="has an update already"):
        b.update(v, v)


def test_initial_values_are_closed() -> None:
    """A variable's first value can't depend on an input or on another variable."""
    b = df.GraphBuilder()
    x = b.input("x")
    with pytest.raises(GraphError, match="depends on 'x'"):
        b.variable("v", x + 1)
    v = b.variable("v", b.ones(3) * 2)
    with pytest.raises(GraphError, match="depends on 'v'"):
        b.variable("w", v + 1)


def test_a_refused_declaration_leaves_nothing_behind() -> None:
    """After an error the builder is as it was: the name is free, and the graph builds."""
    b = df.GraphBuilder()
    with pytest.raises(DTypeError, match=r"input 'x' \(test_language\.py:\d+\) is int64"):
        b.input("x", (2,), "int64", requires_grad=True)
    with pytest.raises(DTypeError, match=r"variable 'v' \(test_language\.py:\d+\) is int64"):
        b.variable("v", [1, 2], requires_grad=True)
    zeros = b.zeros((2,))
    x = b.input("x", (2,))
    with pytest.raises(NameTakenError, match=r"variable 'x' \(test_language\.py:\d+\)"):
        b.variable("x", zeros)
    graph = b.build({"y": x + zeros, "v": b.variable("v", 1.0)})
    assert graph.node(zeros.node).sweep == "forward"


def test_a_refused_draw_does_not_count() -> None:
    """The draws after one that was refused are those of a builder without it."""
    b, other = df.GraphBuilder(), df.GraphBuilder()
    with pytest.raises(DTypeError):
        b.rand((3,), "int64")
    assert df.evaluate(b.rand((3,))).tolist() == df.evaluate(other.rand((3,))).tolist()


@pytest.mark.parametrize("declare", [
    lambda b: b.input("x", (-1,)), lambda b: b.input("x", (), "text"), lambda b: b.input(""),
    lambda b: b.constant(None), lambda b: b.constant([[1], [2, 3]]), lambda b: b.zeros((1.5,)),
    lambda b: b.randn((2,), "text"), lambda b: b.constant(1.0) * [[1], [2, 3]],
    lambda b: b.constant(1.0) + None, lambda b: b.constant(1.0).astype(None),
    lambda b: b.update(3, 3), lambda b: b.build(3),
])  # fmt: skip
def test_every_refusal_names_the_users_line(declare: Callable[[Any], object]) -> None:
    """What is no shape, dtype, value or tensor is refused at the line that gave it."""
    with pytest.raises(GraphError, match=r"test_language\.py:\d+"):
        declare(df.GraphBuilder())


def test_requires_grad_can_be_set_on_a_leaf_alone() -> None:
    """As in PyTorch: a leaf of floats starts to require one, a result can't stop to."""
    b = df.GraphBuilder()
    x = b.constant([1.0, 2.0])
    x.requires_grad = True
    y = x * x
    y.sum().backward()
    assert x.grad is not None
    assert df.evaluate(x.grad).tolist() == [2.0, 4.0]
    with pytest.raises(GradientError, match=r"no leaf.*detach"):
        y.requires_grad = False
    with pytest.raises(DTypeError, match="only floating-point"):
        b.constant(1).requires_grad = True


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("sum", ([1.0],)), ("reshape", (np.ones(3), (3, 1))), ("exp", ([1.0],)),
     ("softmax_cross_entropy", (np.ones((2, 2)), [0, 1])), ("concat", ([[1.0]],))],
)  # fmt: skip
def test_functions_on_no_tensor_say_so(name: str, arguments: tuple[Any, ...]) -> None:
    """A function called on arrays alone names the user's line and how to make a tensor."""
    with pytest.raises(GraphError, match=r"tensor.*make one .*builder") as caught:
        getattr(df, name)(*arguments)
    assert "test_language.py:" in str(caught.value)


def test_a_tensor_is_not_assigned_to() -> None:
    """Elements can't be set; the error says what gives a tensor with other elements."""
    x = df.GraphBuilder().input("x", (3,))
    with pytest.raises(DTypeError, match=r"test_language\.py:\d+.*df\.where"):
        x[0] = 1.0
