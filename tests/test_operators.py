"""Operators and NumPy's functions on tensors: they make nodes with NumPy's dtypes and values."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DTypeError, GraphError
from dataflow.spec import DTYPES

ARITHMETIC: list[Callable[[Any, Any], Any]] = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip
BITWISE: list[Callable[[Any, Any], Any]] = [
    operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift,
]  # fmt: skip
LINEAR: list[Callable[[Any], Any]] = [operator.neg, operator.pos, operator.abs]
PROMOTING: list[Callable[[Any, Any], Any]] = [
    np.add, np.subtract, np.multiply, np.true_divide, np.floor_divide, np.power, np.maximum,
    np.less, np.bitwise_and, np.left_shift,
]  # fmt: skip


def named(function: Callable[..., Any]) -> str:
    """Return what a function is called in a test's name."""
    return str(function.__name__)


# Promotion


ORDERING = (np.maximum, np.less)
"""NumPy orders complex numbers by their real parts first; here they have no order."""


def promoted(function: Callable[[Any, Any], Any], a: Any, b: Any) -> object:  # noqa: ANN401
    """Return the dtype of a result, or TypeError if there is none."""
    try:
        with np.errstate(all="ignore"):
            result = function(a, b)
    except (TypeError, ValueError, OverflowError):
        return TypeError
    return result.dtype


@pytest.mark.parametrize("function", PROMOTING, ids=named)
@pytest.mark.parametrize("left", DTYPES)
def test_promotion_is_numpys(left: str, function: Callable[[Any, Any], Any]) -> None:
    """For all pairs of dtypes the result's dtype, or that there is none, is NumPy's."""
    b = df.GraphBuilder()
    tensors = {dtype: b.input(dtype, (2,), dtype) for dtype in DTYPES}
    arrays = {dtype: np.ones(2, dtype) for dtype in DTYPES}
    for right in DTYPES:
        expected = promoted(function, arrays[left], arrays[right])
        if function in ORDERING and "complex" in left + right:
            expected = TypeError
        assert promoted(function, tensors[left], tensors[right]) == expected, right


@pytest.mark.parametrize("function", PROMOTING, ids=named)
@pytest.mark.parametrize("scalar", [True, 2, 2.5, np.float32(2), np.int8(2)], ids=repr)
def test_promotion_with_scalars_is_numpys(
    scalar: object, function: Callable[[Any, Any], Any]
) -> None:
    """Python's scalars don't raise a dtype, NumPy's do, on either side, as in NumPy 2."""
    for dtype in DTYPES[:-2] if function in ORDERING else DTYPES:
        tensor, array = df.GraphBuilder().input("x", (2,), dtype), np.ones(2, dtype)
        for pair, plain in (
            ((tensor, scalar), (array, scalar)),
            ((scalar, tensor), (scalar, array)),
        ):
            assert promoted(function, *pair) == promoted(function, *plain), (dtype, pair)


def test_a_scalar_out_of_range_is_refused() -> None:
    """A Python int that the tensor's dtype can't hold is an error, not a wrap."""
    x = df.GraphBuilder().input("x", (2,), "uint8")
    with pytest.raises(DTypeError):
        x + 300


# Operators and NumPy's functions


@pytest.mark.parametrize("function", [*ARITHMETIC, *BITWISE], ids=named)
def test_operators_compute_as_numpy(function: Callable[[Any, Any], Any]) -> None:
    """Python's operators give NumPy's values between tensors, arrays and numbers, either way."""
    dtype = "int64" if function in BITWISE else "float64"
    left, right = np.array([3, 1, 2], dtype), np.array([1, 2, 2], dtype)
    b = df.GraphBuilder()
    x, y = b.constant(left), b.constant(right)
    for made, expected in [
        (function(x, y), function(left, right)),
        (function(x, right), function(left, right)),
        (function(left, y), function(left, right)),
        (function(x, 2), function(left, 2)),
        (function(2, y), function(2, right)),
    ]:
        value = df.evaluate(made)
        assert (value.dtype, value.tolist()) == (expected.dtype, expected.tolist())


@pytest.mark.parametrize("function", LINEAR, ids=named)
def test_unary_operators_compute_as_numpy(function: Callable[[Any], Any]) -> None:
    """So do the operators of one operand."""
    array = np.array([-1.5, 2.0])
    value = df.evaluate(function(df.GraphBuilder().constant(array)) * 1)
    assert value.tolist() == function(array).tolist()


def test_operators_of_other_kinds_compute_as_numpy() -> None:
    """~, divmod, @ and [] work, reflected too."""
    ints, matrix = np.array([5, -7]), np.arange(4.0).reshape(2, 2)
    b = df.GraphBuilder()
    x, m = b.constant(ints), b.constant(matrix)
    made: list[Any] = [
        ~x,
        *divmod(x, 3),
        *divmod(9, x),
        m @ m,
        matrix @ m,
        m @ matrix,
        m[0],
        m[:, 1:],
        m.T,
    ]
    expected = [~ints, *divmod(ints, 3), *divmod(9, ints), *[matrix @ matrix] * 3,
                matrix[0], matrix[:, 1:], matrix.T]  # fmt: skip
    for value, right in zip(df.evaluate(*made), expected, strict=True):
        assert value.tolist() == right.tolist()


