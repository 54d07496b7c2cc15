"""Embeddings, attention and the layers made of them: formulas, masks, names, training, errors."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DTypeError, GraphError, KernelError, ShapeError
from tests.constants import values
from tests.oracle import Array

RNG = np.random.default_rng(11)
INF = np.inf


def softmax(x: Array) -> Array:
    """Return the shares of exponentials along the last axis, zeros where all are 0."""
    top = np.maximum(x.max(-1, keepdims=True), -1e300)
    powers = np.exp(x - top)
    return np.asarray(powers / np.maximum(powers.sum(-1, keepdims=True), 1e-300))


def attended(q: Array, k: Array, v: Array, bias: Any = 0.0) -> Array:  # noqa: ANN401
    """Return attention by the definition."""
    return np.asarray(softmax(q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]) + bias) @ v)


# Attention


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_attention_is_the_formula(lead: tuple[int, ...]) -> None:
    """Without a mask, with a causal one and with both kinds of given ones, it is the formula."""
    q, k, v = (RNG.uniform(-2, 2, (*lead, n, m)) for n, m in ((4, 3), (5, 3), (5, 2)))
    causal = np.where(np.tri(4, 5, dtype=bool), 0, -INF)
    seen = RNG.random((4, 5)) < 0.5
    shown = np.where(seen, 0, -INF)
    biases = RNG.uniform(-1, 1, (*lead, 4, 5))
    attention = df.nn.scaled_dot_product_attention
    np.testing.assert_allclose(values(attention, q, k, v), attended(q, k, v))
    for mask, bias in ((None, 0), (seen, shown), (biases, biases), (biases + shown,) * 2):
        for is_causal in (False, True):
            if mask is None and not is_causal:
                continue
            found = values(attention, q, k, v, attn_mask=mask, is_causal=is_causal)
            expected = attended(q, k, v, bias + (causal if is_causal else 0))
            np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_query_that_sees_nothing_gets_zeros(kind: str) -> None:
    """Its result and every gradient through it are zero, not NaN, and no other query notices."""
    mask = np.array([[True, False, True], [False] * 3])
    b = df.GraphBuilder()
    q, k, v = (b.constant(RNG.uniform(-2, 2, (2, n, 4))) for n in (2, 3, 3))
    given = b.constant(mask if kind == "bool" else np.where(mask, 0.5, -INF))
    out = df.nn.scaled_dot_product_attention(q, k, v, given)
    wrt = [q, k, v] + ([given] if kind == "float" else [])
    y, *slopes = df.evaluate(out, *df.grad((out * out).sum(), wrt))
    assert y[:, 1].tolist() == [[0] * 4] * 2
    assert slopes[0][:, 1].tolist() == [[0] * 4] * 2
    assert all(np.isfinite(slope).all() for slope in slopes)
    assert slopes[0][:, 0].any()


def test_without_keys_there_are_zeros() -> None:
    """Queries with no key at all get zeros, with a mask or without."""
    q, k = RNG.uniform(-2, 2, (2, 3, 4)), np.zeros((2, 0, 4))
    for mask in (None, np.zeros((3, 0), bool)):
        found = values(df.nn.scaled_dot_product_attention, q, k, k, attn_mask=mask)
        assert found.tolist() == np.zeros((2, 3, 4)).tolist()


def test_shared_heads_are_repeated_ones() -> None:
    """Keys and values of fewer heads give what repeating them gives."""
    q, k, v = (RNG.uniform(-2, 2, (2, n, 3, 4)) for n in (6, 2, 2))
    mask = RNG.uniform(-1, 1, (6, 3, 3))
    found = values(df.nn.scaled_dot_product_attention, q, k, v, attn_mask=mask, enable_gqa=True)
    expected = attended(q, np.repeat(k, 3, 1), np.repeat(v, 3, 1), mask)
    np.testing.assert_allclose(found, expected)


def test_rows_and_examples_may_be_named() -> None:
    """Examples, queries and keys are bound when the plan is made, causal masks with them."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", "rows", 6))
    y = df.nn.MultiHeadAttention(2, is_causal=True)(x)
    loss = (y * y).sum()
    array = RNG.uniform(-1, 1, (2, 5, 6)).astype(np.float32)
    long, slope = df.evaluate(y, df.grad(loss, x), x=array)
    short = df.evaluate(y, x=array[:, :3])
    np.testing.assert_allclose(long[:, :3], short, atol=1e-6)
    assert slope.shape == array.shape


