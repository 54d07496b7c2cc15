"""Cross-checks of attention and embeddings."""

from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(7)
Q = RNG.uniform(-2, 2, (2, 4, 3, 5))
K, V = RNG.uniform(-2, 2, (2, 4, 6, 5)), RNG.uniform(-2, 2, (2, 4, 6, 2))
BOOLS = RNG.random((2, 1, 3, 6)) < 0.6
BOOLS[1, 0, 2] = False
FLOATS = RNG.uniform(-2, 2, (3, 6))
FLOATS[1, 2:] = -np.inf
ROWS_OF_8, WEIGHTS, BIASES = (
    RNG.uniform(-1, 1, (2, 5, 8)), RNG.uniform(-1, 1, (4, 8, 8)), RNG.uniform(-1, 1, (4, 8)),
)  # fmt: skip
TABLE = RNG.uniform(-2, 2, (5, 3))
INDICES = np.array([[0, 3, 3], [4, 1, 3]])
OFFSETS = np.array([0, 1, 1, 3, 6])
BAG_WEIGHTS = RNG.uniform(-1, 1, (2, 3))


def attention(*arrays: np.ndarray, mask: np.ndarray | None = None, **options: Any) -> Row:  # noqa: ANN401
    """Return the row of one attention."""
    return Row(
        "scaled_dot_product_attention", arrays,
        lambda q, k, v: df.nn.scaled_dot_product_attention(q, k, v, mask, **options),
        lambda m, *t: m.nn.functional.scaled_dot_product_attention(
            *t, None if mask is None else m.tensor(mask), **options),
        None,
    )  # fmt: skip


def layer(x: Any, w: Any, b: Any, mask: Any) -> Any:  # noqa: ANN401 - tensors
    """Attend with projections of our own."""
    q, k, v = (x @ w[i] + b[i] for i in range(3))
    return df.nn.multi_head_attention(q, k, v, 2, mask) @ w[3] + b[3]


def torch_layer(m: Any, x: Any, w: Any, b: Any, mask: Any) -> Any:  # noqa: ANN401 - tensors
    """Attend by PyTorch's function, whose examples come second and whose masks hide where true."""
    out, _ = m.nn.functional.multi_head_attention_forward(
        *[x.swapaxes(0, 1)] * 3, 8, 2, w[:3].swapaxes(1, 2).reshape(24, 8), b[:3].reshape(24),
        None, None, add_zero_attn=False, dropout_p=0.0, out_proj_weight=w[3].T, out_proj_bias=b[3],
        attn_mask=~mask,
    )  # fmt: skip
    return out.swapaxes(0, 1)


ROWS = [
    attention(Q, K, V), attention(Q, K, V, scale=0.3), attention(Q, K, V, is_causal=True),
    attention(Q, K, V, mask=BOOLS), attention(Q, K, V, mask=FLOATS),
    attention(Q, K[:, :1], V[:, :1]), attention(Q[0, 0], K[0, 0], V[0, 0]),
    attention(Q, K[:, :2], V[:, :2], enable_gqa=True),
    attention(Q, K[:, :2], V[:, :2], mask=BOOLS, enable_gqa=True),
    attention(Q, K, V, mask=np.zeros((3, 6), bool)),
    Row("scaled_dot_product_attention", (Q, K, V, FLOATS[:1]),
        df.nn.scaled_dot_product_attention,
        lambda m, *t: m.nn.functional.scaled_dot_product_attention(*t), None),
    Row("multi_head_attention", (ROWS_OF_8, WEIGHTS, BIASES, np.tri(5, dtype=bool)), layer,
        torch_layer, None),
    Row("embedding", (INDICES, TABLE), df.nn.embedding,
        lambda m, i, w: m.nn.functional.embedding(i, w), lambda j, i, w: w[i]),
    Row("embedding", (INDICES, TABLE), lambda i, w: df.nn.embedding(i, w, 3),
        lambda m, i, w: m.nn.functional.embedding(i, w, 3), None),
    Row("embedding", (INDICES, TABLE), lambda i, w: df.nn.embedding(i, w, -1),
        lambda m, i, w: m.nn.functional.embedding(i, w, -1), None),
    *[Row("embedding_bag", (INDICES, TABLE),
          lambda i, w, mode=mode, p=p: df.nn.embedding_bag(i, w, mode=mode, padding_idx=p),
          lambda m, i, w, mode=mode, p=p: m.nn.functional.embedding_bag(
              i, w, mode=mode, padding_idx=p), None)
      for mode in ("sum", "mean", "max") for p in (None, 3)],
    *[Row("embedding_bag", (INDICES.ravel(), TABLE),
          lambda i, w, o=options: df.nn.embedding_bag(i, w, OFFSETS, **o),
          lambda m, i, w, o=options: m.nn.functional.embedding_bag(i, w, m.tensor(OFFSETS), **o),
          None)
      for options in ({"mode": "sum"}, {"mode": "mean"}, {"mode": "max"},
                      {"mode": "mean", "padding_idx": 3}, {"mode": "max", "padding_idx": 3},
                      {"mode": "sum", "include_last_offset": True})],
    Row("embedding_bag", (INDICES, TABLE, BAG_WEIGHTS),
        lambda i, w, s: df.nn.embedding_bag(i, w, None, "sum", s),
        lambda m, i, w, s: m.nn.functional.embedding_bag(
            i, w, mode="sum", per_sample_weights=s), None),
]  # fmt: skip
