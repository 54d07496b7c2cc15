"""Cross-checks of flips, rolls, repeats and other arrangements."""

from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

X = np.random.default_rng(1).uniform(-2, 2, (3, 4, 5))


ALL: Any = {"return_index": True, "return_inverse": True, "return_counts": True}


def padded(mode: str, theirs: str, width: int, **options: Any) -> Row:  # noqa: ANN401
    """Return the row of one mode of padding; PyTorch pads the last axes of an image."""
    widths = ((0, 0), (1, width), (width, 2))
    return Row(
        f"pad-{mode}", (X,), lambda x: df.pad(x, widths, mode, **options),
        (lambda t, x: t.nn.functional.pad(x, (width, 2, 1, width), theirs)) if theirs else None,
        lambda j, x: j.numpy.pad(x, widths, mode, **options),
    )  # fmt: skip


ROWS = [
    Row("flip", (X,), lambda x: df.flip(x, (0, 2)), lambda t, x: t.flip(x, (0, 2)),
        lambda j, x: j.numpy.flip(x, (0, 2))),
    Row("roll", (X,), lambda x: df.roll(x, (1, -7), (0, 2)),
        lambda t, x: t.roll(x, (1, -7), (0, 2)),
        lambda j, x: j.numpy.roll(x, (1, -7), (0, 2))),
    Row("rot90", (X,), lambda x: df.rot90(x, 3, (2, 0)), lambda t, x: t.rot90(x, 3, (2, 0)),
        lambda j, x: j.numpy.rot90(x, 3, (2, 0))),
    Row("tile", (X,), lambda x: df.tile(x, (2, 1, 3, 2)), lambda t, x: t.tile(x, (2, 1, 3, 2)),
        lambda j, x: j.numpy.tile(x, (2, 1, 3, 2))),
    Row("repeat", (X,), lambda x: df.repeat(x, 3, 1), lambda t, x: t.repeat_interleave(x, 3, 1),
        lambda j, x: j.numpy.repeat(x, 3, 1)),
    Row("repeat-each", (X,), lambda x: df.repeat(x, [2, 0, 3], 0),
        lambda t, x: t.repeat_interleave(x, t.tensor([2, 0, 3]), 0),
        lambda j, x: j.numpy.repeat(x, np.array([2, 0, 3]), 0)),
    Row("split", (X,), lambda x: df.split(x, [1, 3], 2), lambda t, x: t.tensor_split(x, [1, 3], 2),
        lambda j, x: j.numpy.split(x, [1, 3], 2)),
    Row("array_split", (X,), lambda x: df.array_split(x, 3, 2),
        lambda t, x: t.tensor_split(x, 3, 2), lambda j, x: j.numpy.array_split(x, 3, 2)),
    Row("chunk", (X,), lambda x: df.chunk(x, 3, 1), lambda t, x: t.chunk(x, 3, 1), None),
    Row("unstack", (X,), lambda x: df.unstack(x, axis=1), lambda t, x: t.unbind(x, 1),
        lambda j, x: j.numpy.unstack(x, axis=1)),
    *(Row(name, (X, X + 1), lambda x, y, n=name: getattr(df, n)([x, y]),
          lambda t, x, y, n=name: getattr(t, n)([x, y]),
          lambda j, x, y, n=name: getattr(j.numpy, n)([x, y]))
      for name in ("hstack", "vstack", "dstack", "column_stack")),
    *(Row(name, (X[0, 0],), getattr(df, name), lambda t, x, n=name: getattr(t, n)(x),
          lambda j, x, n=name: getattr(j.numpy, n)(x))
      for name in ("ravel", "atleast_1d", "atleast_2d")),
    Row("flatten", (X,), lambda x: df.flatten(x, 1), lambda t, x: t.flatten(x, 1), None),
    Row("moveaxis", (X,), lambda x: df.moveaxis(x, (0, 2), (1, 0)),
        lambda t, x: t.moveaxis(x, (0, 2), (1, 0)),
        lambda j, x: j.numpy.moveaxis(x, (0, 2), (1, 0))),
    Row("broadcast_arrays", (X, X[0, :, :1]), df.broadcast_arrays,
        lambda t, x, y: t.broadcast_tensors(x, y), lambda j, x, y: j.numpy.broadcast_arrays(x, y)),
    *(Row(name, (X,), lambda x, n=name: getattr(df, n)(x, 1),
          lambda t, x, n=name: getattr(t, n)(x, 1), lambda j, x, n=name: getattr(j.numpy, n)(x, 1))
      for name in ("tril", "triu")),
    Row("diagonal", (X,), lambda x: df.diagonal(x, 1, 2, 0), lambda t, x: t.diagonal(x, 1, 2, 0),
        lambda j, x: j.numpy.diagonal(x, 1, 2, 0)),
    Row("diag", (X[0, 0],), lambda x: df.diag(x, -1), lambda t, x: t.diag(x, -1),
        lambda j, x: j.numpy.diag(x, -1)),
    *(Row(f"diag_embed-{k}", (X,), lambda x, k=k, d=d: df.diag_embed(x, k, *d),
          lambda t, x, k=k, d=d: t.diag_embed(x, k, *d), None)
      for k, d in ((0, (-2, -1)), (2, (0, 2)), (-1, (3, 1)))),
    Row("nonzero", (X,), lambda x: df.nonzero(x > 0, size=40, fill_value=-1), None,
        lambda j, x: j.numpy.nonzero(x > 0, size=40, fill_value=-1), gradient=False),
    Row("unique", (np.round(X),), lambda x: df.unique(x, **ALL, size=7), None,
        lambda j, x: j.numpy.unique(x, **ALL, size=7), gradient=False),
    Row("block", (X[0], X[1]), lambda x, y: df.block([[x, y], [y, x]]), None,
        lambda j, x, y: j.numpy.block([[x, y], [y, x]])),
    Row("diagflat", (X[0],), df.diagflat, lambda t, x: t.diagflat(x),
        lambda j, x: j.numpy.diagflat(x)),
    Row("trace", (X[0],), df.trace, lambda t, x: t.trace(x), lambda j, x: j.numpy.trace(x)),
    Row("diagonal_scatter", (X[0], X[0, 0, :4]), df.diagonal_scatter,
        lambda t, x, y: t.diagonal_scatter(x, y), None),
    Row("fill_diagonal", (X[0],), lambda x: df.fill_diagonal(x, 2.0), None,
        lambda j, x: j.numpy.fill_diagonal(x, 2.0, inplace=False)),
    Row("vander", (X[0, 0],), lambda x: df.vander(x, 4), None,
        lambda j, x: j.numpy.vander(x, 4)),
    *(Row(f"meshgrid-{i}", (X[0, 0], X[0, :, 0], X[:, 0, 0]),
          lambda *x, i=i: df.meshgrid(*x, indexing=i),
          lambda t, *x, i=i: t.meshgrid(*x, indexing=i),
          lambda j, *x, i=i: j.numpy.meshgrid(*x, indexing=i)) for i in ("xy", "ij")),
    Row("delete", (X,), lambda x: df.delete(x, [0, 2], 1), None,
        lambda j, x: j.numpy.delete(x, np.array([0, 2]), 1)),
    Row("insert", (X, X[:, 1:3]), lambda x, y: df.insert(x, [3, 0], y, 1), None,
        lambda j, x, y: j.numpy.insert(x, np.array([3, 0]), y, 1)),
    Row("insert-one", (X[0], X[0, 0]), lambda x, y: df.insert(x, 2, y, 0), None,
        lambda j, x, y: j.numpy.insert(x, 2, y, 0)),
    Row("append", (X, X[0]), df.append, None, lambda j, x, y: j.numpy.append(x, y)),
    Row("compress", (X,), lambda x: df.compress([False, True, True], x, 2), None,
        lambda j, x: j.numpy.compress(np.array([False, True, True]), x, 2)),
    Row("resize", (X,), lambda x: df.resize(x, (7, 11)), None,
        lambda j, x: j.numpy.resize(x, (7, 11))),
    padded("constant", "constant", 3), padded("edge", "replicate", 3),
    padded("reflect", "reflect", 3), padded("wrap", "circular", 3), padded("symmetric", "", 9),
    padded("reflect", "", 9), padded("reflect", "", 3, reflect_type="odd"),
    padded("linear_ramp", "", 3, end_values=2.0), padded("maximum", "", 2),
    padded("mean", "", 2, stat_length=2), padded("median", "", 2),
    padded("minimum", "", 2, stat_length=3),
]  # fmt: skip
