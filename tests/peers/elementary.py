"""Cross-checks of functions that work element by element, on real numbers and on complex ones.

A name alone is called in PyTorch and in `jax.numpy`; where a peer's name is another one, the path
to it stands beside ours, and an empty path says that the peer has none.
"""

from functools import reduce
from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(6)
LINE = RNG.uniform(-3, 3, (3, 4))
POSITIVE = RNG.uniform(0.05, 4, (3, 4))
UNIT = RNG.uniform(-0.95, 0.95, (3, 4))
ABOVE = RNG.uniform(1.05, 5, (3, 4))
PLANE = RNG.uniform(-2, 2, (3, 4)) + 1j * RNG.uniform(-2, 2, (3, 4))
POINT = RNG.uniform(0.3, 2, 4) - 1j * RNG.uniform(0.3, 2, 4)
OTHER = RNG.uniform(0.5, 2, 4) * np.array([1, -1, 1, -1])
HALVES = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.3, -1.7])
ODD = np.array([1.5, np.nan, np.inf, -np.inf, -2.0])
FINITE, WITH_NAN = np.array([1.0, 2.0, -3.0, 4.0]), np.array([3.0, np.nan, -5.0, 2.0])
INTS, MORE_INTS = RNG.integers(-50, 50, (3, 4)), RNG.integers(1, 6, 4)
BOOLS, MORE_BOOLS = LINE > 0, np.array([True, False, True, False])


def found(module: Any, path: str) -> Any:  # noqa: ANN401 - a module's function
    """Return what a dotted path leads to."""
    return reduce(getattr, path.split("."), module)


def row(
    name: str, *arrays: np.ndarray, args: tuple[Any, ...] = (), torch: str | None = None,
    jax: str | None = None, gradient: bool = True,
) -> Row:  # fmt: skip
    """Return the row of a function that the peers call alike."""
    torch = name if torch is None else torch
    jax = f"numpy.{name}" if jax is None else jax
    return Row(
        name, arrays, lambda *x: found(df, name)(*x, *args),
        (lambda t, *x: found(t, torch)(*x, *args)) if torch else None,
        (lambda j, *x: found(j, jax)(*x, *args)) if jax else None, gradient,
    )  # fmt: skip


BOTH = ("exp", "expm1", "sin", "cos", "sinh", "cosh", "tanh", "tan", "asinh", "square", "negative",
        "positive", "abs", "reciprocal", "exp2", "sinc")  # fmt: skip
"""Functions of all real and complex numbers, but for poles that no draw hits."""
INVERSES = {
    "log": POSITIVE, "log1p": POSITIVE, "log2": POSITIVE, "log10": POSITIVE, "sqrt": POSITIVE,
    "asin": UNIT, "acos": UNIT, "atan": LINE, "acosh": ABOVE, "atanh": UNIT,
}  # fmt: skip
STEPS = ("floor", "ceil", "trunc", "round", "sign")
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
PARTS = ("real", "imag", "conj", "angle")
PREDICATES = ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit")
BINARY = ("add", "subtract", "multiply", "divide", "hypot", "logaddexp", "logaddexp2", "atan2",
          "fmod", "remainder", "maximum", "minimum", "fmax", "fmin", "copysign")  # fmt: skip
EXPONENTS = (2, 3, -1, -2, 0.5, 1.5, 0, 1, -0.5)

