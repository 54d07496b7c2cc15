"""Finance, control, signals, images and linear algebra."""

import math

import numpy as np

from tests.programs.program import normal, positive, program, value


def cdf(lib, x):
    """Return the normal distribution function."""
    return 0.5 * lib.erfc(-x / 2**0.5)


@program(
    s=positive(4), k=positive(4), v=positive(4, least=0.2, most=0.4), t=positive(4), r=value(0.03)
)
def option_prices(lib, s, k, v, t, r):
    """Black-Scholes calls; gradient and products are their Greeks."""
    root = v * lib.sqrt(t)
    d = (lib.log(s / k) + (r + v * v / 2) * t) / root
    return (s * cdf(lib, d) - k * lib.exp(-r * t) * cdf(lib, d - root)).sum()


@program(s=positive(), v=positive(), kappa=positive(), rho=value(-0.3), z_fixed=normal(5, 6, 2))
def stochastic_volatility(lib, s, v, kappa, rho, z_fixed):
    """Heston paths with given normals, and a smooth payoff."""

    def step(carry, z):
        logs, var = carry
        vol = lib.sqrt(lib.softplus(var * 10) / 10)
        other = rho * z[:, 0] + lib.sqrt(1 - rho * rho) * z[:, 1]
        logs = logs - 0.05 * vol**2 + vol * 0.1**0.5 * z[:, 0]
        return (logs, var + kappa * (0.5 - var) * 0.1 + 0.3 * vol * 0.1**0.5 * other), None

    zero = z_fixed[0, :, 0] * 0.0
    (logs, _), _ = lib.scan(step, (zero + lib.log(s), zero + v), z_fixed)
    return lib.softplus(5 * (lib.exp(logs) - 1)).mean()


@program(s=value(1.02), v=value(0.3), r=value(0.05))
def american_option_tree(lib, s, v, r):
    """A put on a binomial tree of four levels, exercised smoothly."""
    up = lib.exp(v * 0.25**0.5)
    p = (lib.exp(r * 0.25) - 1 / up) / (up - 1 / up)
    prices = lib.stack([s * up ** (4 - 2 * i) for i in range(5)], 0)
    worth = lib.softplus(20 * (1 - prices)) / 20
    for level in range(3, -1, -1):
        prices = lib.stack([s * up ** (level - 2 * i) for i in range(level + 1)], 0)
        now = lib.softplus(20 * (1 - prices)) / 20
        wait = lib.exp(-r * 0.25) * (p * worth[:-1] + (1 - p) * worth[1:])
        worth = (lib.logsumexp(lib.stack([now, wait], 0) * 30, 0)) / 30
    return worth[0]


@program(a=normal(3, 3, scale=0.4), b=normal(3, 2), q=positive(3), r=positive(2))
def regulator_cost(lib, a, b, q, r):
    """The cost of a linear-quadratic regulator, by Riccati's recursion."""

    def step(p, _):
        gain = lib.linalg.solve(lib.array(np.eye(2)) * r[None, :] + b.T @ p @ b, b.T @ p @ a)
        return lib.array(np.eye(3)) * q[None, :] + a.T @ p @ (a - b @ gain), None

    p, _ = lib.scan(step, lib.array(np.eye(3)) * q[None, :], None, 5)
    return p.sum()


@program(x=normal(2), u=normal(3), g=positive())
def linearised_control_step(lib, x, u, g):
    """A cost with the Jacobians of the dynamics along the way inside."""

    def dynamics(x):
        return lib.stack([x[0] + 0.1 * x[1], x[1] - 0.1 * g * lib.sin(x[0])], 0)

    total = (x * x).sum() * 0.0
    for t in range(3):
        slope = lib.jacobian(dynamics, x)
        total = total + (slope @ x) @ x + u[t] ** 2
        x = dynamics(x) + lib.array([0.0, 0.1]) * u[t]
    return total


@program(a=normal(3, 3, scale=0.5), x=normal(3))
def matrix_exponential(lib, a, x):
    """A linear flow, and a function of where it leads."""
    return lib.tanh(lib.expm(a) @ x).sum()


@program(a=normal(4, 4))
def log_determinant_and_inverse(lib, a):
    """Of a matrix made positive definite."""
    m = a @ a.T + lib.array(np.eye(4))
    return lib.linalg.slogdet(m)[1] + (lib.linalg.inv(m) ** 2).sum()


@program(a=normal(6, 3), b=normal(6))
def least_squares_by_qr(lib, a, b):
    """The residual of a fit by an orthogonal factor."""
    q, r = lib.linalg.qr(a)
    x = lib.linalg.solve(r, (q.T @ b)[:, None])[:, 0]
    return ((a @ x - b) ** 2).sum() + (x * x).sum()


