"""Bad arguments: each is refused by an error of ours that says in which call, and why."""

# mypy: disable-error-code="arg-type,call-arg,list-item,no-untyped-call,operator,dict-item"

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import dataflow as df

b = df.GraphBuilder()
MATRIX = b.constant(np.ones((3, 4)))
VECTOR = b.constant(np.ones(3))
WHOLE = b.constant(np.arange(3))
KEY = b.constant(df.random.key(0))
RAGGED = [[1], [2, 3]]

Row = tuple[Callable[[], object], type[df.errors.DataflowError], str]

KINDS: list[Row] = [
    (lambda: df.sum(MATRIX, axis=np.array([[0, 1]])), df.errors.ShapeError, "an axis is an int"),
    (lambda: df.cumsum(MATRIX, axis=np.array([0, 1])), df.errors.ShapeError, "an axis is an int"),
    (lambda: df.transpose(MATRIX, axes=-1), df.errors.DTypeError, "transpose"),
    (lambda: np.transpose(MATRIX, -1), df.errors.DTypeError, "transpose"),
    (lambda: df.fft.fftn(MATRIX, s=-1), df.errors.DTypeError, "fftn"),
    (lambda: df.random.poisson(KEY, None), df.errors.DTypeError, "poisson"),
    (lambda: df.random.gamma(KEY, None), df.errors.DTypeError, "gamma"),
    (lambda: df.random.t(KEY, None), df.errors.DTypeError, "t "),
    (lambda: df.random.wald(KEY, None), df.errors.DTypeError, "wald"),
    (lambda: df.random.f(KEY, None, 1), df.errors.DTypeError, "f "),
    (lambda: df.random.binomial(KEY, None, 0.5), df.errors.DTypeError, "binomial"),
    (lambda: df.random.binomial(KEY, RAGGED, 0.5), df.errors.ArgumentError, "inhomogeneous"),
    (lambda: df.percentile(MATRIX, "x"), df.errors.DTypeError, "a real number"),
    (lambda: df.tensordot(MATRIX, MATRIX, None), df.errors.ShapeError, "tensordot"),
    (lambda: df.nanvar(MATRIX, ddof=None), df.errors.DTypeError, "nanvar"),
    (lambda: df.histogram(MATRIX, range=-1), df.errors.DTypeError, "histogram"),
    (lambda: df.histogramdd(MATRIX, range=-1), df.errors.DTypeError, "histogramdd"),
    (lambda: df.linalg.cho_solve(None, VECTOR), df.errors.DTypeError, "cho_solve"),
    (lambda: df.choose(WHOLE, None), df.errors.DTypeError, "choose"),
    (lambda: df.select(None, [VECTOR]), df.errors.DTypeError, "select"),
    (lambda: df.lexsort(None), df.errors.DTypeError, "lexsort"),
    (lambda: df.linalg.multi_dot(None), df.errors.DTypeError, "multi_dot"),
    (lambda: df.unwrap(VECTOR, period=None), df.errors.DTypeError, "unwrap"),
    (lambda: df.simpson(VECTOR, dx=None), df.errors.DTypeError, "simpson"),
    (lambda: df.histc(VECTOR, min=None), df.errors.DTypeError, "histc"),
    (lambda: f"{VECTOR:.3f}", df.errors.DTypeError, "float(df.evaluate(t))"),
    (lambda: np.sum([VECTOR, VECTOR]), df.errors.DTypeError, "df.evaluate(t)"),
]

SIZES: list[Row] = [
    (lambda: df.zeros(-1, device=b), df.errors.ShapeError, "zeros"),
    (lambda: df.ones((2, -1), device=b), df.errors.ShapeError, "ones"),
    (lambda: df.zeros(2), df.errors.GraphError, "zeros"),
    (lambda: df.concat([]), df.errors.ShapeError, "concat"),
    (lambda: df.stack([]), df.errors.ShapeError, "stack"),
    (lambda: df.bincount(WHOLE), df.errors.ShapeError, "give minlength="),
    (lambda: df.bincount(WHOLE.reshape(3, 1), minlength=4), df.errors.ShapeError, "one axis"),
    (lambda: df.linalg.cholesky(MATRIX), df.errors.ShapeError, "takes square matrices"),
    (lambda: df.diff(VECTOR, n=10**30), df.errors.ArgumentError, "diff"),
    (lambda: df.array_split(VECTOR, 10**30), df.errors.ShapeError, "too many"),
    (lambda: df.tensor_split(VECTOR, 10**30), df.errors.ShapeError, "too many"),
    (lambda: df.split(df.zeros(0, device=b), 10**30), df.errors.ShapeError, "too many"),
    (lambda: df.random.split(KEY, 10**30), df.errors.ShapeError, "give a shape"),
    (lambda: df.special.multigammaln(VECTOR, 10**30), df.errors.ArgumentError, "multigammaln"),
    (lambda: df.eye(-1, device=b), df.errors.ShapeError, "eye"),
    (lambda: df.one_hot(WHOLE, -1), df.errors.ShapeError, "one_hot"),
    (lambda: df.linspace(0, 1, -2, device=b), df.errors.ShapeError, "linspace"),
    (lambda: df.bincount(WHOLE, minlength=-1), df.errors.ShapeError, "bincount"),
    (lambda: df.segment_sum(MATRIX, WHOLE, -1), df.errors.ShapeError, "segment_sum"),
]


