"""Differential equations, fields and molecules."""

import math

import numpy as np

from tests.programs.program import normal, positive, program, value

WAVES = 2 * math.pi * np.fft.fftfreq(8, 1 / 8) / (2 * math.pi)


def rk4(f, y, h):
    """Return a step of the classical Runge-Kutta method."""
    a = f(y)
    b = f(y + 0.5 * h * a)
    c = f(y + 0.5 * h * b)
    d = f(y + h * c)
    return y + h / 6 * (a + 2 * b + 2 * c + d)


@program(y=positive(2), rates=positive(4))
def predator_and_prey_unrolled(lib, y, rates):
    """Lotka-Volterra, eight steps without a loop."""

    def f(y):
        pair = y[0] * y[1]
        return lib.stack([rates[0] * y[0] - rates[1] * pair, rates[2] * pair - rates[3] * y[1]], 0)

    for _ in range(8):
        y = rk4(f, y, 0.1)
    return (y * y).sum()


@program(y=normal(2), length=positive(), drag=positive(least=0.1, most=0.3))
def pendulum_scanned(lib, y, length, drag):
    """A damped pendulum, thirty steps in a loop."""

    def f(y):
        return lib.stack([y[1], -lib.sin(y[0]) / length - drag * y[1]], 0)

    def step(y, _):
        y = rk4(f, y, 0.1)
        return y, y[0] ** 2

    last, squares = lib.scan(step, y, None, 30)
    return last.sum() + squares.mean()


@program(y=value([1.2, 0.3]), mu=positive(least=0.5, most=1.0))
def adaptive_oscillator(lib, y, mu):
    """Van der Pol's equation to a given time with steps that an error estimate chooses."""

    def f(y):
        return lib.stack([y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]], 0)

    def goes_on(carry):
        return carry[1] < 1.0 - 1e-9

    def step(carry):
        y, t, h = carry
        h = lib.minimum(h, 1.0 - t)
        a = f(y)
        b = f(y + h / 2 * a)
        c = f(y + 3 * h / 4 * b)
        new = y + h * (2 * a / 9 + b / 3 + 4 * c / 9)
        d = f(new)
        error = lib.sqrt(((h * (5 * a / 72 - b / 12 - c / 9 + d / 8)) ** 2).sum() + 1e-24)
        grown = h * lib.minimum(0.9 * (1e-4 / error) ** (1 / 3), 2.0)
        taken = error < 1e-4
        return lib.where(taken, new, y), lib.where(taken, t + h, t), grown

    zero = mu * 0.0
    last, _, _ = lib.while_loop(goes_on, step, (y, zero, zero + 0.05), 40)
    return (last**2).sum()


@program(q=normal(3, 2), p=normal(3, 2), mass=positive(3))
def three_bodies(lib, q, p, mass):
    """A symplectic integration of gravity, softened, with forces as gradients."""

    def potential(q):
        off = q[:, None, :] - q[None, :, :]
        near = lib.sqrt((off**2).sum(2) + 0.5)
        return -0.5 * (mass[:, None] * mass[None, :] / near).sum()

    for _ in range(4):
        p = p - 0.05 * lib.grad(potential, q)
        q = q + 0.1 * p / mass[:, None]
        p = p - 0.05 * lib.grad(potential, q)
    return (q * q).sum() + (p * p).sum()


@program(y=normal(4, scale=0.5), m=positive(2))
def double_pendulum(lib, y, m):
    """Accelerations from a mass matrix, which is solved with at each stage."""

    def f(y):
        off = lib.cos(y[0] - y[1])
        rows = [[m[0] + m[1], m[1] * off], [m[1] * off, m[1]]]
        matrix = lib.stack([lib.stack(row, 0) for row in rows], 0)
        turn = m[1] * lib.sin(y[0] - y[1])
        force = lib.stack([-turn * y[3] ** 2 - (m[0] + m[1]) * 9.8 * lib.sin(y[0]),
                           turn * y[2] ** 2 - m[1] * 9.8 * lib.sin(y[1])], 0)  # fmt: skip
        speed = lib.linalg.solve(matrix, force[:, None])[:, 0]
        return lib.concatenate([y[2:], speed], 0)

    for _ in range(4):
        y = rk4(f, y, 0.02)
    return (y * y).sum()