def test_features_may_be_named() -> None:
    """The default scale is that of the features that the plan binds."""
    b = df.GraphBuilder()
    x = b.input("x", (3, "features"), "float64")
    array = RNG.uniform(-1, 1, (3, 5))
    found = df.evaluate(df.nn.scaled_dot_product_attention(x, x, x), x=array)
    np.testing.assert_allclose(found, attended(array, array, array))


def test_attention_can_be_differentiated_twice() -> None:
    """The derivative of its gradient agrees with differences of the gradient."""
    b = df.GraphBuilder()
    x = b.input("x", (3, 4), "float64")
    y = df.nn.scaled_dot_product_attention(x, x, x, np.tri(3, dtype=bool))
    direction, array = RNG.uniform(-1, 1, (2, 3, 4))
    slope = (df.grad((y * y).sum(), x) * direction).sum()
    bend = df.evaluate(df.grad(slope, x), x=array)
    ahead, behind = (df.evaluate(slope, x=array + s * direction) for s in (1e-6, -1e-6))
    assert (bend * direction).sum() == pytest.approx((ahead - behind) / 2e-6, rel=1e-5)


def test_a_decoder_is_its_layers() -> None:
    """A decoder numbers its layers, gives each the memory, and with `norm_first` ends in a norm."""
    b = df.GraphBuilder()
    x, memory = b.input("x", (2, 5, 8)), b.input("memory", (2, 7, 8))
    y = df.nn.TransformerDecoder(2, 2, 16, norm_first=True)(x, memory)
    assert y.shape == x.shape
    names = {v.node for v in b.variables}
    assert {"decoder.1.cross_attention.key.weight", "decoder.norm.weight"} <= names
    first = df.grad(y[:, 2].sum(), [x])[0]
    rng = np.random.default_rng(0)
    fed = {"x": rng.normal(size=(2, 5, 8)), "memory": rng.normal(size=(2, 7, 8))}
    plan = df.compile(b.build({"slope": first}))
    slope = df.Runner(plan).run({k: v.astype(np.float32) for k, v in fed.items()})["slope"]
    assert not slope[:, 3:].any()  # later rows aren't seen
    assert slope[:, :3].any()


# Embeddings and positions


def test_a_bag_layer_is_its_function() -> None:
    """The layer's value is `embedding_bag` of its own table, whatever the bags are given as."""
    b = df.GraphBuilder()
    layer = df.nn.EmbeddingBag(4, 3, mode="sum")
    words = b.constant([0, 3, 3, 1])
    y, z = layer(words, [0, 1], per_sample_weights=np.arange(4.0)), layer(df.reshape(words, (2, 2)))
    table, of_offsets, of_rows = df.evaluate(*b.variables, y, z)
    expected = [0 * table[0], table[3] * 3 + table[1] * 3]
    np.testing.assert_allclose(of_offsets, expected, rtol=1e-6)
    np.testing.assert_allclose(of_rows, [table[0] + table[3], table[3] + table[1]], rtol=1e-6)
    assert len(b.variables) == 1


def test_the_row_of_padding_is_zeros_and_stays() -> None:
    """The padding's row starts as zeros and training leaves it; the others move."""
    b = df.GraphBuilder()
    rows = df.nn.Embedding(4, 3, padding_idx=-1)(b.constant([[0, 3], [3, 1]]))
    df.optim.SGD(0.1).minimize(((rows - 1.0) * (rows - 1.0)).sum())
    runner = df.Runner(df.compile(b.build()))
    before = runner.state["embedding.weight"]
    runner.run()
    after = runner.state["embedding.weight"]
    assert not after[3].any()
    assert np.array_equal(before[2], after[2])
    assert (before[:2] != after[:2]).all()


def test_bags_without_rows_are_zeros() -> None:
    """A bag of padding alone, or of no index at all, gives zeros with finite gradients."""
    for mode in ("sum", "mean", "max"):
        b = df.GraphBuilder()
        table = b.constant(RNG.uniform(-2, -1, (3, 2)))
        for bag, padding in ((np.array([[1, 1], [0, 1]]), 1), (np.zeros((2, 0), int), None)):
            made = df.nn.embedding_bag(bag, table, mode=mode, padding_idx=padding)
            y, slope = df.evaluate(made, df.grad(made.sum(), table))
            assert y[0].tolist() == [0, 0]
            assert np.isfinite(slope).all()


