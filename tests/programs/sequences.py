"""Programs over sequences: recurrences, attention, and dynamic programmes as recurrences."""

from typing import Any

from tests.programs.program import labels, normal, positive, program, weights


def split(x: Any, count: int) -> list[Any]:
    """Return a tensor in parts along its last axis."""
    width = x.shape[-1] // count
    return [x[..., i * width : (i + 1) * width] for i in range(count)]


@program(x_fixed=normal(6, 3), a=weights(3, 4), w=weights(4, 4), h=normal(4))
def elman_network(lib, x_fixed, a, w, h):
    """A plain recurrent network."""

    def step(h, row):
        new = lib.tanh(row @ a + h @ w)
        return new, (new * new).sum()

    last, squares = lib.scan(step, h, x_fixed)
    return last.sum() + lib.sin(squares).sum()


@program(x=normal(6, 3), a=weights(3, 16), w=weights(4, 16), b=normal(16), h=normal(4), c=normal(4))
def lstm(lib, x, a, w, b, h, c):
    """Long short-term memory."""

    def step(carry, row):
        h, c = carry
        i, f, g, o = split(row @ a + h @ w + b, 4)
        c = lib.sigmoid(f) * c + lib.sigmoid(i) * lib.tanh(g)
        h = lib.sigmoid(o) * lib.tanh(c)
        return (h, c), h

    (h, c), rows = lib.scan(step, (h, c), x)
    return (rows * rows).sum() + (h * c).sum()


@program(x=normal(5, 2, 3), a=weights(3, 12), w=weights(4, 12), h=normal(2, 4))
def gru(lib, x, a, w, h):
    """Gated recurrent units, of a batch."""

    def step(h, row):
        (rx, zx, nx), (rh, zh, nh) = split(row @ a, 3), split(h @ w, 3)
        z = lib.sigmoid(zx + zh)
        new = lib.tanh(nx + lib.sigmoid(rx + rh) * nh)
        return (1 - z) * new + z * h, None

    last, _ = lib.scan(step, h, x)
    return (last**3).sum()


@program(x=normal(5, 3), a=weights(3, 4), w=weights(4, 4), c=weights(8, 2))
def bidirectional_network(lib, x, a, w, c):
    """Both directions side by side."""

    def step(h, row):
        new = lib.tanh(row @ a + h @ w)
        return new, new

    start = x[0] @ a * 0.1
    _, ahead = lib.scan(step, start, x)
    _, back = lib.scan(step, start, x, reverse=True)
    return lib.softmax(lib.concatenate([ahead, back], 1) @ c, -1)[:, 0].sum()