@program(y=value([1.0, 1.1, 0.9]), s=value([10.0, 8 / 3, 28.0]))
def lorenz_sensitivity(lib, y, s):
    """How chaos depends on its parameters, for a short while."""

    def step(y, _):
        d = lib.stack([s[0] * (y[1] - y[0]), y[0] * (s[2] - y[2]) - y[1],
                       y[0] * y[1] - s[1] * y[2]], 0)  # fmt: skip
        return y + 0.01 * d, None

    last, _ = lib.scan(step, y, None, 20)
    return last @ last


@program(u=normal(7), k=positive(7))
def heat_equation_implicit(lib, u, k):
    """Three backward Euler steps with a conductivity that varies."""
    second = -2 * np.eye(7) + np.eye(7, k=1) + np.eye(7, k=-1)
    system = lib.array(np.eye(7)) - 0.1 * k[:, None] * lib.array(second)
    for _ in range(3):
        u = lib.linalg.solve(system, u[:, None])[:, 0]
    return (u**2).sum()


def spectral(lib, u, power):
    """Return a derivative of a periodic function by its Fourier coefficients."""
    factor = lib.array((1j * WAVES) ** power)
    return lib.real(lib.fft.ifft(lib.fft.fft(u) * factor))


@program(u=normal(8), v=normal(8), c=positive())
def wave_equation_spectral(lib, u, v, c):
    """Steps of the wave equation with spectral derivatives."""
    for _ in range(3):
        v = v + 0.05 * c * c * spectral(lib, u, 2)
        u = u + 0.05 * v
    return (u * u).sum() + (v * v * c).sum()


@program(u=normal(8), nu=positive())
def burgers_equation(lib, u, nu):
    """An integrating factor for diffusion, the rest explicit."""
    decay = lib.exp(lib.array(-0.02 * WAVES**2) * nu)
    for _ in range(3):
        u = u - 0.02 * u * spectral(lib, u, 1)
        u = lib.real(lib.fft.ifft(lib.fft.fft(u) * decay))
    return (u**3).sum()


@program(f=normal(8, 8), scale=positive())
def poisson_equation(lib, f, scale):
    """A potential on the torus, and its energy."""
    square = WAVES[:, None] ** 2 + WAVES[None, :] ** 2
    inverse = lib.array(np.where(square > 0, 1 / np.where(square > 0, square, 1), 0))
    u = lib.real(lib.fft.ifft2(lib.fft.fft2(lib.tanh(f)) * inverse)) * scale
    return (u * lib.sin(f)).sum()


@program(x_fixed=value(np.linspace(0.1, 0.9, 5)), a=normal(4), b=normal(4), c=normal(4))
def physics_informed_network(lib, x_fixed, a, b, c):
    """A network that should solve u'' + u = 0, with its second derivative in the loss."""

    def u(x):
        return lib.tanh(x[:, None] * a[None, :] + b[None, :]) @ c

    def slope(x):
        return lib.grad(lambda x: u(x).sum(), x)

    second = lib.grad(lambda x: slope(x).sum(), x_fixed)
    zero = x_fixed[:1] * 0.0
    return ((second + u(x_fixed)) ** 2).mean() + ((u(zero) - 1.0) ** 2).sum()


@program(u=normal(4, 4), v=normal(4, 4))
def fluid_projection_step(lib, u, v):
    """Advection by upwind-free differences, then a few sweeps of a pressure solver."""

    def ddx(f):
        return (lib.roll(f, -1, 0) - lib.roll(f, 1, 0)) / 2

    def ddy(f):
        return (lib.roll(f, -1, 1) - lib.roll(f, 1, 1)) / 2

    u, v = u - 0.1 * (u * ddx(u) + v * ddy(u)), v - 0.1 * (u * ddx(v) + v * ddy(v))
    div = ddx(u) + ddy(v)
    p = div * 0.0
    for _ in range(4):
        p = (lib.roll(p, 1, 0) + lib.roll(p, -1, 0) + lib.roll(p, 1, 1) + lib.roll(p, -1, 1)
             - div) / 4  # fmt: skip
    u, v = u - ddx(p), v - ddy(p)
    return (u * u * v).sum() + (v * v).sum()


