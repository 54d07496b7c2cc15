"""Cross-checks of images read at a grid's places, grids of affine maps, and response norms."""

from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(5)
X = {axes: RNG.uniform(-2, 2, (2, 3, *(5, 4, 3)[:axes])) for axes in (2, 3)}
GRID = {axes: RNG.uniform(-1.6, 1.6, (2, *(3, 4, 2)[:axes], axes)) for axes in (2, 3)}
FAR = RNG.uniform(-6, 6, (2, 3, 2, 2))
THETA = {axes: RNG.uniform(-1, 1, (2, axes, axes + 1)) for axes in (2, 3)}


def sampled(x: np.ndarray, grid: np.ndarray, **options: Any) -> Row:  # noqa: ANN401
    """Return the row of a grid."""
    return Row("grid_sample", (x, grid), lambda x, g: df.nn.grid_sample(x, g, **options),
               lambda m, x, g: m.nn.functional.grid_sample(x, g, **options), None)  # fmt: skip


def affine(axes: int, size: tuple[int, ...], align: bool) -> Row:
    """Return the row of an affine map's grid."""
    return Row(
        "affine_grid", (THETA[axes],), lambda t: df.nn.affine_grid(t, size, align),
        lambda m, t: m.nn.functional.affine_grid(t, size, align), None,
    )  # fmt: skip


def normed(x: np.ndarray, *args: Any) -> Row:  # noqa: ANN401
    """Return the row of a response norm."""
    return Row("local_response_norm", (x,), lambda t: df.nn.local_response_norm(t, *args),
               lambda m, t: m.nn.functional.local_response_norm(t, *args), None)  # fmt: skip


ROWS = [
    *[sampled(X[axes], GRID[axes], mode=mode, padding_mode=padding, align_corners=align)
      for axes in (2, 3) for mode in ("bilinear", "nearest", "bicubic")[: 4 - axes + 1]
      for padding in ("zeros", "border", "reflection") for align in (False, True)],
    *[sampled(X[2], FAR, padding_mode=padding, align_corners=align)
      for padding in ("border", "reflection") for align in (False, True)],
    sampled(X[2][:, :, :1, :1], GRID[2], padding_mode="reflection", align_corners=True),
    *[affine(axes, (2, 3, *(4, 2, 5)[:axes]), align) for axes in (2, 3) for align in (False, True)],
    affine(2, (2, 3, 4, 1), align=False),
    normed(X[2], 2, 0.3), normed(X[2], 5, 0.1, 0.5, 2.0), normed(X[3], 3), normed(X[2], 1),
]  # fmt: skip
