"""Proves `einsum` against NumPy's: any subscripts, both ways to write them, any path."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import ArgumentError, GraphError
from tests.numpys import assert_near, signed

SIZES = {"a": 2, "b": 3, "c": 1, "d": 4, "e": 0}
draw = partial(signed, np.random.default_rng(9))


def ours(*operands: Any, **options: Any) -> np.ndarray:  # noqa: ANN401 - einsum's
    """Evaluate our einsum of arrays."""
    b = df.GraphBuilder()
    given_ = [b.constant(x) if isinstance(x, np.ndarray) else x for x in operands]
    return np.asarray(df.evaluate(df.einsum(*given_, **options)))


@st.composite
def subscripts(draw_: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    """Draw subscripts with repeats and ellipses, implicit and explicit, and shapes that fit."""
    labels = draw_(st.lists(st.text("abcde", max_size=3), min_size=1, max_size=3))
    hidden = draw_(st.lists(st.sampled_from([None, (), (2,), (3, 2), (3, 1)]), min_size=3,
                            max_size=3))  # fmt: skip
    ends = [draw_(st.integers(0, len(term))) for term in labels]
    terms, shapes = [], []
    for term, end, under in zip(labels, ends, hidden, strict=False):
        terms.append(term if under is None else f"{term[:end]}...{term[end:]}")
        before, after = (tuple(SIZES[x] for x in part) for part in (term[:end], term[end:]))
        shapes.append((*before, *(under or ()), *after))
    text = ",".join(terms)
    if draw_(st.booleans()):
        known = sorted(set("".join(labels)))
        chosen = "".join(draw_(st.permutations(known))[: draw_(st.integers(0, len(known)))])
        end = draw_(st.integers(0, len(chosen)))
        text += f"->{chosen[:end]}{'...' if '...' in text else ''}{chosen[end:]}"
    return text, shapes


@settings(max_examples=150, deadline=None)
@given(subscripts(), st.sampled_from([True, False, "optimal"]))
def test_einsum_is_numpys_on_any_subscripts(case: Any, optimize: Any) -> None:  # noqa: ANN401
    """Values, shapes and dtypes are NumPy's, whatever is summed, kept, repeated or broadcast."""
    text, shapes = case
    arrays = [draw(shape, "complex128" if i else "float64") for i, shape in enumerate(shapes)]
    assert_near(ours(text, *arrays, optimize=optimize), np.einsum(text, *arrays))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float32", "complex64"])
@pytest.mark.parametrize("text", ["ij,jk->ik", "ij,ij", "ii,ij->i", "ij,kl->", "ij,ij->ij"])
def test_dtypes_are_kept(text: str, dtype: str) -> None:
    """The result has the operands' dtype: sums of bools are bools, and integers wrap around."""
    a, b = draw((3, 3), dtype), draw((3, 3), dtype)
    made = ours(text, a, b)
    if dtype == "float16":  # NumPy rounds to float16 on its way; we add up in float32
        expected = np.einsum(text, a.astype("float32"), b.astype("float32"))
        np.testing.assert_allclose(made, expected, rtol=0.01, atol=0.05)
        assert made.dtype == np.float16
    else:
        assert_near(made, np.einsum(text, a, b))


def test_a_dtype_is_taken_before_anything_is_added() -> None:
    """The operands are cast first, so that a sum of small integers doesn't overflow."""
    a = np.full((2, 3), 100, "int8")
    assert_near(ours("ij,ij->i", a, a, dtype="int64"), np.einsum("ij,ij->i", a, a, dtype="int64"))
    assert_near(ours("ij->j", a, dtype="float32"), np.einsum("ij->j", a.astype("float32")))


def test_lists_of_labels_are_the_same() -> None:
    """Operands, each followed by a list of labels, mean what the text means."""
    a, b = draw((2, 3, 4)), draw((4, 5))
    assert_near(ours(a, [0, 1, 2], b, [2, 3], [3, 0]), np.einsum(a, [0, 1, 2], b, [2, 3], [3, 0]))
    assert_near(ours(a, [..., 30, 2], b, [2, 3]), np.einsum("...zc,cd", a, b))
    assert_near(ours(a, [1, 30, 0]), np.einsum(a, [1, 30, 0]))


def test_scalars_and_lengths_of_one_broadcast() -> None:
    """A scalar scales, and an axis of length 1 is repeated for the others' length."""
    a = draw((2, 3))
    assert_near(ours(",ij->ji", 2.0, a), 2 * a.T)
    one = draw((1, 3))
    assert_near(ours("ij,ij->i", a, one), (a * one).sum(1))
    assert_near(ours("ij,ij->j", one, one), (one * one)[0])


