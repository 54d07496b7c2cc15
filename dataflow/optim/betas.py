"""The discounts of the moments, and what makes averages of discounted sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.errors import ArgumentError
from dataflow.optim.checks import check_range
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.optim.updates import Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["check_betas", "corrected", "corrections"]


def check_betas(owner: str, betas: object) -> None:
    """Refuse what aren't two numbers of [0, 1)."""
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        msg = f"{owner} ({user_line()}): betas are two numbers, not {betas!r}"
        raise ArgumentError(msg)
    for beta in betas:
        check_range(owner, "betas", beta, 0.0, 1.0)


def corrections(updates: Updates, betas: tuple[float, float]) -> Tensor:
    """Return ``1 - beta**t`` of both discounts at update t, as a vector of float64."""
    discounts = updates.builder.constant(np.asarray(betas, np.float64))
    return 1.0 - call_function("power", discounts, updates.count)


def corrected(
    updates: Updates, betas: tuple[float, float], eps: float, rate: Scalar
) -> tuple[Scalar, Scalar]:
    """Return a size and an eps for Adam's step of discounted sums.

    ``size * first / (sqrt(second) + eps)`` of the sums is what Adam has of averages that are
    corrected for their start from zero.
    """
    bias = corrections(updates, betas)
    scale = call_function("sqrt", bias[1] / (1.0 - betas[1]))
    return scale * (rate * (1.0 - betas[0])) / bias[0], scale * eps