@pytest.mark.parametrize(("call", "kind", "words"), KINDS + SIZES)
def test_a_bad_argument_is_refused(
    call: Callable[[], object], kind: type[Exception], words: str
) -> None:
    """The error is of our tree, names this file and says the words."""
    with pytest.raises(kind) as raised:
        call()
    assert type(raised.value) is kind
    assert words in str(raised.value)
    assert "test_refusals.py:" in str(raised.value)


def test_the_number_of_arguments_is_left_to_python() -> None:
    """A call with too few arguments, or an unknown one, raises Python's own TypeError."""
    for call in (lambda: df.sum(), lambda: df.sum(VECTOR, axs=0)):  # noqa: PLW0108 - by design
        with pytest.raises(TypeError, match="argument") as raised:
            call()
        assert type(raised.value) is TypeError


def test_the_errors_of_a_users_object_pass() -> None:
    """What the user's own code raises while one of our functions reads it arrives as it was."""

    class Items(list[int]):
        def __iter__(self) -> Iterator[int]:
            return iter([[].index(1)])

    with pytest.raises(ValueError, match="list") as raised:
        df.transpose(MATRIX, Items([1, 0]))
    assert type(raised.value) is ValueError


def test_integer_arrays_are_shapes_and_axes() -> None:
    """A NumPy array of ints does where a tuple does, and keepdims may be 0 or 1."""
    assert df.zeros(np.array([2, 3]), device=b).shape == (2, 3)
    assert MATRIX.reshape(np.array([4, 3])).shape == (4, 3)
    assert df.reshape(MATRIX, np.array([2, -1])).shape == (2, 6)
    assert df.sum(MATRIX, axis=np.array([0, 1])).shape == ()
    assert df.sum(MATRIX, axis=0, keepdims=1).shape == (1, 4)
    assert f"{VECTOR}" == str(VECTOR)


@pytest.mark.parametrize("order", [np.inf, 1, 2])
def test_the_largest_of_no_sizes_is_zero(order: float) -> None:
    """Norms of nothing that are maxima are 0, as NumPy has them from 2.4 on."""
    empty = b.constant(np.zeros((0, 0)))
    assert df.evaluate(df.linalg.norm(empty, order)) == 0
    assert df.evaluate(df.linalg.norm(b.constant(np.zeros(0)), order)) == 0


def test_corners_without_elements_or_axes_are_numpys() -> None:
    """Nothing unwraps to nothing, and one number is sorted by [0]."""
    assert df.evaluate(df.unwrap(b.constant(np.zeros(0)))).shape == (0,)
    assert df.evaluate(df.unwrap(b.constant(np.zeros((2, 0))), axis=0)).shape == (2, 0)
    assert df.evaluate(df.argsort(b.constant(1.0))).tolist() == [0]


x = b.input("x", (3,))
named = b.input("named", ("n",))
flags = b.input("flags", (3,), "bool")
other = df.GraphBuilder("other").input("x", (3,))
MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
STRUCTURED = np.zeros(3, [("a", "f4")])
DATE = np.datetime64("2020-01-01")

OPERANDS: list[Row] = [
    (lambda: x + None, df.errors.DTypeError, "add"),
    (lambda: x * "a", df.errors.DTypeError, "multiply"),
    (lambda: np.array(["a", "b", "c"]) + x, df.errors.DTypeError, "add"),
    (lambda: x + DATE, df.errors.DTypeError, "add"),
    (lambda: x + STRUCTURED, df.errors.DTypeError, "add"),
    (lambda: x + np.array([1, None, 2]), df.errors.DTypeError, "add"),
    (lambda: x + MASKED, df.errors.DTypeError, "filled"),
    (lambda: MASKED + x, df.errors.DTypeError, "df.evaluate(t)"),
    (lambda: x / named.shape[0], df.errors.DTypeError, "t.size(axis)"),
    (lambda: x + other, df.errors.GraphError, "different builders"),
    (lambda: df.concat([x, other]), df.errors.GraphError, "different builders"),
    (lambda: flags - flags, df.errors.DTypeError, "bitwise_xor"),
    (lambda: WHOLE.astype("int32") + 2**40, df.errors.DTypeError, "out of bounds"),
    (lambda: bool(named.shape[0]), df.errors.ShapeError, "no truth value"),
    (lambda: 0 in x, df.errors.DTypeError, "t == value"),
    (lambda: list(x), df.errors.DTypeError, "t[i]"),
    (lambda: len(named), df.errors.DTypeError, "t.size(0)"),
    (lambda: np.ones(3).__iadd__(x), df.errors.GraphError, "np.add with ['out']"),
    (lambda: x.expand(None), df.errors.ShapeError, "broadcast_to"),
    (lambda: x.size([0]), df.errors.ShapeError, "size of axis"),
    (lambda: x.__array_namespace__(api_version="1"), df.errors.GraphError, "no version '1'"),
    (lambda: pickle.dumps(x), df.errors.GraphError, "df.save"),
]

