"""Scopes: what the names of variables are, nested, numbered and told apart."""

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import GraphError


def test_scopes_nest() -> None:
    """A variable's name is its scopes' names and its own."""
    b = df.GraphBuilder()
    with b.scope("encoder"), b.scope("3"), b.scope("attention") as path:
        df.nn.Dense(2, name="query")(b.ones((1, 2)))
    assert path == "encoder.3.attention"
    assert [v.node for v in b.variables] == [
        "encoder.3.attention.query.weight", "encoder.3.attention.query.bias",
    ]  # fmt: skip


def test_a_scope_used_again_gets_a_number() -> None:
    """Numbers count within a level, and skip what was named so before."""
    b = df.GraphBuilder()
    paths = []
    for name in ("dense", "dense_1", "dense", "dense"):
        with b.scope(name) as path:
            paths.append(path)
    with b.scope("head"), b.scope("dense") as path:
        paths.append(path)
    assert paths == ["dense", "dense_1", "dense_2", "dense_3", "head.dense"]


def test_a_scope_ends_with_its_block() -> None:
    """An error within a scope closes it."""
    b = df.GraphBuilder()
    with pytest.raises(ValueError, match="wrong"), b.scope("a"):
        raise ValueError("wrong")
    assert b.variable("w", np.zeros(2)).node == "w"


@pytest.mark.parametrize("wrong", ["", None, 3])
def test_a_scope_has_a_name(wrong: str) -> None:
    """A name that is empty or no text is refused at the user's line."""
    with pytest.raises(GraphError, match=r"test_scopes.py:\d+"), df.GraphBuilder().scope(wrong):
        pass
