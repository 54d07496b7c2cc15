"""Likelihoods, filters and samplers."""

import math

from tests.programs.program import labels, normal, positive, program, value

LOG_2PI = math.log(2 * math.pi)


def rbf(lib, x, y, length):
    """Return the squared-exponential kernel of rows."""
    square = ((x[:, None, :] - y[None, :, :]) ** 2).sum(2)
    return lib.exp(-0.5 * square / length**2)


@program(x=normal(6, 2), y_fixed=normal(6), length=positive(), noise=positive(), scale=positive())
def gaussian_process_likelihood(lib, x, y_fixed, length, noise, scale):
    """The marginal likelihood by a Cholesky factor."""
    k = scale * rbf(lib, x, x, length) + noise * lib.array([[float(i == j) for j in range(6)]
                                                            for i in range(6)])  # fmt: skip
    factor = lib.linalg.cholesky(k)
    half = lib.linalg.solve(factor, y_fixed[:, None])[:, 0]
    diagonal = lib.stack([factor[i, i] for i in range(6)], 0)
    return 0.5 * (half * half).sum() + lib.log(diagonal).sum() + 3 * LOG_2PI


@program(x=normal(5), y_fixed=normal(5), at_fixed=normal(3), length=positive())
def gaussian_process_prediction(lib, x, y_fixed, at_fixed, length):
    """Mean and variance elsewhere, with a Matérn kernel."""

    def matern(a, b):
        d = lib.sqrt((a[:, None] - b[None, :]) ** 2 + 1e-3) * 3**0.5 / length
        return (1 + d) * lib.exp(-d)

    k = matern(x, x) + 0.3 * lib.array([[float(i == j) for j in range(5)] for i in range(5)])
    cross = matern(at_fixed, x)
    mean = cross @ lib.linalg.solve(k, y_fixed[:, None])[:, 0]
    cover = matern(at_fixed, at_fixed) - cross @ lib.linalg.solve(k, cross.T)
    return (mean**2).sum() + lib.linalg.slogdet(cover + 0.1 * matern(at_fixed, at_fixed))[1]


@program(x_fixed=normal(7, 1), y_fixed=normal(7), z=value([[-1.0], [0.0], [1.0]]),
         length=positive(), noise=positive())  # fmt: skip
def sparse_gaussian_process(lib, x_fixed, y_fixed, z, length, noise):
    """A bound on the likelihood with three inducing points."""
    eye = lib.array([[float(i == j) for j in range(3)] for i in range(3)])
    kuu = rbf(lib, z, z, length) + 0.1 * eye
    kuf = rbf(lib, z, x_fixed, length)
    a = lib.linalg.solve(lib.linalg.cholesky(kuu), kuf) / lib.sqrt(noise)
    b = eye + a @ a.T
    c = a @ y_fixed / lib.sqrt(noise)
    fit = 0.5 * ((y_fixed**2).sum() / noise - c @ lib.linalg.solve(b, c[:, None])[:, 0])
    return fit + 0.5 * lib.linalg.slogdet(b)[1] + 3.5 * lib.log(noise) - 0.5 * (a * a).sum()


@program(x_fixed=normal(8, 3), y_fixed=normal(8), alpha=positive(), beta=positive())
def bayesian_regression_evidence(lib, x_fixed, y_fixed, alpha, beta):
    """The evidence of a linear model by its precisions."""
    eye = lib.array([[float(i == j) for j in range(3)] for i in range(3)])
    a = alpha * eye + beta * x_fixed.T @ x_fixed
    m = beta * lib.linalg.solve(a, (x_fixed.T @ y_fixed)[:, None])[:, 0]
    error = beta * ((y_fixed - x_fixed @ m) ** 2).sum() + alpha * (m * m).sum()
    return 1.5 * lib.log(alpha) + 4 * lib.log(beta) - 0.5 * error - 0.5 * lib.linalg.slogdet(a)[1]


@program(x_fixed=normal(9, 2), mean=normal(3, 2), logvar=normal(3, 2, scale=0.3), mix=normal(3))
def gaussian_mixture(lib, x_fixed, mean, logvar, mix):
    """The log-likelihood of points under three clusters."""
    off = x_fixed[:, None, :] - mean[None, :, :]
    density = -0.5 * (off**2 / lib.exp(logvar)[None, :, :] + logvar[None, :, :] + LOG_2PI).sum(2)
    return lib.logsumexp(density + lib.log_softmax(mix, -1)[None, :], 1).sum()


@program(q=normal(3), p=normal(3), a_fixed=normal(3, 3))
def hamiltonian_monte_carlo_step(lib, q, p, a_fixed):
    """Four leapfrog steps with gradients of a log-density inside, and the energy after."""

    def energy(q):
        return lib.log(1 + (lib.tanh(a_fixed @ q) ** 2).sum()) + 0.5 * (q * q).sum()

    for _ in range(4):
        p = p - 0.05 * lib.grad(energy, q)
        q = q + 0.1 * p
        p = p - 0.05 * lib.grad(energy, q)
    return energy(q) + 0.5 * (p * p).sum()


@program(x=normal(4, 2), noise_fixed=normal(4, 2), m=normal(2))
def langevin_step(lib, x, noise_fixed, m):
    """A step of Langevin dynamics of several chains, and a test function of it."""

    def density(x):
        return -lib.softplus(((x - m) ** 2).sum(1)).sum()

    moved = x + 0.1 * lib.grad(density, x) + 0.2**0.5 * noise_fixed
    return lib.cos(moved).sum()