def test_an_index_out_of_range_fails() -> None:
    """A token that the table doesn't have, or a negative one, is refused as soon as it is known."""
    b = df.GraphBuilder()
    tokens, table = b.input("tokens", (2,), "int64"), b.ones((4, 3))
    for wrong in (4, -1):
        message = f"index {wrong} is out of range"
        for given in ([0, wrong], b.constant([0, wrong])):
            for function in (df.nn.embedding, df.nn.embedding_bag):
                with pytest.raises(ShapeError, match=message):
                    function(given, table)
        for rows in (df.nn.embedding(tokens, table), df.nn.Embedding(4, 3)(tokens)):
            with pytest.raises(KernelError, match=message):
                df.evaluate(rows, tokens=np.array([0, wrong]))


def test_sinusoids_are_the_papers() -> None:
    """Feature 2i is a sine and 2i + 1 a cosine, of angles that shrink with i."""
    positions = np.array([[0, 1], [7, 1000]])
    found = values(df.nn.sinusoidal_encoding, positions, features=6, dtype="float64")
    for place, i in itertools.product(np.ndindex(2, 2), range(3)):
        angle = positions[place] / 10000 ** (2 * i / 6)
        assert found[(*place, 2 * i)] == pytest.approx(np.sin(angle), abs=1e-12)
        assert found[(*place, 2 * i + 1)] == pytest.approx(np.cos(angle), abs=1e-12)


@pytest.mark.parametrize("interleaved", [True, False])
def test_rotations_depend_on_distance_alone(interleaved: bool) -> None:
    """Products of turned rows depend on how far apart these are, and lengths are kept."""
    q, k = RNG.uniform(-1, 1, (2, 6))
    x = np.stack([np.broadcast_to(q, (9, 6)), np.broadcast_to(k, (9, 6))])
    turned = values(df.nn.rotary_embedding, x, interleaved=interleaved)
    np.testing.assert_allclose((turned**2).sum(-1), (x**2).sum(-1))
    products = turned[0] @ turned[1].T
    for distance in range(-8, 9):
        diagonal = np.diagonal(products, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], atol=1e-12)
    moved = values(df.nn.rotary_embedding, x, positions=np.arange(5, 14), interleaved=interleaved)
    np.testing.assert_allclose(moved[0] @ moved[1].T, products, atol=1e-12)
    assert values(df.nn.rotary_embedding, x.astype(np.float16)).dtype == np.float16


def test_interleaved_rotations_turn_neighbours() -> None:
    """Pair i is turned by position / base^(2i/features), whichever features make it up."""
    x = RNG.uniform(-1, 1, (4, 6))
    pairs = x.reshape(4, 3, 2)
    angles = np.arange(4)[:, None] / 10000 ** (np.arange(3) / 3)
    turned = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(1j * angles)
    expected = np.stack([turned.real, turned.imag], -1).reshape(4, 6)
    found = values(df.nn.rotary_embedding, x, interleaved=True)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    halves = np.concatenate([x[:, ::2], x[:, 1::2]], -1)
    found = values(df.nn.rotary_embedding, halves)
    np.testing.assert_allclose(found, np.concatenate([turned.real, turned.imag], -1), atol=1e-12)


# Layers


