"""Cross-checks of pooling."""

from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

SIZES = {1: (9,), 2: (7, 6), 3: (5, 5, 6)}
X = {axes: np.random.default_rng(axes).uniform(-2, 2, (2, 3, *SIZES[axes])) for axes in SIZES}
TIES = np.round(X[2])
NAN = np.where(np.random.default_rng(9).uniform(0, 1, X[2].shape) < 0.02, np.nan, X[2])

MAX_OPTIONS: list[dict[str, Any]] = [
    {"kernel_size": 2}, {"kernel_size": 3, "stride": 1}, {"kernel_size": 3, "padding": 1},
    {"kernel_size": 2, "stride": 1, "dilation": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": 3, "stride": 2, "dilation": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": 2, "stride": 4},
]  # fmt: skip
LP_OPTIONS: list[tuple[float, dict[str, Any]]] = [
    (2, {"kernel_size": 2}), (1, {"kernel_size": 3, "stride": 1}), (3, {"kernel_size": 2}),
    (2, {"kernel_size": 2, "stride": 3, "ceil_mode": True}), (2.5, {"kernel_size": 3}),
]  # fmt: skip
AVG_OPTIONS: list[dict[str, Any]] = [
    {"kernel_size": 2}, {"kernel_size": 3, "stride": 1}, {"kernel_size": 3, "padding": 1},
    {"kernel_size": 3, "padding": 1, "count_include_pad": False},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": 2, "stride": 2, "ceil_mode": True, "count_include_pad": False},
    {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True},
]  # fmt: skip


def same(name: str, x: np.ndarray, options: dict[str, Any], jax: Any = None) -> Row:  # noqa: ANN401
    """Return the row of a function that PyTorch has by the same name."""
    return Row(
        name, (x,), lambda t: getattr(df.nn, name)(t, **options),
        lambda m, t: getattr(m.nn.functional, name)(t, **options), jax,
    )  # fmt: skip


def jax_max(axes: int, options: dict[str, Any]) -> Any:  # noqa: ANN401 - a function
    """Return the same maxima by JAX's most general reduction of windows, which has no ceil_mode."""
    if options.get("ceil_mode"):
        return None
    kernel, padding = options["kernel_size"], options.get("padding", 0)
    rest = ((0, 0),) * 2

    def pool(j: Any, x: Any) -> Any:  # noqa: ANN401 - JAX's arrays
        return j.lax.reduce_window(
            x, -np.inf, j.lax.max, (1, 1, *(kernel,) * axes),
            (1, 1, *(options.get("stride", kernel),) * axes),
            (*rest, *((padding, padding),) * axes),
            window_dilation=(1, 1, *(options.get("dilation", 1),) * axes),
        )  # fmt: skip

    return None if options.get("dilation") else pool


def jax_avg(axes: int, options: dict[str, Any]) -> Any:  # noqa: ANN401 - a function
    """Return the same means, where all windows count as many elements."""
    if options.get("ceil_mode") or not options.get("count_include_pad", True):
        return None
    kernel, padding = options["kernel_size"], options.get("padding", 0)

    def pool(j: Any, x: Any) -> Any:  # noqa: ANN401 - JAX's arrays
        total = j.lax.reduce_window(
            x, 0.0, j.lax.add, (1, 1, *(kernel,) * axes),
            (1, 1, *(options.get("stride", kernel),) * axes),
            (((0, 0),) * 2 + ((padding, padding),) * axes),
        )  # fmt: skip
        return total / kernel**axes

    return pool


def unpooled(axes: int, options: dict[str, Any]) -> Row:
    """Return the row of maxima put back where a pooling with these windows found them."""
    windows = {k: v for k, v in options.items() if k != "output_size"}
    b = df.GraphBuilder()
    pool = getattr(df.nn, f"max_pool{axes}d")
    y, indices = df.evaluate(*pool(b.constant(X[axes]), **windows, return_indices=True))
    name = f"max_unpool{axes}d"
    return Row(
        name, (y, indices), lambda t, i: getattr(df.nn, name)(t, i, **options),
        lambda m, t, i: getattr(m.nn.functional, name)(t, i, **options), None,
    )  # fmt: skip


ROWS = [
    *[same(f"max_pool{axes}d", X[axes], options, jax_max(axes, options))
      for axes in (1, 2, 3) for options in MAX_OPTIONS],
    *[same(f"max_pool{axes}d", X[axes], {**options, "return_indices": True})
      for axes in (1, 2, 3) for options in MAX_OPTIONS[2:6]],
    *[same("max_pool2d", x, {**MAX_OPTIONS[2], "return_indices": True}) for x in (TIES, -TIES)],
    same("max_pool2d", NAN, MAX_OPTIONS[1])._replace(gradient=False),
    same("max_pool2d", X[2][0], {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0)}),
    same("max_pool2d", X[2][:0], {"kernel_size": 2}),
    same("max_pool2d", np.full((1, 1, 4, 4), -np.inf), {"kernel_size": 2, "return_indices": True}),
    *[same(f"avg_pool{axes}d", X[axes], options, jax_avg(axes, options))
      for axes in (1, 2, 3) for options in AVG_OPTIONS],
    same("avg_pool2d", X[2], {"kernel_size": 3, "divisor_override": 4, "padding": 1}),
    same("avg_pool3d", X[3], {"kernel_size": (1, 2, 3), "divisor_override": -3}),
    same("avg_pool2d", X[2][0], {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0)}),
    same("avg_pool2d", X[2][:0], {"kernel_size": 2}),
    *[same(f"lp_pool{axes}d", np.abs(X[axes]), {"norm_type": p, **options})
      for axes in (1, 2, 3) for p, options in LP_OPTIONS],
    *[same(f"adaptive_{kind}_pool{axes}d", X[axes], {"output_size": size})
      for kind in ("avg", "max") for axes in (1, 2, 3) for size in (1, 2, 3, 5, 7)],
    *[same(f"adaptive_max_pool{axes}d", X[axes], {"output_size": size, "return_indices": True})
      for axes in (1, 2, 3) for size in (1, 3, 4)],
    same("adaptive_max_pool2d", TIES, {"output_size": (3, 4), "return_indices": True}),
    same("adaptive_max_pool2d", TIES, {"output_size": 1, "return_indices": True}),
    same("adaptive_avg_pool2d", X[2][0], {"output_size": (None, 4)}),
    same("adaptive_max_pool2d", X[2][0], {"output_size": (3, None)}),
    Row("global_avg_pool", (X[2],), df.nn.global_avg_pool, lambda m, t: t.mean((2, 3)),
        lambda j, t: t.mean((2, 3))),
    Row("global_max_pool", (X[2],), df.nn.global_max_pool, lambda m, t: t.amax((2, 3)),
        lambda j, t: t.max((2, 3))),
    *[unpooled(axes, {"kernel_size": 2, "output_size": SIZES[axes]}) for axes in (1, 2, 3)],
    unpooled(1, {"kernel_size": 3}),
    unpooled(2, {"kernel_size": (3, 2), "stride": (2, 2), "padding": 1,
                 "output_size": (2, 3, 7, 6)})._replace(gradient=False),  # PyTorch's isn't of what
    # it computes where two maxima come from one place and the last one stays
]  # fmt: skip