def test_a_path_is_followed() -> None:
    """Any order of products gives the same sum, and NumPy's own path is taken as it is."""
    arrays = [draw(shape) for shape in ((2, 3), (3, 4), (4, 5), (5,))]
    text = "ab,bc,cd,d->a"
    expected = np.einsum(text, *arrays)
    for path in ([(0, 1), (0, 1), (0, 1)], [(2, 3), (1, 2), (0, 1)], [(0, 1, 2), (0, 1)], [(0, 3)],
                 np.einsum_path(text, *arrays)[0], ("greedy", 20)):  # fmt: skip
        assert_near(ours(text, *arrays, optimize=path), expected)


def test_the_path_is_numpys() -> None:
    """`einsum_path` gives the path and the text that NumPy gives for arrays of these shapes."""
    arrays = [draw(shape) for shape in ((10, 20), (20, 30), (30, 5))]
    b = df.GraphBuilder()
    tensors = [b.constant(a) for a in arrays]
    for optimize in (False, "greedy", "optimal"):
        made = np.einsum_path("ij,jk,kl", *tensors, optimize=optimize)
        assert made == np.einsum_path("ij,jk,kl->il", *arrays, optimize=optimize)


def test_two_operands_are_one_product() -> None:
    """What is a matrix product runs as one, with no copy of an operand and none of the result."""
    for text in ("bij,bkj->bik", "bij,bkj->bki"):
        b = df.GraphBuilder()
        x, y = b.input("x", (7, 2, 3), "float64"), b.input("y", (7, 4, 3), "float64")
        graph = b.build(outputs={"y": df.einsum(text, x, y)})
        ops = sorted(data["op"] for _, data in graph.dag.nodes(data=True))
        assert ops == ["input", "input", "matmul", "transpose"]


def test_named_dimensions_stay_named() -> None:
    """A label may stand for a named dimension: kept, summed over, and twice in one operand."""
    b = df.GraphBuilder()
    x = b.input("x", ("n", "n", 3), "float64")
    made = df.einsum("iij->ij", x), df.einsum("ijk,jlk->il", x, x), df.einsum("iik,iik", x, x)
    assert [str(t.spec) for t in made] == ["float64[n, 3]", "float64[n, n]", "float64[]"]
    value = draw((4, 4, 3))
    for ours_, text in zip(df.evaluate(*made, feeds={"x": value}),
                           ("iij->ij", "ijk,jlk->il", "iik,iik"), strict=True):  # fmt: skip
        assert_near(ours_, np.einsum(text, *[value] * (1 + text.count(","))))


def test_gradients_are_those_of_the_sum() -> None:
    """The gradient of a trace of a product is the other factor, conjugated and transposed."""
    b = df.GraphBuilder()
    a, c = draw((3, 3), "complex128"), draw((3, 3), "complex128")
    x, y = b.constant(a), b.constant(c)
    value = df.real(df.einsum("ij,ji", x, y))
    np.testing.assert_allclose(df.evaluate(*df.grad(value, [x, y])), [c.T.conj(), a.T.conj()])
    (diagonal,) = df.grad(df.real(df.einsum("ii->", x)), [x])
    np.testing.assert_array_equal(df.evaluate(diagonal), np.eye(3))


WRONG: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("2 operands", ("ij,jk",), {}), ("each repeat", ("ij->ii",), {}), ("unknown", ("ij->iz",), {}),
    ("axes", ("ijk",), {}), ("ellipsis", ("...j->j",), {}), ("letters", ("i.j",), {}),
    ("letters", ("i1",), {}), ("letters", ("......j",), {}), ("lengths", ("ii",), {}),
    ("path", ("ij",), {"optimize": [(0, 1)]}), ("path", ("ij",), {"optimize": ["no"]}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "operands", "options"), WRONG)
def test_wrong_subscripts_are_refused(what: str, operands: Any, options: Any) -> None:  # noqa: ANN401
    """What is malformed, or doesn't fit, is an error of the line that says it."""
    x = df.GraphBuilder().constant(np.ones((2, 3)))
    with pytest.raises(ArgumentError, match=r"test_einsum\.py"):
        df.einsum(*operands, x, **options)


def test_other_mistakes_are_refused() -> None:
    """No operands, lists that are none, an unknown way to find a path, and NumPy's `out`."""
    x = df.GraphBuilder().constant(np.ones((2, 3)))
    wrong: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((), {}), ((x, "ij"), {}), ((x, [0, 52]), {}), (("ij,ij", x, np.ones((2, 2))), {}),
        (("ij,kj,kl", x, x, x), {"optimize": "quick"}),
        (("ij,kj,kl", x, x, x), {"optimize": 5}),
    ]  # fmt: skip
    for operands, options in wrong:
        with pytest.raises(ArgumentError, match=r"test_einsum\.py"):
            df.einsum(*operands, **options)
    with pytest.raises(GraphError):
        np.einsum("ij", x, out=np.ones((2, 3)))
