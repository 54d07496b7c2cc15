"""What grid_sample, affine_grid and response norms promise beyond PyTorch's values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DTypeError, ShapeError

X = np.random.default_rng(1).uniform(-1, 1, (2, 3, 4, 5))


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_the_identity_map_gives_the_image_back(mode: str, align_corners: bool) -> None:
    """An affine grid of the identity reads every element at its own place."""
    b = df.GraphBuilder()
    theta = b.constant(np.broadcast_to(np.eye(2, 3), (2, 2, 3)))
    grid = df.nn.affine_grid(theta, X.shape, align_corners)
    made = df.nn.grid_sample(b.constant(X), grid, mode, align_corners=align_corners)
    np.testing.assert_allclose(df.evaluate(made), X, rtol=1e-12, atol=1e-12)


def test_a_lone_element_lies_in_the_middle() -> None:
    """An axis of one element has its place at 0, corners aligned or not."""
    theta = df.GraphBuilder().constant(np.eye(2, 3)[None])
    for align_corners in (False, True):
        made = df.evaluate(df.nn.affine_grid(theta, (1, 1, 1, 1), align_corners))
        assert made.tolist() == [[[[0, 0]]]]


def test_what_lies_outside_is_never_read() -> None:
    """Places far outside, infinite or NaN give 0, and a NaN in the image stays where it is."""
    image = np.ones((1, 1, 3, 3))
    image[0, 0, 0, 0] = np.nan
    places = [[9.0, 9.0], [np.inf, 0.0], [np.nan, np.nan], [-1e30, 0.0], [1.0, 1.0]]
    b = df.GraphBuilder()
    made = df.nn.grid_sample(b.constant(image), [[places]], align_corners=True)
    assert df.evaluate(made).ravel().tolist() == [0, 0, 0, 0, 1]


def test_volumes_and_sequences_are_sampled_too() -> None:
    """One spatial axis is interpolated linearly, as numpy.interp does it."""
    x = np.random.default_rng(2).uniform(-1, 1, 6)
    places = np.random.default_rng(3).uniform(-1, 1, 9)
    b = df.GraphBuilder()
    made = df.nn.grid_sample(b.constant(x[None, None]), places[None, :, None], align_corners=True)
    expected = np.interp((places + 1) * 2.5, np.arange(6), x)
    np.testing.assert_allclose(df.evaluate(made)[0, 0], expected, rtol=1e-12)


def test_named_dimensions_are_bound_late() -> None:
    """Examples, image and grid may all be named, with gradients of both operands."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 3, "height", 5), "float64")
    grid = b.input("grid", ("batch", "places", 2, 2), "float64")
    y = df.nn.grid_sample(x, grid, padding_mode="reflection")
    fed = {"x": X, "grid": np.random.default_rng(4).uniform(-2, 2, (2, 3, 2, 2))}
    made, *slopes = df.evaluate(y, *df.grad((y * y).sum(), [x, grid]), feeds=fed)
    b = df.GraphBuilder()
    expected = df.nn.grid_sample(b.constant(X), b.constant(fed["grid"]), padding_mode="reflection")
    np.testing.assert_allclose(made, df.evaluate(expected), rtol=1e-13)
    assert [s.shape for s in slopes] == [X.shape, (2, 3, 2, 2)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda b: df.nn.grid_sample(b.constant(X), np.zeros((2, 4, 4, 3))), "need a grid of 4"),
        (lambda b: df.nn.grid_sample(b.constant(X), np.zeros((2, 4, 2))), "need a grid of 4"),
        (lambda b: df.nn.grid_sample(b.constant(X), np.zeros((3, 4, 4, 2))), "2 examples of"),
        (lambda b: df.nn.grid_sample(b.constant(X), np.zeros((2, 4, 4, 2)), "cubic"), "is one of"),
        (lambda b: df.nn.grid_sample(b.constant(X[:, :, 0]), np.zeros((2, 4, 1)), "bicubic"),
         "of 2 spatial axes"),
        (lambda b: df.nn.affine_grid(b.zeros((2, 2, 3)), (3, 1, 4, 4)), "make no grid of"),
        (lambda b: df.nn.affine_grid(b.zeros((2, 2, 3)), (2, 1, "n", 4)), "known lengths, not n"),
        (lambda b: df.nn.local_response_norm(b.constant(X), 0), "size .*1 or more"),
        (lambda b: df.nn.local_response_norm(b.constant(X[0, 0]), 2), "takes 3 axes"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(make: Callable[[Any], object], message: str) -> None:
    """Every misuse is refused at the user's line, with what was expected and what came."""
    with pytest.raises(ShapeError, match=message) as caught:
        make(df.GraphBuilder())
    assert "test_grids.py:" in str(caught.value)


def test_integers_are_refused_with_the_remedy() -> None:
    """Integers are told to be cast."""
    with pytest.raises(DTypeError, match="astype"):
        df.nn.grid_sample(df.GraphBuilder().constant(X.astype(int)), np.zeros((2, 4, 4, 2), int))


@pytest.mark.parametrize("ends", [("float32", 2), (1.0, "float16"), ("int8", 4), ("float64", 2)])
def test_distances_from_arrays_to_numbers_keep_the_dtype(ends: tuple[Any, Any]) -> None:
    """A Python number gives way to the array at the other end, as in NumPy."""
    b = df.GraphBuilder()
    arrays = [np.array([1, 2]).astype(end) if isinstance(end, str) else end for end in ends]
    tensors = [b.constant(a) if isinstance(a, np.ndarray) else a for a in arrays]
    for name in ("linspace", "logspace"):
        made = df.evaluate(getattr(df, name)(*tensors, 4))
        expected = getattr(np, name)(*arrays, 4)
        assert made.dtype == expected.dtype
        np.testing.assert_allclose(made, expected, rtol=2e-3 if made.dtype == "float16" else 1e-6)