def test_layers_have_readable_names() -> None:
    """Variables are named after the layers they are in, nested and numbered."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 5, 8))
    y = df.nn.TransformerEncoder(2, 2, 16, norm_first=True, use_bias=False)(x)
    df.nn.MLP((4, 3))(df.nn.MultiHeadAttention(4, num_kv_heads=2)(y, x))
    parts = ("norm1", "attention.query", "attention.key", "attention.value", "attention.out",
             "norm2", "linear1", "linear2")  # fmt: skip
    expected = [f"encoder.{i}.{part}.weight" for i in range(2) for part in parts]
    expected += ["encoder.norm.weight"]
    layers = [f"attention.{part}" for part in ("query", "key", "value", "out")]
    layers += ["mlp.0", "mlp.1"]
    expected += [f"{name}.{kind}" for name in layers for kind in ("weight", "bias")]
    assert [v.node for v in b.variables] == expected


def test_multi_head_attention_is_its_projections() -> None:
    """The layer is the formula of its own variables, head by head, with fewer heads of keys too."""
    x, memory = (RNG.uniform(-1, 1, (2, n, 6)) for n in (3, 4))
    mask = RNG.random((2, 1, 1, 4)) < 0.7
    for kv_heads in (2, 1):
        b = df.GraphBuilder()
        layer = df.nn.MultiHeadAttention(2, features=8, num_kv_heads=kv_heads)
        out = layer(b.constant(x), b.constant(memory), attn_mask=mask)
        found, *variables = df.evaluate(out, *b.variables)
        q, k, v = (
            (t @ w).reshape(2, -1, w.shape[1] // 4, 4).swapaxes(1, 2)
            for t, w in zip((x, memory, memory), variables[:6:2], strict=True)
        )
        k, v = (np.repeat(t, 2 // kv_heads, 1) for t in (k, v))
        heads = attended(q, k, v, np.where(mask, 0, -INF)).swapaxes(1, 2).reshape(2, 3, 8)
        np.testing.assert_allclose(found, heads @ variables[6], atol=1e-12)


@pytest.mark.parametrize("norm_first", [True, False])
def test_an_encoder_layer_is_the_papers(norm_first: bool) -> None:
    """Attention and two dense layers are each added to their input, with norms before or after."""
    x = RNG.uniform(-1, 1, (2, 3, 4))
    b = df.GraphBuilder()
    t = b.constant(x)
    layer = df.nn.TransformerEncoderLayer(2, 5, norm_first=norm_first, is_causal=True)
    found, *arrays = df.evaluate(layer(t), *b.variables)
    weights = dict(zip([v.node.removeprefix("encoder_layer.") for v in b.variables], arrays,
                       strict=True))  # fmt: skip

    def norm(a: Array) -> Array:
        centred = a - a.mean(-1, keepdims=True)
        return np.asarray(centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5))

    def attention(a: Array) -> Array:
        q, k, v = ((a @ weights[f"attention.{n}.weight"]).reshape(2, 3, 2, 2).swapaxes(1, 2)
                   for n in ("query", "key", "value"))  # fmt: skip
        heads = attended(q, k, v, np.where(np.tri(3, dtype=bool), 0, -INF))
        joined = heads.swapaxes(1, 2).reshape(2, 3, 4)
        return np.asarray(joined @ weights["attention.out.weight"])

    def feed(a: Array) -> Array:
        inner = np.maximum(a @ weights["linear1.weight"], 0)
        return np.asarray(inner @ weights["linear2.weight"])

    if norm_first:
        middle = x + attention(norm(x))
        expected = middle + feed(norm(middle))
    else:
        middle = norm(x + attention(x))
        expected = norm(middle + feed(middle))
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_decoder_layer_sees_the_past_and_the_memory(norm_first: bool) -> None:
    """A row's result depends on earlier rows and on memory that the mask shows, on nothing else."""
    b = df.GraphBuilder()
    x, memory = b.input("x", (1, 4, 6), "float64"), b.input("memory", (1, 3, 5), "float64")
    mask = np.array([True, False, True])
    y = df.nn.TransformerDecoderLayer(2, 8, norm_first=norm_first)(x, memory, memory_mask=mask)
    names = ["attention", "cross_attention", "linear1", "linear2", "norm1", "norm2", "norm3"]
    assert sorted({v.node.split(".")[1] for v in b.variables}) == names
    feeds = {"x": RNG.uniform(-1, 1, (1, 4, 6)), "memory": RNG.uniform(-1, 1, (1, 3, 5))}
    slopes = df.evaluate(*df.grad((y[0, 1] * y[0, 1]).sum(), (x, memory)), feeds=feeds)
    assert slopes[0].any(-1).tolist() == [[True, True, False, False]]
    assert slopes[1].any(-1).tolist() == [mask.tolist()]


def test_dropout_is_for_training() -> None:
    """In training, runs differ and keys are variables; without, an encoder is what it is at 0."""
    x = RNG.uniform(-1, 1, (2, 3, 4)).astype(np.float32)
    made = []
    for rate, training in ((0.5, True), (0.5, False), (0.0, True)):
        b = df.GraphBuilder()
        layer = df.nn.TransformerEncoder(1, 2, 8, dropout=rate, norm_first=True)
        y = layer(b.constant(x), training=training)
        runner = df.Runner(df.compile(b.build({"y": y})))
        made.append([runner.run()["y"] for _ in range(2)])
        keys = [v.node for v in b.variables if v.node.endswith(".key")]
        assert len(keys) == (4 if rate and training else 0)
        assert not keys or keys[0] == "encoder.0.attention.dropout.key"
    assert (made[0][0] != made[0][1]).any()
    assert np.array_equal(made[1][0], made[1][1])
    dropped = values(df.nn.scaled_dot_product_attention, x, x, x, dropout=lambda w: w * 0.0)
    assert not dropped.any()


