"""What can't be because its shape depends on data: each says so, and names what to use."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.dispatch import FUNCTIONS
from dataflow.errors import DataDependentShapeError, GraphError, ShapeError
from dataflow.ops import unbounded

NUMPYS = [name for name in unbounded.__all__ if hasattr(np, name)]
TWO = {"intersect1d", "setdiff1d", "setxor1d", "union1d"}


@pytest.mark.parametrize("name", unbounded.__all__)
def test_the_message_says_why_and_what_to_use(name: str) -> None:
    """It names the function, the line, the reason, and an alternative, before any node is made."""
    x = df.GraphBuilder().constant([1, 0, 1])
    with pytest.raises(DataDependentShapeError) as caught:
        getattr(df, name)(x)
    text = str(caught.value)
    assert text.startswith(f"{name} (test_unbounded.py:")
    assert "depends on data, but memory is decided before a plan runs; " in text
    assert text.split("; ")[1]


@pytest.mark.parametrize("name", NUMPYS)
def test_numpys_functions_say_so_too(name: str) -> None:
    """NumPy's own function of that name, called with a tensor, gives the same error."""
    x = df.GraphBuilder().constant([1, 0, 1])
    with pytest.raises(DataDependentShapeError, match=name):
        getattr(np, name)(*[x] * (2 if name in TWO else 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.unique(t, return_counts=True),
        lambda t: df.repeat(t, t),
        lambda t: df.compress(t > 0, t),
        lambda t: df.extract(t > 0, t),
        lambda t: df.delete(t, t),
        lambda t: df.insert(t, t, 1),
        lambda t: df.split(t, t),
        lambda t: df.ix_(t > 0),
    ],
)
def test_functions_that_take_constants_refuse_tensors(call: Callable[[Any], Any]) -> None:
    """Where a constant decides the shape, a tensor in its place is refused in the same way."""
    with pytest.raises(DataDependentShapeError, match="depends on data"):
        call(df.GraphBuilder().constant([1, 0, 1]))


def test_it_is_a_shape_error() -> None:
    """Who catches ValueError, as of NumPy's shapes, or our own errors, catches it."""
    assert issubclass(DataDependentShapeError, (ShapeError, GraphError, ValueError))
    assert set(unbounded.__all__) <= set(FUNCTIONS)
