"""The initialisers that `df.nn` offers by itself; those with plain names are in its `initializers`.

``df.nn.zeros`` or ``df.nn.normal`` would say nothing of weights: they are
``df.nn.initializers.zeros`` and ``df.nn.initializers.normal``.
"""

from __future__ import annotations

from dataflow.nn.initializers import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    lecun_uniform,
    orthogonal,
    trunc_normal,
    truncated_normal,
    xavier_normal,
    xavier_uniform,
)

__all__ = [
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "kaiming_normal",
    "kaiming_uniform", "lecun_normal", "lecun_uniform", "orthogonal", "trunc_normal",
    "truncated_normal", "xavier_normal", "xavier_uniform",
]  # fmt: skip