def test_a_tiny_transformer_learns() -> None:
    """A classifier of sequences by how their tokens lie finds it out within a hundred steps."""
    tokens = RNG.integers(1, 6, (64, 6))
    labels = (tokens == 3).any(1).astype(np.int64)
    b = df.GraphBuilder()
    x = b.input("tokens", ("batch", 6), "int64")
    target = b.input("labels", ("batch",), "int64")
    rows = df.nn.Embedding(6, 8, padding_idx=0)(x)
    rows = rows + df.nn.sinusoidal_encoding(b.arange(6), 8)
    rows = df.nn.TransformerEncoder(2, 2, 16, activation="gelu", norm_first=True)(rows)
    logits = df.nn.MLP((16, 2))(rows.mean(1))
    loss = df.nn.cross_entropy(logits, target)
    df.optim.Adam(0.01).minimize(loss)
    runner = df.Runner(df.compile(b.build({"loss": loss}), dims={"batch": 64}))
    losses = [float(runner.run(tokens=tokens, labels=labels)["loss"]) for _ in range(100)]
    assert losses[-1] < 0.1 * losses[0]


# Errors


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: df.nn.scaled_dot_product_attention(x, x[..., :2], x), ShapeError, "features"),
        (lambda x: df.nn.scaled_dot_product_attention(x, x, x[:, :1]), ShapeError, "rows"),
        (lambda x: df.nn.scaled_dot_product_attention(x, x, x, [1]), DTypeError, "bools"),
        (lambda x: df.nn.scaled_dot_product_attention(x, x, x, np.ones((2, 3), bool)), ShapeError,
         "broadcast"),
        (lambda x: df.nn.scaled_dot_product_attention(x, x, x, np.ones((4, 1, 3, 3), bool)),
         ShapeError, "attn_mask"),
        (lambda x: df.nn.scaled_dot_product_attention(x, x[:1], x, enable_gqa=True), ShapeError,
         "as many heads"),
        (lambda x: df.nn.scaled_dot_product_attention(x * 1j, x, x), DTypeError, "real"),
        (lambda x: df.nn.multi_head_attention(x, x, x, 3), ShapeError, "3 heads"),
        (df.nn.MultiHeadAttention(3), ShapeError, "3 heads"),
        (lambda x: df.nn.multi_head_attention(x, x, x, 2, dropout=0.1),  # type: ignore[arg-type]
         GraphError, "function"),
        (lambda x: df.nn.embedding([0], x), ShapeError, "2 axes"),
        (lambda x: df.nn.embedding([0.5], x[0]), DTypeError, "integers"),
        (lambda x: df.nn.embedding([0], x[0], 3), ShapeError, "padding_idx"),
        (lambda x: df.nn.embedding_bag([[0]], x[0], mode="median"), GraphError, "mode"),
        (lambda x: df.nn.embedding_bag([[0]], x[0], [0]), ShapeError, "one axis"),
        (lambda x: df.nn.rotary_embedding(x[..., :3]), ShapeError, "even"),
        (lambda x: df.nn.rotary_embedding(x, np.zeros((5, 1, 3))), ShapeError, "positions"),
        (lambda x: df.nn.sinusoidal_encoding(x, 3), ShapeError, "even"),
        (df.nn.TransformerEncoderLayer(3), ShapeError, "3 heads"),
        (lambda x: df.nn.MLP((2,))(x.astype("int64")), DTypeError, "float32"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(
    call: Callable[[df.Tensor], object], error: type[Exception], text: str
) -> None:
    """Wrong arguments are refused at the user's line, with what was expected."""
    with pytest.raises(error, match=text) as caught:
        call(df.GraphBuilder().ones((2, 3, 4)))
    assert "test_attention.py:" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: df.nn.Embedding(3, 2, padding_idx=3), "padding_idx"),
        (lambda: df.nn.MultiHeadAttention(4, num_kv_heads=3), "multiple"),
        (lambda: df.nn.MLP(3), "units"),  # type: ignore[arg-type]  # what is tested
        (lambda: df.nn.TransformerEncoder(-1, 2), "num_layers"),
    ],
)
def test_layers_check_their_parameters(make: Callable[[], object], text: str) -> None:
    """A parameter that no input could fit is refused when the layer is made."""
    with pytest.raises(ShapeError, match=text):
        make()
