"""Property tests: whatever NumPy's functions do to arrays, they do to tensors.

Nothing is named but what NumPy itself can't be asked: every function that ours answer for joins
by being there. Drawn are dtypes, shapes that broadcast, layouts of the memory that the graph
reads (reversed, transposed, every other element), axes and `keepdims`, and values with NaN,
infinities, both zeros, subnormals, the largest and the smallest integers among them.
"""

import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dataflow as df
from dataflow.dispatch import NUMPY_FUNCTIONS, load_all
from dataflow.errors import DataflowError
from dataflow.spec import DTYPES
from tests.numpys import assert_agree

load_all()

Array = np.ndarray[Any, Any]
Draw = st.DrawFn

UFUNCS = [f for f in NUMPY_FUNCTIONS if isinstance(f, np.ufunc) and f.signature is None]
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, np.nan, np.inf, -np.inf, 1e-310, -1e-45, 6e-8, 3e38, -1e308)


ORDERED = ("less", "less_equal", "greater", "greater_equal", "maximum", "minimum", "fmax", "fmin",
           "max", "min", "amax", "amin", "argmax", "argmin", "sort", "argsort", "median",
           "nanmedian", "ptp", "nanmax", "nanmin", "nanargmax", "nanargmin")  # fmt: skip
"""What NumPy does to complex numbers by their real parts first, and ours refuses: the standard
gives complex numbers no order, and PyTorch refuses too."""

TRUNCATED = ("reciprocal",)
"""What NumPy gives integers for, and ours refuses: 1 // x is what the user may mean."""


