"""Indices of every kind that square brackets take, for an array of four axes."""

from typing import Any

import numpy as np

import dataflow as df

X = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
MASK = X[0, :, :, 0] > 20

INDICES: list[Any] = [
    np.s_[0], np.s_[1:, ::-1], np.s_[..., 0], np.s_[None, :, 2, None, ...], np.s_[()],
    np.s_[[0, 1, 1]], np.s_[:, [0, 2]], np.s_[:, [0, -1], [1, 3]], np.s_[:, [0, 2], :, [1, 3]],
    np.s_[0, :, [1, 3]], np.s_[:, 0, [1, 3]], np.s_[:, [[0], [2]], 0, [1, 3]], np.s_[[]],
    np.s_[[0, 1], :, None, [1, 2]], np.s_[None, [0, 1], [1, 2]], np.s_[[0, 1], None, [1, 2]],
    np.s_[..., [0, 1], [1, 2]], np.s_[::-1, [0, 1], 1:3, [1, 2]], np.array([True, False]),
    np.s_[:, np.array([True, False, True])], np.s_[:, MASK], np.s_[:, MASK, [0]], X > 4,
    np.array(1), np.s_[np.array(1), :, np.array(2)], np.s_[1, [0, -1], 2, 3],
    np.s_[:, -1, ..., [-1]], np.s_[[0], [1], [2], [3]], np.s_[..., None, [1, 0]],
]  # fmt: skip


def made_of(builder: df.GraphBuilder, index: Any) -> Any:  # noqa: ANN401 - an index
    """Return an index with its integer arrays as tensors."""
    if isinstance(index, tuple):
        return tuple(made_of(builder, item) for item in index)
    is_integers = isinstance(index, (list, np.ndarray)) and np.asarray(index).dtype == np.int64
    return builder.constant(index) if is_integers else index