def attention(lib: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """Return scaled dot-product attention of (..., rows, width)."""
    scores = lib.einsum("...id,...jd->...ij", q, k) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = lib.where(mask > 0, scores, scores * 0 - 1e9)
    return lib.einsum("...ij,...jd->...id", lib.softmax(scores, -1), v)


@program(x=normal(5, 4), q=weights(4, 4), k=weights(4, 4), v=weights(4, 4), o=weights(4, 4))
def causal_attention(lib, x, q, k, v, o):
    """Two heads, each row sees those before it."""
    mask = lib.array([[float(j <= i) for j in range(5)] for i in range(5)])

    def heads(t):
        return lib.swapaxes(t.reshape(5, 2, 2), 0, 1)

    made = attention(lib, heads(x @ q), heads(x @ k), heads(x @ v), mask)
    return ((lib.swapaxes(made, 0, 1).reshape(5, 4) @ o) ** 2).sum()


@program(x=normal(4, 6), qkv=weights(6, 18), o=weights(6, 6), up=weights(6, 12),
         down=weights(12, 6), s=positive(6), t=positive(6))  # fmt: skip
def transformer_block(lib, x, qkv, o, up, down, s, t):
    """Norm, attention, norm, two dense layers, each added to what was before."""

    def norm(h, scale):
        centred = h - h.mean(-1)[:, None]
        return centred / lib.sqrt((centred**2).mean(-1)[:, None] + 1e-5) * scale

    q, k, v = split(norm(x, s) @ qkv, 3)
    x = x + attention(lib, q, k, v) @ o
    h = norm(x, t) @ up
    return (x + 0.5 * h * (1 + lib.erf(h / 2**0.5)) @ down).sum() ** 2


@program(tokens_fixed=labels(6, classes=7), table=normal(7, 4, scale=0.5), places=normal(6, 4),
         qkv=weights(4, 12), up=weights(4, 4))  # fmt: skip
def language_model(lib, tokens_fixed, table, places, qkv, up):
    """The next token's cross-entropy with tied embeddings."""
    mask = lib.array([[float(j <= i) for j in range(6)] for i in range(6)])
    x = table[tokens_fixed] + places
    q, k, v = split(x @ qkv, 3)
    x = x + attention(lib, q, k, v, mask)
    logits = (x + lib.tanh(x @ up)) @ table.T
    chosen = lib.take_along_axis(logits[:-1], tokens_fixed[1:, None], 1)
    return (lib.logsumexp(logits[:-1], 1) - chosen[:, 0]).mean()


@program(x=normal(4, 3), y=normal(6, 5), q=weights(3, 4), k=weights(5, 4), v=weights(5, 2))
def cross_attention(lib, x, y, q, k, v):
    """Rows of one sequence attend to those of another."""
    return lib.sin(attention(lib, x @ q, y @ k, y @ v)).sum()


@program(q=normal(6, 3), k=normal(6, 3), v=normal(6, 2))
def linear_attention(lib, q, k, v):
    """Attention by a running sum of outer products."""

    def step(carry, row):
        state, total = carry
        qt, kt, vt = row
        weight = lib.exp(kt)
        state = state + weight[:, None] * vt[None, :]
        total = total + weight
        ahead = lib.exp(qt)
        return (state, total), (ahead @ state) / (ahead @ total)

    zero = lib.exp(k[0]) * 0.0
    _, rows = lib.scan(step, (zero[:, None] * v[0][None, :], zero), (q, k, v))
    return (rows**2).sum()


@program(u=normal(10), a=positive(4, least=0.1, most=1.0), b=normal(4), c=normal(4),
         dt=positive(least=0.1, most=0.3))  # fmt: skip
def state_space_model(lib, u, a, b, c, dt):
    """A diagonal linear system, discretised, over a signal."""
    decay = lib.exp(-a * dt)
    gain = (1 - decay) / a * b

    def step(h, value):
        h = decay * h + gain * value
        return h, (c * h).sum()

    _, y = lib.scan(step, gain * 0.0, u)
    return (lib.tanh(y) ** 2).sum()


@program(emit=normal(6, 4), moves=normal(4, 4), tags_fixed=labels(6, classes=4))
def conditional_random_field(lib, emit, moves, tags_fixed):
    """The negative log-likelihood of a path, by the forward algorithm."""

    def step(alpha, row):
        return lib.logsumexp(alpha[:, None] + moves, 0) + row, None

    last, _ = lib.scan(step, emit[0], emit[1:])
    score = lib.take_along_axis(emit, tags_fixed[:, None], 1).sum()
    score = score + moves[tags_fixed[:-1], tags_fixed[1:]].sum()
    return lib.logsumexp(last, 0) - score


@program(start=normal(3), moves=normal(3, 3), emit=normal(3, 5), seen_fixed=labels(7, classes=5))
def hidden_markov_model(lib, start, moves, emit, seen_fixed):
    """The log-likelihood of symbols."""
    moves = lib.log_softmax(moves, -1)
    emit = lib.log_softmax(emit, -1)
    rows = emit.T[seen_fixed]

    def step(alpha, row):
        return lib.logsumexp(alpha[:, None] + moves, 0) + row, None

    last, _ = lib.scan(step, lib.log_softmax(start, -1) + rows[0], rows[1:])
    return lib.logsumexp(last, 0)


@program(logits=normal(7, 4))
def connectionist_temporal_classification(lib, logits):
    """The forward algorithm over the labels 1, 2 with blanks between."""
    path = [0, 1, 0, 2, 0]
    logp = lib.log_softmax(logits, -1)
    rows = lib.stack([logp[:, s] for s in path], 1)
    skips = lib.array([-1e9, -1e9, -1e9, 0.0, -1e9])
    low = lib.array([-1e9])

    def step(alpha, row):
        one = lib.concatenate([low, alpha[:-1]], 0)
        two = lib.concatenate([low, low, alpha[:-2]], 0) + skips
        return lib.logsumexp(lib.stack([alpha, one, two], 0), 0) + row, None

    first = rows[0] + lib.array([0.0, 0.0, -1e9, -1e9, -1e9])
    last, _ = lib.scan(step, first, rows[1:])
    return -lib.logsumexp(last[3:], 0)


@program(table=normal(5, 4), q=weights(4, 4), k=weights(4, 4), v=weights(4, 4))
def greedy_decoding_with_a_cache(lib, table, q, k, v):
    """Five tokens, each the likeliest after those before; the log-probability of the way."""
    places = lib.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])

    def step(carry, place):
        x, keys, values, total = carry
        here = (places == place)[:, None]
        keys = lib.where(here, (x @ k)[None, :], keys)
        values = lib.where(here, (x @ v)[None, :], values)
        scores = keys @ (x @ q) / 2.0
        weight = lib.softmax(lib.where(places <= place, scores, scores * 0 - 1e9), -1)
        logp = lib.log_softmax(lib.tanh(weight @ values + x) @ table.T, -1)
        best = lib.argmax(logp)
        return (table[best], keys, values, total + logp[best]), None

    cache = lib.stack([table[0] * 0.0] * 6, 0)
    (_, _, _, total), _ = lib.scan(step, (table[0], cache, cache, table.sum() * 0.0), places[:5])
    return total