@program(mean=normal(3), raw=normal(3, 3), target=normal(3), spread=positive(3))
def gaussian_divergence(lib, mean, raw, target, spread):
    """The divergence of a Gaussian, given by a triangular factor, from another."""
    lower = lib.array([[float(j < i) for j in range(3)] for i in range(3)])
    eye = lib.array([[float(i == j) for j in range(3)] for i in range(3)])
    factor = raw * lower + lib.exp(raw) * eye
    cover = factor @ factor.T
    off = target - mean
    trace = (cover * eye / spread[None, :]).sum()
    return 0.5 * (trace + (off * off / spread).sum() - 3 + lib.log(spread).sum()
                  - lib.linalg.slogdet(cover)[1])  # fmt: skip


@program(y_fixed=normal(6), a=normal(2, 2, scale=0.5), q=positive(2), r=positive(), h=normal(2))
def kalman_filter(lib, y_fixed, a, q, r, h):
    """The likelihood of observations of a linear system."""
    eye = lib.array([[1.0, 0.0], [0.0, 1.0]])

    def step(carry, y):
        m, p = carry
        m, p = a @ m, a @ p @ a.T + eye * q[None, :]
        s = h @ p @ h + r
        k = p @ h / s
        e = y - h @ m
        m = m + k * e
        p = p - k[:, None] * (h @ p)[None, :]
        return (m, p), 0.5 * (lib.log(s) + e * e / s + LOG_2PI)

    _, parts = lib.scan(step, (q * 0.0, eye), y_fixed)
    return parts.sum()


@program(y_fixed=normal(5), a=positive(), q=positive(), r=positive())
def kalman_smoother(lib, y_fixed, a, q, r):
    """The smoothed path of a scalar system: forward, then backward over what was kept."""

    def filtered(carry, y):
        m, p = carry
        m, p = a * m, a * a * p + q
        k = p / (p + r)
        after = (m + k * (y - m), (1 - k) * p)
        return after, (*after, m, p)

    def smoothed(carry, row):
        mean, ahead_m, ahead_p = carry
        m, p, before_m, before_p = row
        gain = p * a / ahead_p
        new = m + gain * (mean - ahead_m)
        return (new, before_m, before_p), new

    _, (m, p, pm, pp) = lib.scan(filtered, (q * 0.0, q), y_fixed)
    start = (m[-1], pm[-1], pp[-1])
    rows = (m[:-1], p[:-1], pm[:-1], pp[:-1])
    _, path = lib.scan(smoothed, start, rows, reverse=True)
    return (path**2).sum() + m[-1] ** 2


@program(x=normal(6), y_fixed=normal(), noise_fixed=normal(6), scale=positive())
def particle_filter_step(lib, x, y_fixed, noise_fixed, scale):
    """Particles moved, weighted, and softly resampled."""
    moved = lib.sin(x) * 2 + scale * noise_fixed
    logw = -0.5 * (y_fixed - moved) ** 2
    weight = lib.softmax(logw, -1)
    mixed = 0.9 * weight + 0.1 / 6
    return lib.logsumexp(logw, 0) + ((weight / mixed) * moved**2 * mixed).sum()


@program(alpha=positive(3, least=1.0, most=3.0), p_fixed=value([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]))
def dirichlet_likelihood(lib, alpha, p_fixed):
    """Log-gammas and logarithms."""
    normaliser = lib.gammaln(alpha.sum()) - lib.gammaln(alpha).sum()
    return 2 * normaliser + ((alpha - 1)[None, :] * lib.log(p_fixed)).sum()


@program(w=normal(3), nu=positive(least=2.0, most=5.0), s=positive(), x_fixed=normal(7, 3),
         y_fixed=normal(7))  # fmt: skip
def student_regression(lib, w, nu, s, x_fixed, y_fixed):
    """A robust likelihood with its degrees of freedom."""
    e = (y_fixed - x_fixed @ w) / s
    parts = lib.gammaln((nu + 1) / 2) - lib.gammaln(nu / 2) - 0.5 * lib.log(nu) - lib.log(s)
    return -(parts - (nu + 1) / 2 * lib.log1p(e * e / nu)).sum()


@program(mu=normal(), kappa=positive(least=1.0, most=3.0), x_fixed=normal(6))
def von_mises_likelihood(lib, mu, kappa, x_fixed):
    """Angles around a mean, normalised by a Bessel function."""
    return (kappa * (lib.cos(x_fixed - mu) - 1)).sum() - 6 * lib.log(lib.i0e(kappa))


@program(k=positive(), w=normal(2), x_fixed=normal(6, 2), t_fixed=positive(6),
         seen_fixed=labels(6, classes=2))  # fmt: skip
def weibull_survival(lib, k, w, x_fixed, t_fixed, seen_fixed):
    """Times to failure, some of them cut off."""
    z = k * (lib.log(t_fixed) - x_fixed @ w)
    return (lib.exp(z) - seen_fixed * (z + lib.log(k) - lib.log(t_fixed))).sum()


@program(w=normal(2), r=positive(least=1.0, most=4.0), x_fixed=normal(6, 2),
         y_fixed=labels(6, classes=6))  # fmt: skip
def negative_binomial_regression(lib, w, r, x_fixed, y_fixed):
    """Counts that vary more than Poisson's."""
    mu = lib.exp(0.5 * x_fixed @ w)
    log_p = lib.log(mu / (mu + r))
    parts = lib.gammaln(y_fixed + r) - lib.gammaln(r) + r * lib.log(r / (mu + r)) + y_fixed * log_p
    return -parts.sum()