BUILDERS: list[Row] = [
    (lambda: df.GraphBuilder(None), df.errors.GraphError, "name is a text"),
    (lambda: df.GraphBuilder(seed=-1), df.errors.GraphError, "seed is an int of 0 or more"),
    (lambda: df.GraphBuilder(seed=np.matrix([[1]])), df.errors.GraphError, "seed is an int"),
    (lambda: b.constant(None, dtype="float32"), df.errors.DTypeError, "a number"),
    (lambda: b.constant("1", dtype="float32"), df.errors.DTypeError, "not a dtype"),
    (lambda: b.constant(DATE, dtype="float32"), df.errors.DTypeError, "not a dtype"),
    (lambda: b.constant(np.array([1j]), dtype="float32"), df.errors.DTypeError, "real part"),
    (lambda: b.constant(MASKED), df.errors.DTypeError, "filled"),
    (lambda: b.constant([x, 1]), df.errors.DTypeError, "a constant"),
    (lambda: b.constant(1.0, name=["y"]), df.errors.GraphError, "its name is a text"),
    (lambda: b.constant(1.0, requires_grad="no"), df.errors.DTypeError, "True or False"),
    (lambda: df.where(None, x, x), df.errors.DTypeError, "a number"),
    (lambda: b.input("x"), df.errors.NameTakenError, "choose another name"),
    (lambda: b.input("y", (-1,)), df.errors.ShapeError, "can't be negative"),
    (lambda: b.input("y", {2, 3}), df.errors.ShapeError, "a sequence"),
    (lambda: b.input("y", int), df.errors.ShapeError, "an int or a name"),
    (lambda: b.dim(None), df.errors.ShapeError, "an int or a name"),
    (lambda: b.size_of(None, "int64"), df.errors.ShapeError, "size_of"),
    (lambda: b.update(x, 1), df.errors.GraphError, "only variables are updated"),
    (lambda: b.variable("v", other), df.errors.GraphError, "another builder"),
    (lambda: b.build({"x": other}), df.errors.GraphError, "no tensor of graph"),
    (lambda: b.build({1: x}), df.errors.GraphError, "name is a text"),
    (lambda: b.application("none"), df.errors.UnknownNameError, "no node 'none'"),
    (lambda: b.apply("add", (x, x), df.Attrs()), df.errors.GraphError, "takes an op"),
    (lambda: b.apply(x.abs().op, (1.0,), df.Attrs()), df.errors.GraphError, "is no tensor"),
]


@pytest.mark.parametrize(("call", "kind", "words"), OPERANDS + BUILDERS)
def test_what_is_no_operand_or_declaration_is_refused(
    call: Callable[[], object], kind: type[Exception], words: str
) -> None:
    """Operators and the builder's methods refuse what doesn't fit as functions do."""
    test_a_bad_argument_is_refused(call, kind, words)


def test_what_is_of_another_graph_is_not_known() -> None:
    """A builder knows no values and no gradients of another's tensors, whatever their names."""
    one, two = df.GraphBuilder(), df.GraphBuilder()
    mine, theirs = one.constant(1.0), two.constant(2.0)
    assert mine.node == theirs.node
    assert one.known(mine) == 1
    assert one.known(theirs) is None
    assert one.gradient(theirs) is None


def test_a_copy_of_a_tensor_is_the_tensor() -> None:
    """A tensor is a name in its graph: copies, and copies of what holds it, are the same one."""
    assert copy.copy(x) is x
    assert copy.deepcopy({"x": [x]})["x"][0] is x
    assert {x: 1}[copy.copy(x)] == 1


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_builder_is_not_copied(copied: Callable[[object], object]) -> None:
    """What a copy of half a graph would be isn't guessed; a finished graph is saved."""
    with pytest.raises(df.errors.GraphError, match=r"df\.save"):
        copied(b)


def test_a_dimension_is_calculated_with_whole_numbers() -> None:
    """NumPy's ints do where Python's do; anything else is refused by Python."""
    n = named.shape[0]
    assert n * np.int64(2) == 2 * n
    assert np.prod(named.shape) == n
    for call in (lambda: n * 1.5, lambda: n + None, lambda: "a" * n):
        with pytest.raises(TypeError):
            call()
