"""Which line an error names: the user's, whatever of ours or of Python's runs in between."""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DataflowError, FeedError, GraphError
from dataflow.source import user_line


def batch(function: Callable[[df.Tensor], Any]) -> None:
    """Call a function by `vmap` on three rows."""
    df.vmap(function)(df.GraphBuilder().constant(np.ones((3, 2))))


def assert_at(line: int, error: DataflowError) -> None:
    """Check that a message names one line of this file, so far below the start of the caller."""
    caller: Any = inspect.currentframe()
    first = caller.f_back.f_code.co_firstlineno
    assert re.findall(r"[\w<>]+\.py:\d+", str(error)) == [f"test_source.py:{first + line}"]


def test_evaluating_what_is_no_tensor_names_the_line() -> None:
    """`evaluate`, which the scheduler has, names the line of the call, as for wrong feeds."""
    with pytest.raises(GraphError, match="takes tensors, not int") as caught:
        df.evaluate(3)  # type: ignore[arg-type]  # which is the point
    assert_at(3, caught.value)
    x = df.GraphBuilder().constant(1.0)
    with pytest.raises(FeedError, match="arrays by name, not list") as refused:
        df.evaluate(x, feeds=[1.0])  # type: ignore[arg-type]  # which is the point
    assert_at(7, refused.value)


def test_evaluating_an_example_of_a_batch_names_the_line() -> None:
    """A function that `vmap` calls can't evaluate its argument: the message names its line."""
    with pytest.raises(GraphError, match="has no values") as caught:
        batch(lambda row: df.evaluate(row + 1))
    assert_at(3, caught.value)


def test_an_update_within_a_batch_names_the_line() -> None:
    """What is found at the end of a ``with`` block of ours is named by the user's call."""
    b = df.GraphBuilder()
    v, x = b.variable("v", np.zeros(2)), b.constant(np.ones((3, 2)))

    def function(row: df.Tensor) -> df.Tensor:
        b.update(v, row)
        return row

    with pytest.raises(GraphError, match="the update of variable 'v'") as caught:
        df.vmap(function)(x)
    assert_at(10, caught.value)


def test_a_users_own_context_is_named() -> None:
    """What `contextlib` calls is passed over, not the user's function that it runs."""

    @contextmanager
    def block() -> Iterator[str]:
        yield user_line()

    with block() as line:
        first = inspect.unwrap(block).__code__.co_firstlineno
        assert line == f"test_source.py:{first + 2}"