NUMPY_CALLS: dict[str, Callable[[Any], Any]] = {
    "tanh": np.tanh,
    "exp": np.exp,
    "sum": np.sum,
    "sum of rows": lambda t: np.sum(t, axis=1),
    "sum that keeps": lambda t: np.sum(t, axis=(0, 1), keepdims=True),
    "mean": lambda t: np.mean(t, axis=0),
    "max": lambda t: np.max(t, axis=-1),
    "argmax": lambda t: np.argmax(t, axis=1),
    "where": lambda t: np.where(t > 2, t, 0),
    "reshape": lambda t: np.reshape(t, (3, 2)),
    "transpose": np.transpose,
    "expand_dims": lambda t: np.expand_dims(t, 0),
    "concatenate": lambda t: np.concatenate([t, t], axis=1),
    "stack": lambda t: np.stack([t, t]),
    "matmul": lambda t: np.matmul(t, np.transpose(t)),
    "add": lambda t: np.add(1, t),
    "maximum": lambda t: np.maximum(t, 2.5),
    "clip": lambda t: np.clip(t, 1, 3),
    "broadcast_to": lambda t: np.broadcast_to(t, (2, 2, 3)),
    "astype": lambda t: np.astype(t, np.int32),
}


@pytest.mark.parametrize("call", NUMPY_CALLS)
def test_numpy_functions_make_nodes(call: str) -> None:
    """NumPy's functions on a tensor declare nodes with NumPy's values."""
    array = np.arange(6.0).reshape(2, 3)
    made = NUMPY_CALLS[call](df.GraphBuilder().constant(array))
    expected = NUMPY_CALLS[call](array)
    assert isinstance(made, df.Tensor)
    value = df.evaluate(made)
    assert (value.shape, value.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(value, expected, rtol=1e-14)


@pytest.mark.parametrize(
    "call",
    [
        np.real_if_close, np.subtract.reduce, lambda t: np.add(t, 1, out=np.ones(3)),
        lambda t: np.add(t, 1, where=np.ones(3, bool)),
    ],
)  # fmt: skip
def test_other_numpy_functions_say_so(call: Callable[[Any], object]) -> None:
    """A NumPy function, method or option that there is no node for is an error with a remedy."""
    with pytest.raises(GraphError, match=r"np\..* doesn't work on tensors: use dataflow's own"):
        call(df.GraphBuilder().input("x", (3,)))


def test_numpy_options_that_ours_lack_say_so() -> None:
    """An option of a NumPy function that has a node, but not with this option, is named."""
    x = df.GraphBuilder().input("x", (3,))
    with pytest.raises(GraphError, match=r"np\.sum .*on a tensor: .*'out'; see help\(df\.sum\)"):
        np.sum(x, out=np.zeros(()))


def test_round_is_a_node() -> None:
    """Python's round() rounds to whole numbers, or to digits."""
    x = df.GraphBuilder().constant([1.5, 2.625])
    assert df.evaluate(round(x)).tolist() == [2.0, 3.0]
    assert df.evaluate(round(x, 2)).tolist() == [1.5, 2.619999885559082]


def test_equality_is_a_node_and_hash_identity() -> None:
    """``==`` declares a comparison, and tensors can still be keys."""
    b = df.GraphBuilder()
    x, y = b.constant([1, 2]), b.constant([1, 3])
    assert df.evaluate(x == y).tolist() == [True, False]
    assert df.evaluate(x != y).tolist() == [False, True]
    assert {x: "x", y: "y"}[y] == "y"
    assert len({x, y, x}) == 2


@pytest.mark.parametrize(
    "use",
    [bool, float, int, list, np.asarray, operator.index, lambda t: [0, 1][t], len,
     lambda t: 1 if t else 0, lambda t: np.array([t, t]), lambda t: t in [1, 2],
     lambda t: 1 in t, complex],
)  # fmt: skip
def test_what_needs_a_value_says_what_to_do(use: Callable[[Any], object]) -> None:
    """Truth, iteration, conversion and indexing with a tensor raise with the remedy."""
    with pytest.raises(DTypeError, match=r"while the graph is being built: .*t"):
        use(df.GraphBuilder().input("x", ("n",)))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x < 2, lambda x: x >= 1, lambda x: np.maximum(x, 1), lambda x: df.fmin(x, x),
        lambda x: df.clip(x, 0, 1), df.max, df.sort,
        df.argmin, lambda x: df.searchsorted(x, 1), np.ptp,
    ],
)  # fmt: skip
def test_complex_numbers_have_no_order(call: Callable[[Any], object]) -> None:
    """The message says so, where NumPy would compare real parts first."""
    x = df.GraphBuilder().constant([1 + 2j, 3])
    with pytest.raises(DTypeError, match="complex64 numbers have no order"):
        call(x)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
@pytest.mark.parametrize("number", [-1, 300, 2**70, -(2**70)])
def test_integers_compare_with_any_int(dtype: str, number: int) -> None:
    """An int that the dtype can't hold is above or below all that it holds, as in NumPy."""
    x = np.array([0, 1, 100], dtype)
    t = df.GraphBuilder().constant(x)
    for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
        made = df.evaluate(compare(t, number))
        np.testing.assert_array_equal(made, compare(x, number))
        np.testing.assert_array_equal(df.evaluate(compare(number, t)), compare(number, x))
