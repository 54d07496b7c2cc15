"""The discounts of moments."""

from __future__ import annotations

from dataflow.errors import GraphError
from dataflow.optim.checks import check_range
from dataflow.source import user_line

__all__ = ["check_betas"]


def check_betas(owner: str, betas: object) -> None:
    """Refuse what aren't two numbers of [0, 1)."""
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        msg = f"{owner} ({user_line()}): betas are two numbers, not {betas!r}"
        raise GraphError(msg)
    for beta in betas:
        check_range(owner, "betas", beta, 0.0, 1.0)
