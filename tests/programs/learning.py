"""How to learn: losses, steps of optimisers with derivatives inside, and layers that solve."""

from tests.programs.networks import cross_entropy
from tests.programs.program import labels, normal, positive, program, value, weights


@program(x_fixed=normal(6, 3), y_fixed=normal(6), w=normal(3), rate=positive(least=0.05, most=0.2))
def meta_learning_step(lib, x_fixed, y_fixed, w, rate):
    """The loss after one step of gradient descent, by the weights before (MAML)."""

    def loss(w):
        return ((lib.tanh(x_fixed[:3] @ w) - y_fixed[:3]) ** 2).sum()

    after = w - rate * lib.grad(loss, w)
    return ((lib.tanh(x_fixed[3:] @ after) - y_fixed[3:]) ** 2).sum()


@program(w=normal(4), x_fixed=normal(7, 4))
def hessian_free_step(lib, w, x_fixed):
    """Three steps of conjugate gradients with products of the Hessian inside."""

    def loss(w):
        return lib.softplus(x_fixed @ w).sum() + 0.5 * (w * w).sum()

    r = -lib.grad(loss, w)
    p, d = r, r * 0.0
    for _ in range(3):
        hp = lib.hvp(loss, w, p)
        alpha = (r * r).sum() / (p * hp).sum()
        d = d + alpha * p
        new = r - alpha * hp
        p = new + (new * new).sum() / (r * r).sum() * p
        r = new
    return loss(w + d)


@program(x=normal(5, 3), a=weights(3, 4), b=weights(4, 1))
def gradient_penalty(lib, x, a, b):
    """A critic whose gradient should have length 1."""

    def critic(x):
        return (lib.tanh(x @ a) @ b).sum()

    slope = lib.grad(critic, x)
    length = lib.sqrt((slope * slope).sum(1) + 1e-6)
    return critic(x) + 10 * ((length - 1) ** 2).mean()


@program(x=normal(4), a=weights(4, 4), b=normal(4))
def implicit_layer_by_fixed_point(lib, x, a, b):
    """A layer that is the fixed point of a contraction."""

    def step(z, _):
        return lib.tanh(0.4 * z @ a + x + b), None

    z, _ = lib.scan(step, x * 0.0, None, 40)
    return (z * z).sum()


@program(x=normal(4), a=weights(4, 4))
def implicit_layer_until_it_stands(lib, x, a):
    """The same, for as long as it moves: a loop that a condition ends."""

    def moves(carry):
        z, before = carry
        return ((z - before) ** 2).sum() > 1e-20

    def step(carry):
        z, _ = carry
        return lib.tanh(0.4 * z @ a + x), z

    z, _ = lib.while_loop(moves, step, (lib.tanh(x), x * 0.0), 60)
    return (z**3).sum()


@program(cost=positive(4, 5), a_fixed=value([0.25] * 4), b_fixed=value([0.2] * 5))
def sinkhorn(lib, cost, a_fixed, b_fixed):
    """Entropic transport by alternating scalings, in logarithms."""

    def step(carry, _):
        f, g = carry
        f = -lib.logsumexp(g[None, :] - cost / 0.2, 1) + lib.log(a_fixed)
        g = -lib.logsumexp(f[:, None] - cost / 0.2, 0) + lib.log(b_fixed)
        return (f, g), None

    (f, g), _ = lib.scan(step, (a_fixed * 0.0, b_fixed * 0.0), None, 12)
    return (lib.exp(f[:, None] + g[None, :] - cost / 0.2) * cost).sum()


@program(x=normal(6), y_fixed=normal(6))
def soft_ranking(lib, x, y_fixed):
    """Spearman's correlation of smooth ranks."""

    def ranks(v):
        return lib.sigmoid((v[:, None] - v[None, :]) / 0.3).sum(1)

    a, b = ranks(x), ranks(y_fixed)
    a, b = a - a.mean(), b - b.mean()
    return (a * b).sum() / lib.sqrt((a * a).sum() * (b * b).sum())


@program(w=normal(4, 3), u_fixed=normal(3), x_fixed=normal(5, 4))
def spectral_normalisation(lib, w, u_fixed, x_fixed):
    """A matrix divided by its largest singular value, by power iteration."""
    u = u_fixed
    for _ in range(4):
        v = w @ u
        v = v / lib.sqrt((v * v).sum())
        u = w.T @ v
        u = u / lib.sqrt((u * u).sum())
    return lib.sin(x_fixed @ (w / (v @ (w @ u)))).sum()