UNARY_ROWS = [
    *(row(name, x) for name in BOTH for x in (LINE, PLANE)
      if (name, x is PLANE) not in {("expm1", True), ("exp2", True)}),
    row("expm1", PLANE, torch="", jax="numpy.expm1"), row("exp2", PLANE),
    row("expm1", UNIT * 1e-6), row("log1p", UNIT * 1e-6),
    *(row(name, x) for name, at in INVERSES.items() for x in (at, PLANE)
      if (name, x is PLANE) != ("acosh", True)),
    # JAX's slope has the wrong sign left of the imaginary axis; ours is PyTorch's.
    row("acosh", PLANE, jax=""), row("acosh", PLANE + 2.5),
    *(row(name, x) for name in STEPS for x in (LINE, HALVES)),
    # JAX takes the slope of a complex number's sign for 0, which that of z / |z| isn't.
    row("sign", PLANE, torch="sgn", jax=""),
    row("sign", PLANE, torch="sgn", gradient=False),
    row("rint", HALVES, torch="round"), row("fix", LINE, jax="numpy.trunc"),
    row("around", LINE, args=(1,), torch="", gradient=False),
    row("fabs", LINE, torch="abs"), row("cbrt", LINE, torch=""),
    row("erf", LINE, jax="scipy.special.erf"), row("erfc", LINE, jax="scipy.special.erfc"),
    row("deg2rad", LINE), row("rad2deg", LINE),
    *(row(name, PLANE) for name in PARTS), row("angle", LINE),
    row("real", LINE), row("conj", LINE),
    row("modf", LINE, torch=""), row("spacing", LINE, torch="", gradient=False),
    *(row(name, ODD, gradient=False) for name in PREDICATES),
    row("isreal", PLANE.real + 0j, gradient=False),
    row("iscomplex", PLANE, torch="", gradient=False),
    row("nan_to_num", ODD), row("nan_to_num", ODD, args=(0.5,)),
    row("logical_not", BOOLS), row("bitwise_invert", INTS, torch="bitwise_not"),
    row("bitwise_count", INTS, torch="", gradient=False),
    row("relu", LINE, jax="nn.relu"), row("sigmoid", LINE, jax="nn.sigmoid"),
    row("silu", LINE, torch="nn.functional.silu", jax="nn.silu"),
    Row("gelu", (LINE,), df.gelu, lambda t, x: t.nn.functional.gelu(x),
        lambda j, x: j.nn.gelu(x, approximate=False)),
    Row("stop_gradient", (LINE,), lambda x: x * df.stop_gradient(x), lambda t, x: x * x.detach(),
        lambda j, x: x * j.lax.stop_gradient(x)),
    Row("copy", (LINE,), df.copy, lambda t, x: t.clone(x), lambda j, x: j.numpy.copy(x)),
    Row("astype", (LINE,), lambda x: df.astype(x, "complex128"), lambda t, x: x.to(t.complex128),
        lambda j, x: j.numpy.astype(x, "complex128")),
]  # fmt: skip
BINARY_ROWS = [
    *(row(name, LINE, OTHER) for name in BINARY),
    *(row(name, PLANE, POINT) for name in ("add", "subtract", "multiply", "divide")),
    *(row(name, FINITE, WITH_NAN) for name in ("fmax", "fmin")),
    # JAX lets no gradient through to a NaN; PyTorch and we let it through to both.
    *(row(name, FINITE, WITH_NAN, jax="") for name in ("maximum", "minimum")),
    *(row(name, FINITE, WITH_NAN, gradient=False) for name in ("maximum", "minimum")),
    *(row(name, FINITE, np.full(4, 2.0)) for name in ("maximum", "minimum")),
    *(row(name, LINE, OTHER, gradient=False) for name in ("floor_divide", "heaviside",
                                                          "nextafter")),
    Row("divmod", (LINE, OTHER), df.divmod, None, lambda j, x, y: j.numpy.divmod(x, y)),
    *(Row("power", (x,), lambda x, p=p: df.power(x, p), lambda t, x, p=p: t.pow(x, p),
          lambda j, x, p=p: j.numpy.power(x, p))
      for x in (POSITIVE, PLANE) for p in EXPONENTS),
    *(Row("power", (LINE,), lambda x, p=p: df.power(x, p), lambda t, x, p=p: t.pow(x, p),
          lambda j, x, p=p: j.numpy.power(x, p)) for p in (2, 3, -1, -2, 0, 1)),
    row("power", PLANE, POINT, torch="pow"), row("power", POSITIVE, OTHER, torch="pow"),
    row("float_power", POSITIVE, OTHER), row("float_power", PLANE, POINT),
    row("ldexp", LINE, MORE_INTS),
    *(row(name, *pair, torch="eq" if name == "equal" else name, gradient=False)
      for name in COMPARISONS for pair in ((INTS % 4, MORE_INTS), (LINE, OTHER))),
    *(row(name, BOOLS, MORE_BOOLS) for name in ("logical_and", "logical_or", "logical_xor")),
    *(row(name, INTS, MORE_INTS) for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "gcd",
                                              "lcm", "remainder", "fmod", "floor_divide")),
    *(row(f"{side}_shift", INTS, MORE_INTS, torch=f"bitwise_{side}_shift")
      for side in ("left", "right")),
    row("isclose", ODD, ODD[::-1].copy(), gradient=False),
    *(Row(name, (LINE, LINE + far), getattr(df, name),
          (lambda t, x, y, n=theirs: t.tensor(getattr(t, n)(x, y))) if theirs else None,
          lambda j, x, y, n=name: getattr(j.numpy, n)(x, y), gradient=False)
      for name, theirs in (("allclose", "allclose"), ("array_equal", "equal"), ("array_equiv", ""))
      for far in (0.0, 1e-9)),
    Row("where", (BOOLS, LINE, OTHER), df.where, lambda t, c, x, y: t.where(c, x, y),
        lambda j, c, x, y: j.numpy.where(c, x, y)),
    Row("clip", (LINE,), lambda x: df.clip(x, -1.0, 1.5), lambda t, x: t.clip(x, -1.0, 1.5),
        lambda j, x: j.numpy.clip(x, -1.0, 1.5)),
    row("clip", LINE, UNIT[0] - 1, UNIT[1] + 1),
    Row("piecewise", (LINE,), lambda x: df.piecewise(x, [x < 0, x > 1], [df.sin, df.cos, 0.5]),
        None, lambda j, x: j.numpy.piecewise(
            x, [x < 0, x > 1], [j.numpy.sin, j.numpy.cos, lambda v: 0 * v + 0.5])),
]  # fmt: skip
ROWS = [*UNARY_ROWS, *BINARY_ROWS]