@program(field=normal(5), j=normal(5, 5, scale=0.3))
def ising_mean_field(lib, field, j):
    """Magnetisations by damped iteration, and the free energy."""
    couple = j + j.T
    m = lib.tanh(field)
    for _ in range(6):
        m = 0.5 * m + 0.5 * lib.tanh(field + couple @ m)
    entropy = -((1 + m) / 2 * lib.log((1 + m) / 2) + (1 - m) / 2 * lib.log((1 - m) / 2)).sum()
    return -0.5 * m @ couple @ m - field @ m - entropy


def distances(lib, x):
    """Return softened distances of all pairs of points."""
    off = x[:, None, :] - x[None, :, :]
    return lib.sqrt((off**2).sum(2) + 1e-6)


@program(x=value([[0.0, 0.0, 0.0], [1.0, 0.1, 0.0], [1.4, 1.0, 0.2], [2.3, 1.2, -0.3]]),
         k=positive(3), size=positive(), forces_fixed=normal(4, 3))  # fmt: skip
def molecular_force_field(lib, x, k, size, forces_fixed):
    """Bonds, an angle, a torsion and Lennard-Jones, fitted to forces."""

    def energy(x):
        a, b, c = x[1] - x[0], x[2] - x[1], x[3] - x[2]
        bonds = sum((lib.sqrt((v * v).sum()) - 1.0) ** 2 for v in (a, b, c))
        angle = (a @ b) / lib.sqrt((a @ a) * (b @ b))
        n, m = cross(lib, a, b), cross(lib, b, c)
        torsion = (n @ m) / lib.sqrt((n @ n) * (m @ m))
        far = (x[3] - x[0]) @ (x[3] - x[0])
        sixth = (size**2 / far) ** 3
        return k[0] * bonds + k[1] * (angle - 0.3) ** 2 + k[2] * (1 + torsion) + sixth**2 - sixth

    return ((-lib.grad(energy, x) - forces_fixed) ** 2).mean()


def cross(lib, a, b):
    """Return the cross product."""
    parts = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    return lib.stack(parts, 0)


@program(x=normal(5, 3), eta=positive(2), w=normal(2))
def atomic_descriptors(lib, x, eta, w):
    """Radial symmetry functions with a smooth cutoff, and an energy of each atom."""
    d = distances(lib, x)
    others = lib.array(1 - np.eye(5))
    cut = lib.where(d < 4.0, 0.5 * (lib.cos(math.pi * d / 4.0) + 1), d * 0.0) * others
    parts = [(lib.exp(-eta[i] * (d - 1.0 - i) ** 2) * cut).sum(1) for i in range(2)]
    return lib.tanh(lib.stack(parts, 1) @ w).sum()


@program(x=normal(4, 3), q=normal(4), alpha=positive())
def screened_charges(lib, x, q, alpha):
    """The short-range part of an Ewald sum."""
    d = distances(lib, x) + lib.array(np.eye(4))
    pairs = q[:, None] * q[None, :] * lib.erfc(alpha * d) / d * lib.array(1 - np.eye(4))
    return 0.5 * pairs.sum() - alpha / math.pi**0.5 * (q * q).sum()


@program(h=normal(4, 4), g=positive(4, least=0.1, most=0.3))
def self_consistent_field(lib, h, g):
    """Orbitals of a mean field that depends on their density, five times over."""
    core = h + h.T + lib.array(np.diag([-3.0, -1.0, 1.0, 3.0]))
    density = g * 0.0
    for _ in range(5):
        fock = core + lib.array(np.eye(4)) * (g * density)[None, :]
        energies, orbitals = lib.linalg.eigh(fock)
        density = 2 * (orbitals[:, :2] ** 2).sum(1)
    return energies[:2].sum() * 2 - 0.5 * (g * density**2).sum()


@program(x=normal(5, 3), y_fixed=normal(5, 3))
def rigid_alignment(lib, x, y_fixed):
    """The least error of a rotation, by singular values (Kabsch)."""
    a, b = x - x.mean(0)[None, :], y_fixed - y_fixed.mean(0)[None, :]
    s = lib.linalg.svd(a.T @ b, full_matrices=False)[1]
    return (a * a).sum() + (b * b).sum() - 2 * s.sum()
