"""Bad arguments: each is refused by an error of ours that says in which call, and why."""

# mypy: disable-error-code="arg-type,call-arg,list-item,no-untyped-call"

from __future__ import annotations

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
    (lambda: df.random.binomial(KEY, RAGGED, 0.5), df.errors.ShapeError, "inhomogeneous"),
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
    (lambda: df.diff(VECTOR, n=10**30), df.errors.ShapeError, "diff"),
    (lambda: df.array_split(VECTOR, 10**30), df.errors.ShapeError, "too many"),
    (lambda: df.tensor_split(VECTOR, 10**30), df.errors.ShapeError, "too many"),
    (lambda: df.split(df.zeros(0, device=b), 10**30), df.errors.ShapeError, "too many"),
    (lambda: df.random.split(KEY, 10**30), df.errors.ShapeError, "give a shape"),
    (lambda: df.special.multigammaln(VECTOR, 10**30), df.errors.ShapeError, "multigammaln"),
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