@program(u=normal(5, 2), v=normal(4, 2), r_fixed=normal(5, 4), seen_fixed=labels(5, 4, classes=2))
def matrix_factorisation(lib, u, v, r_fixed, seen_fixed):
    """Ratings that were seen, by products of factors."""
    error = (u @ v.T - r_fixed) * seen_fixed
    return (error * error).sum() + 0.1 * ((u * u).sum() + (v * v).sum())


@program(x=normal(4, 4), a=weights(2, 4), b=weights(2, 4))
def affine_coupling_flow(lib, x, a, b):
    """The log-density of data under two coupling layers (RealNVP)."""
    total = x[:, 0] * 0.0
    for w in (a, b):
        keep, move = x[:, :2], x[:, 2:]
        made = lib.tanh(keep @ w)
        move = move * lib.exp(made[:, :2]) + made[:, 2:]
        total = total + made[:, :2].sum(1)
        x = lib.concatenate([move, keep], 1)
    return (total - 0.5 * (x * x).sum(1)).sum()


@program(z=normal(5, 3), w=normal(2, 3, scale=0.5), u=normal(2, 3, scale=0.5), b=normal(2))
def planar_flow(lib, z, w, u, b):
    """The log-determinants of two planar layers."""
    total = 0.0
    for k in range(2):
        h = lib.tanh(z @ w[k] + b[k])
        slope = (1 - h * h)[:, None] * w[k][None, :]
        total = total + lib.log(lib.abs(1 + slope @ u[k])).sum()
        z = z + h[:, None] * u[k][None, :]
    return total - 0.5 * (z * z).sum()


@program(logits=normal(4, 5), noise_fixed=positive(4, 5, least=0.05, most=0.95), w=normal(5))
def gumbel_softmax(lib, logits, noise_fixed, w):
    """A relaxed choice with given noise."""
    gumbel = -lib.log(-lib.log(noise_fixed))
    return lib.sin(lib.softmax((logits + gumbel) / 0.7, -1) @ w).sum()


@program(a=normal(5, 3), b=normal(5, 3))
def contrastive_loss(lib, a, b):
    """Pairs against all others by cosine similarity (InfoNCE)."""
    a = a / lib.sqrt((a * a).sum(1))[:, None]
    b = b / lib.sqrt((b * b).sum(1))[:, None]
    scores = a @ b.T / 0.5
    return (lib.logsumexp(scores, 1) - (a * b).sum(1) / 0.5).mean()


@program(student=normal(4, 3), teacher_fixed=normal(4, 3), y_fixed=labels(4, classes=3))
def distillation(lib, student, teacher_fixed, y_fixed):
    """A teacher's softened probabilities and the labels."""
    soft = lib.softmax(teacher_fixed / 2.0, -1)
    divergence = (soft * (lib.log(soft) - lib.log_softmax(student / 2.0, -1))).sum()
    return divergence * 4.0 + cross_entropy(lib, student, y_fixed)


@program(x=normal(5, 3), senders_fixed=labels(8, classes=5), to_fixed=labels(8, classes=5),
         w=weights(3, 3), a=normal(3), b=normal(3))  # fmt: skip
def graph_attention(lib, x, senders_fixed, to_fixed, w, a, b):
    """Messages along edges, weighted by a softmax over each receiver's edges."""
    h = lib.tanh(x @ w)
    score = lib.exp(lib.tanh(h[senders_fixed] @ a + h[to_fixed] @ b))
    total = lib.segment_sum(score, to_fixed, 5)
    message = h[senders_fixed] * (score / total[to_fixed])[:, None]
    return (lib.segment_sum(message, to_fixed, 5) ** 2).sum()


@program(x=normal(6, 3), to_fixed=labels(9, classes=6), from_fixed=labels(9, classes=6),
         w=weights(3, 3), v=weights(3, 3))  # fmt: skip
def graph_convolution(lib, x, to_fixed, from_fixed, w, v):
    """Two rounds of sums over neighbours, and a mean over nodes."""
    for _ in range(2):
        x = lib.softplus(x @ w + lib.segment_sum(x[from_fixed] @ v, to_fixed, 6))
    return lib.log(x.mean(0)).sum()


@program(w=normal(3), x_fixed=normal(8, 3), times_fixed=value([5, 3, 8, 1, 7, 2, 6, 4]),
         seen_fixed=value([1, 0, 1, 1, 1, 0, 1, 1]))  # fmt: skip
def proportional_hazards(lib, w, x_fixed, times_fixed, seen_fixed):
    """Cox's partial likelihood: each event against those at risk."""
    risk = x_fixed @ w
    later = times_fixed[None, :] >= times_fixed[:, None]
    at_risk = lib.where(later, risk[None, :], risk[None, :] * 0 - 1e9)
    return ((lib.logsumexp(at_risk, 1) - risk) * seen_fixed).sum()
