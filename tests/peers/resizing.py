"""Cross-checks of resizing."""

from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

X = {axes: np.random.default_rng(axes).uniform(-2, 2, (2, 3, *(7, 6, 5)[:axes]))
     for axes in (1, 2, 3)}  # fmt: skip
SIZES: dict[int, list[Any]] = {
    1: [4, 7, 13, 1],
    2: [(4, 9), (14, 12), (7, 3), (1, 1)],
    3: [(4, 9, 5), (1, 3, 10)],
}
FACTORS: dict[int, list[Any]] = {1: [2, 0.6, 1.7], 2: [2, (0.5, 1.3)], 3: [(1.5, 2, 0.7)]}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def interpolated(x: np.ndarray, jax: Any = None, **options: Any) -> Row:  # noqa: ANN401
    """Return the row of an interpolation."""
    return Row("interpolate", (x,), lambda t: df.nn.interpolate(t, **options),
               lambda m, t: m.nn.functional.interpolate(t, **options), jax)  # fmt: skip


def jax_resize(size: tuple[int, int], method: str) -> Any:  # noqa: ANN401 - a function
    """Return JAX's function of the same size."""
    return lambda j, t: j.image.resize(t, (2, 3, *size), method, antialias=False)


def asked(axes: int) -> list[dict[str, Any]]:
    """Return sizes and factors that an image is asked for."""
    return [*({"size": size} for size in SIZES[axes]),
            *({"scale_factor": factor} for factor in FACTORS[axes])]  # fmt: skip


ROWS = [
    *[interpolated(X[axes], mode=mode, **how) for axes in (1, 2, 3) for how in asked(axes)
      for mode in ("nearest", "nearest-exact", "area", LINEAR[axes])],
    *[interpolated(X[axes], mode=LINEAR[axes], align_corners=True, **how)
      for axes in (1, 2, 3) for how in asked(axes)],
    *[interpolated(X[2], mode="bicubic", align_corners=align, **how)
      for align in (False, True) for how in asked(2)],
    *[interpolated(X[2], mode=mode, antialias=True, align_corners=align, **how)
      for mode in ("bilinear", "bicubic") for align in (False, True) for how in asked(2)[:3]],
    *[interpolated(X[2], mode=mode, antialias=True, scale_factor=(0.4, 1.3))
      for mode in ("bilinear", "bicubic")],
    *[interpolated(X[2], mode=mode, scale_factor=(0.5, 1.3), recompute_scale_factor=True)
      for mode in ("nearest", "bilinear", "bicubic")],
    *[interpolated(X[2], jax_resize(size, "bilinear"), mode="bilinear", size=size)
      for size in ((4, 9), (14, 12))],
    *[interpolated(X[2], jax_resize(size, "nearest"), mode="nearest-exact", size=size)
      for size in ((4, 9), (14, 12))],
]  # fmt: skip
