"""HIPS autograd and PyTensor under the same names, for the workloads that they can do.

What a library has no function for, it doesn't get: a workload that needs it is a gap in the table.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, TypeAlias

__all__ = ["Autograd", "PyTensor"]

Any_: TypeAlias = Any


class Autograd:
    """HIPS autograd, which runs NumPy eagerly."""

    def __init__(self) -> None:
        anp: Any_ = import_module("autograd.numpy")
        special: Any_ = import_module("autograd.scipy.special")
        self.np, self.special = anp, special
        self.sin, self.tanh, self.exp, self.log = anp.sin, anp.tanh, anp.exp, anp.log
        self.sqrt, self.erfc, self.sigmoid = anp.sqrt, special.erfc, special.expit
        self.cholesky, self.diagonal = anp.linalg.cholesky, anp.diag
        self.turned, self.solve_lower = anp.transpose, anp.linalg.solve

    def relu(self, x: Any_) -> Any_:
        return self.np.maximum(x, 0)

    def softplus(self, x: Any_) -> Any_:
        return self.np.logaddexp(0, x)

    def gelu(self, x: Any_) -> Any_:
        return x * self.special.erfc(x * -(0.5**0.5)) / 2

    def linear(self, x: Any_, w: Any_, b: Any_) -> Any_:
        return x @ w + b

    def cross_entropy(self, logits: Any_, labels: Any_) -> Any_:
        chosen = logits[self.np.arange(len(labels)), labels]
        return (self.special.logsumexp(logits, axis=1) - chosen).mean()

    def layer_norm(self, x: Any_, scale: Any_, shift: Any_) -> Any_:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        return centred / self.np.sqrt(variance + 1e-5) * scale + shift

    def embedding(self, table: Any_, indices: Any_) -> Any_:
        return table[indices]

    def attention(self, q: Any_, k: Any_, v: Any_, causal: bool) -> Any_:
        scores = q @ self.np.swapaxes(k, -1, -2) / q.shape[-1] ** 0.5
        if causal:
            scores = scores + self.np.triu(self.np.full(scores.shape[-2:], -1e30), 1)
        shifted = self.np.exp(scores - scores.max(axis=-1, keepdims=True))
        return shifted / shifted.sum(axis=-1, keepdims=True) @ v


class PyTensor:
    """PyTensor, in graphs that its C compiler gets."""

    def __init__(self) -> None:
        pt: Any_ = import_module("pytensor.tensor")
        linalg: Any_ = import_module("pytensor.tensor.linalg")
        self.pt = pt
        self.sin, self.tanh, self.exp, self.log = pt.sin, pt.tanh, pt.exp, pt.log
        self.sqrt, self.erfc, self.sigmoid = pt.sqrt, pt.erfc, pt.sigmoid
        self.softplus, self.cholesky, self.diagonal = pt.softplus, linalg.cholesky, pt.diag
        self.linalg = linalg

    def relu(self, x: Any_) -> Any_:
        return self.pt.maximum(x, 0)

    def gelu(self, x: Any_) -> Any_:
        return x * self.pt.erfc(x * -(0.5**0.5)) / 2

    def linear(self, x: Any_, w: Any_, b: Any_) -> Any_:
        return x @ w + b

    def turned(self, x: Any_, axes: tuple[int, ...]) -> Any_:
        return x.transpose(*axes)

    def cross_entropy(self, logits: Any_, labels: Any_) -> Any_:
        chosen = logits[self.pt.arange(labels.shape[0]), labels]
        return (self.pt.logsumexp(logits, axis=1) - chosen).mean()

    def layer_norm(self, x: Any_, scale: Any_, shift: Any_) -> Any_:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        return centred / self.pt.sqrt(variance + 1e-5) * scale + shift

    def embedding(self, table: Any_, indices: Any_) -> Any_:
        return table[indices]

    def solve_lower(self, factor: Any_, y: Any_) -> Any_:
        return self.linalg.solve_triangular(factor, y, lower=True)