def takes_an_axis(function: Callable[..., object]) -> bool:
    """Tell whether a NumPy function needs no more than one array, and takes an axis."""
    try:
        names = inspect.signature(function).parameters
    except ValueError:
        return False
    needed = [p for p in names.values() if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    return len(needed) == 1 and "axis" in names and next(iter(names)) in {"a", "x", "m"}


ALONG_AXES = [
    f for f in NUMPY_FUNCTIONS
    if not isinstance(f, np.ufunc) and takes_an_axis(f) and f is not np.size  # gives no tensor
]  # fmt: skip


# What is drawn


class Drawn(NamedTuple):
    """An array, and the layout in which a function reads it."""

    array: Array
    layout: str

    def laid_out(self, x: Any) -> Any:  # noqa: ANN401 - the array, or a tensor of its shape
        """Return the view that the function gets."""
        if self.layout == "transposed":
            return x.T
        step = {"plain": 1, "reversed": -1, "every other": 2}[self.layout]
        return x[(slice(None, None, step),) * x.ndim]


def array_of(dtype: np.dtype, shape: tuple[int, ...], seed: int, share: float) -> Array:
    """Return random values, a share of them special."""
    rng = np.random.default_rng(seed)
    plain, chosen = rng.uniform(-4, 4, shape), rng.random(shape) < share
    with np.errstate(all="ignore"):
        if dtype.kind in "iu":
            info = np.iinfo(dtype)
            ends = rng.choice(np.array([info.min, info.max, 0, 1], dtype), shape)
            small = (np.abs(plain) if dtype.kind == "u" else plain).astype(dtype)
            return np.where(chosen, ends, small)
        mixed = np.where(chosen, rng.choice(SPECIAL, shape), plain)
        imaginary = 1j * rng.uniform(-4, 4, shape) if dtype.kind == "c" else 0
        return np.asarray(mixed + imaginary if dtype.kind == "c" else mixed).astype(dtype)


@st.composite
def operands(draw: Draw, dtype: np.dtype, shape: tuple[int, ...], *, special: bool = True) -> Drawn:
    """Draw an array, and a layout in which it has a shape."""
    layout = draw(st.sampled_from(("plain", "plain", "reversed", "every other", "transposed")))
    stored = {"transposed": shape[::-1], "every other": tuple(2 * n for n in shape)}
    share = draw(st.sampled_from((0, 0.3))) if special else 0
    seed = draw(st.integers(0, 2**32 - 1))
    return Drawn(array_of(dtype, stored.get(layout, shape), seed, share), layout)


dtypes = st.sampled_from(DTYPES).map(np.dtype)


# Comparing


def outcome(call: Callable[[], object]) -> list[Array] | Exception:
    """Return what a call makes, as arrays, or what it raises."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's of empty slices
            made = call()
    except (DataflowError, TypeError, ValueError, IndexError, ArithmeticError) as error:
        return error
    return [np.asarray(a) for a in made] if isinstance(made, tuple) else [np.asarray(made)]


def on_tensors(call: Callable[..., Any], drawn: Sequence[Drawn]) -> object:
    """Call NumPy's function on tensors with the drawn values and layouts, and run the graph."""
    b = df.GraphBuilder()
    stored = {f"x{i}": one.array for i, one in enumerate(drawn)}
    operands = [b.input(name, array.shape, array.dtype) for name, array in stored.items()]
    made = call(*(one.laid_out(t) for one, t in zip(drawn, operands, strict=True)))
    several = made if isinstance(made, tuple) else (made,)
    values = df.evaluate(*several, feeds=stored) if several else ()
    return values if isinstance(values, tuple) else (values,)


def is_refused(name: str, drawn: Sequence[Drawn]) -> bool:
    """Tell whether ours refuses what NumPy takes."""
    kinds = {one.array.dtype.kind for one in drawn}
    assume(name != "conjugate" or kinds != {"b"})  # NumPy has no loop, and takes that of int8
    return (name in ORDERED and "c" in kinds) or (name in TRUNCATED and not kinds & {"f", "c"})


def check(name: str, call: Callable[..., Any], drawn: Sequence[Drawn]) -> None:
    """Check that a call does the same to tensors as to arrays, or that both refuse."""
    ours = outcome(lambda: on_tensors(call, drawn))
    theirs = outcome(lambda: call(*(one.laid_out(one.array) for one in drawn)))
    if isinstance(theirs, Exception) or is_refused(name, drawn):
        assert isinstance(ours, DataflowError), f"{ours}, NumPy: {theirs!r}"
        return
    assert not isinstance(ours, Exception), f"{ours}, NumPy: {theirs}"
    for a, b in zip(ours, theirs, strict=True):
        assert_agree(a, b)


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
@settings(max_examples=10)
@given(data=st.data())
def test_ufuncs_do_to_tensors_what_they_do_to_arrays(ufunc: np.ufunc, data: st.DataObject) -> None:
    """A ufunc gives NumPy's dtypes, shapes, values and signs of zeros, or both refuse."""
    shapes = data.draw(hnp.mutually_broadcastable_shapes(
        num_shapes=ufunc.nin, min_dims=0, max_dims=3, min_side=0, max_side=4))  # fmt: skip
    first = data.draw(dtypes)
    kinds = [first, *(data.draw(st.just(first) | dtypes) for _ in range(1, ufunc.nin))]
    drawn = [data.draw(operands(*pair)) for pair in zip(kinds, shapes.input_shapes, strict=True)]
    check(ufunc.__name__, ufunc, drawn)


@pytest.mark.parametrize("ufunc", [f for f in UFUNCS if f.nin == 2], ids=lambda f: f.__name__)
@settings(max_examples=8)
@given(data=st.data())
def test_ufuncs_take_numbers_as_numpys_do(ufunc: np.ufunc, data: st.DataObject) -> None:
    """A Python number on either side gives way to the tensor's dtype, or both refuse it."""
    number = data.draw(st.sampled_from((2, -1, 300, 2.5, -0.0, True, 1j)))
    assume(ufunc.__name__ not in ORDERED or number != 1j)
    drawn = [data.draw(operands(data.draw(dtypes), (3,)))]
    if data.draw(st.booleans()):
        check(ufunc.__name__, lambda x: ufunc(x, number), drawn)
    else:
        check(ufunc.__name__, lambda x: ufunc(number, x), drawn)


@pytest.mark.parametrize("function", ALONG_AXES, ids=lambda f: f.__name__)
@settings(max_examples=10)
@given(data=st.data())
def test_functions_of_axes_do_to_tensors_what_they_do_to_arrays(
    function: Callable[..., Any], data: st.DataObject
) -> None:
    """A function along an axis, several or all gives what NumPy's gives, or both refuse."""
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    names = inspect.signature(function).parameters
    axes: st.SearchStrategy[Any] = st.integers(-4, 3)
    if "keepdims" in names:  # a reduction, of several axes too
        axes |= st.lists(st.integers(-3, 2), max_size=3).map(tuple)
    axis = data.draw(st.none() | axes)
    options = {"axis": axis}
    if "keepdims" in names and data.draw(st.booleans()):
        options["keepdims"] = True
    dtype = data.draw(dtypes)
    # NumPy rounds these two to float16 again, and no other transform; ours are float32.
    assume(function.__name__ not in ("hfft", "irfft") or dtype != np.float16)
    drawn = [data.draw(operands(dtype, shape, special=False))]
    check(function.__name__, lambda x: function(x, **options), drawn)