@program(a=normal(6, 3), b=normal(6), c=positive())
def ridge_by_cross_validation(lib, a, b, c):
    """The leave-one-out error by the hat matrix, by the penalty."""
    hat = a @ lib.linalg.solve(a.T @ a + c * lib.array(np.eye(3)), a.T)
    diagonal = (hat * lib.array(np.eye(6))).sum(1)
    return (((b - hat @ b) / (1 - diagonal)) ** 2).mean()


@program(a=normal(3, 3), b=normal(3, 3))
def generalised_eigenvalues(lib, a, b):
    """Of a symmetric pair, by a Cholesky factor."""
    m = b @ b.T + 2 * lib.array(np.eye(3))
    factor = lib.linalg.cholesky(m)
    half = lib.linalg.solve(factor, a + a.T + lib.array(np.diag([0.0, 4.0, 8.0])))
    whole = lib.linalg.solve(factor, half.T)
    return (lib.linalg.eigvalsh((whole + whole.T) / 2) ** 3).sum()


@program(taps=normal(5), target_fixed=positive(9))
def filter_design(lib, taps, target_fixed):
    """A filter whose response should have given magnitudes."""
    padded = lib.concatenate([taps, lib.array(np.zeros(11))], 0)
    response = lib.fft.rfft(padded)
    size = lib.real(response) ** 2 + lib.imag(response) ** 2
    return ((lib.sqrt(size + 1e-3) - target_fixed) ** 2).sum()


@program(x=normal(16), y_fixed=normal(16))
def spectrogram_loss(lib, x, y_fixed):
    """Log-magnitudes of windowed pieces of two signals."""
    window = lib.array(np.hanning(8))

    def pieces(v):
        f = lib.fft.rfft(lib.stack([v[i : i + 8] * window for i in (0, 4, 8)], 0))
        return lib.log(lib.real(f) ** 2 + lib.imag(f) ** 2 + 0.1)

    return (lib.abs(pieces(x) - pieces(y_fixed) + 1e-3) ** 2).sum()


@program(phases=normal(4), gains=positive(4), angle=positive())
def beam_forming(lib, phases, gains, angle):
    """The power of an array of antennas in one direction against another, in complex numbers."""
    place = lib.array(np.arange(4.0))

    def power(direction):
        turn = phases + math.pi * place * lib.sin(direction)
        real, imaginary = (gains * lib.cos(turn)).sum(), (gains * lib.sin(turn)).sum()
        return real**2 + imaginary**2

    return power(angle) / (power(angle * 0.0) + 1)


@program(x=normal(5), a_fixed=normal(4, 5), rate=positive(least=0.05, most=0.1))
def sparse_recovery(lib, x, a_fixed, rate):
    """Iterations of a smooth shrinkage (ISTA)."""
    seen = a_fixed @ x

    def step(z, _):
        z = z - rate * a_fixed.T @ (a_fixed @ z - seen)
        return z * lib.sigmoid(10 * (lib.sqrt(z * z + 0.01) - 0.2)), None

    z, _ = lib.scan(step, x * 0.1, None, 8)
    return ((z - x) ** 2).sum()


@program(image=normal(6, 6), kernel=positive(3, 3, least=0.05, most=0.2), seen_fixed=normal(4, 4))
def deconvolution(lib, image, kernel, seen_fixed):
    """A blurred image with a smooth total variation."""
    blurred = lib.conv2d(image[None, None], kernel[None, None])[0, 0]
    across, down = image[:, 1:] - image[:, :-1], image[1:] - image[:-1]
    rough = lib.sqrt(across[:-1] ** 2 + down[:, :-1] ** 2 + 0.01).sum()
    return ((blurred - seen_fixed) ** 2).sum() + 0.1 * rough


@program(image=normal(5, 5), shift=value([0.3, 0.6]))
def bilinear_warp(lib, image, shift):
    """An image read between its pixels."""
    a, b = shift[0], shift[1]
    corners = [image[:-1, :-1], image[:-1, 1:], image[1:, :-1], image[1:, 1:]]
    parts = [(1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b]
    moved = sum(c * w for c, w in zip(corners, parts, strict=True))
    return (moved**2).sum() + lib.sin(moved).sum()


@program(points=normal(4, 3), turn=normal(3, scale=0.5), move=value([0.1, -0.2, 5.0]),
         seen_fixed=normal(4, 2))  # fmt: skip
def camera_reprojection(lib, points, turn, move, seen_fixed):
    """Points turned by Rodrigues' formula, moved, and projected."""
    angle = lib.sqrt(turn @ turn)
    x, y, z = turn[0] / angle, turn[1] / angle, turn[2] / angle
    zero = x * 0.0
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    k = lib.stack([lib.stack(row, 0) for row in rows], 0)
    turned = lib.array(np.eye(3)) + lib.sin(angle) * k + (1 - lib.cos(angle)) * (k @ k)
    p = points @ turned.T + move[None, :]
    return ((p[:, :2] / p[:, 2:] - seen_fixed) ** 2).sum()
