"""The libraries under one set of names, for networks that are written once.

Each method calls its library's own function for the purpose, the best that it has. Pictures are
(batch, channels, height, width), the weights of a layer (inputs, units), heads (batch, heads,
length, width), the rows of a recurrent layer (steps, batch, width), its gates in the order input,
forget, new cell, output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import dataflow as df

__all__ = ["Jax", "Ours", "Torch"]

Any_: TypeAlias = Any
Step: TypeAlias = Callable[[Any_, Any_, Any_, Any_], Any_]
"""``step(lib, carry, x, closed)`` gives the next carry."""


class Ours:
    """Our own."""

    relu, gelu, sigmoid = (staticmethod(f) for f in (df.relu, df.nn.gelu, df.nn.sigmoid))
    sin, tanh, exp, log = (staticmethod(f) for f in (df.sin, df.tanh, df.exp, df.log))
    sqrt, softplus, erfc = (staticmethod(f) for f in (df.sqrt, df.nn.softplus, df.special.erfc))
    turned, cholesky = staticmethod(df.transpose), staticmethod(df.linalg.cholesky)
    diagonal = staticmethod(df.diagonal)
    linear: Any_ = staticmethod(lambda x, w, b: x @ w + b)
    cross_entropy = staticmethod(df.nn.cross_entropy)
    embedding: Any_ = staticmethod(lambda table, indices: df.nn.embedding(indices, table))
    softmax: Any_ = staticmethod(lambda x: df.softmax(x, axis=-1))

    def normalized(self, x: Any_, axes: tuple[int, ...]) -> Any_:
        centred = x - x.mean(axis=axes, keepdims=True)
        return centred / df.sqrt((centred * centred).mean(axis=axes, keepdims=True) + 1e-5)

    def batch_norm(self, x: Any_, scale: Any_, shift: Any_) -> Any_:
        return df.nn.batch_norm(x, None, None, scale, shift, training=True)

    def layer_norm(self, x: Any_, scale: Any_, shift: Any_) -> Any_:
        return df.nn.layer_norm(x, x.shape[-1], scale, shift)

    def conv(self, x: Any_, w: Any_, bias: Any_, padding: int) -> Any_:
        return df.nn.conv2d(x, w, bias, padding=padding)

    def pool(self, x: Any_) -> Any_:
        return df.nn.max_pool2d(x, 2)

    def attention(self, q: Any_, k: Any_, v: Any_, causal: bool) -> Any_:
        return df.nn.scaled_dot_product_attention(q, k, v, is_causal=causal)

    def scan(self, step: Step, carry: Any_, xs: Any_, closed: Any_) -> Any_:
        last, _ = df.scan(lambda c, x: (step(self, c, x, closed), ()), carry, xs)
        return last

    def lstm(self, x: Any_, inputs: Any_, hidden: Any_, bias: Any_) -> Any_:
        first = x[0] @ inputs[:, : hidden.shape[0]] * 0
        _, rows = df.scan(lambda c, x: _lstm_step(self, c, x, hidden), (first, first),
                          x @ inputs + bias)  # fmt: skip
        return rows

    def solve_lower(self, factor: Any_, y: Any_) -> Any_:
        return df.linalg.solve_triangular(factor, y, lower=True)


class Jax:
    """JAX, in functions that `jax.jit` compiles."""

    def __init__(self) -> None:
        import jax
        from jax import lax, nn, scipy
        from jax import numpy as jnp

        self.jax, self.jnp, self.lax, self.scipy = jax, jnp, lax, scipy
        self.relu, self.softmax, self.softplus, self.sigmoid = (
            nn.relu, nn.softmax, nn.softplus, nn.sigmoid)  # fmt: skip
        self.sin, self.tanh, self.exp, self.log = jnp.sin, jnp.tanh, jnp.exp, jnp.log
        self.sqrt, self.erfc, self.turned = jnp.sqrt, scipy.special.erfc, jnp.transpose
        self.cholesky, self.diagonal = jnp.linalg.cholesky, jnp.diagonal

    def gelu(self, x: Any_) -> Any_:
        return self.jax.nn.gelu(x, approximate=False)

    def linear(self, x: Any_, w: Any_, b: Any_) -> Any_:
        return x @ w + b

    def cross_entropy(self, logits: Any_, labels: Any_) -> Any_:
        chosen = self.jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
        return (self.jax.nn.logsumexp(logits, axis=1) - chosen).mean()

    def embedding(self, table: Any_, indices: Any_) -> Any_:
        return table[indices]

    def normalized(self, x: Any_, axes: tuple[int, ...]) -> Any_:
        return self.jax.nn.standardize(x, axis=axes, epsilon=1e-5)

    def batch_norm(self, x: Any_, scale: Any_, shift: Any_) -> Any_:
        turned = (1, -1, 1, 1)
        return self.normalized(x, (0, 2, 3)) * scale.reshape(turned) + shift.reshape(turned)

    def layer_norm(self, x: Any_, scale: Any_, shift: Any_) -> Any_:
        return self.normalized(x, (x.ndim - 1,)) * scale + shift

    def conv(self, x: Any_, w: Any_, bias: Any_, padding: int) -> Any_:
        y = self.lax.conv_general_dilated(x, w, (1, 1), [(padding, padding)] * 2)
        return y if bias is None else y + bias.reshape((1, -1, 1, 1))

    def pool(self, x: Any_) -> Any_:
        window = (1, 1, 2, 2)
        return self.lax.reduce_window(x, -self.jnp.inf, self.lax.max, window, window, "VALID")

    def attention(self, q: Any_, k: Any_, v: Any_, causal: bool) -> Any_:
        turned = [self.turned(part, (0, 2, 1, 3)) for part in (q, k, v)]
        mixed = self.jax.nn.dot_product_attention(*turned, is_causal=causal)
        return self.turned(mixed, (0, 2, 1, 3))

    def scan(self, step: Step, carry: Any_, xs: Any_, closed: Any_) -> Any_:
        return self.lax.scan(lambda c, x: (step(self, c, x, closed), None), carry, xs)[0]

    def lstm(self, x: Any_, inputs: Any_, hidden: Any_, bias: Any_) -> Any_:
        first = self.jnp.zeros((x.shape[1], hidden.shape[0]), x.dtype)
        return self.lax.scan(lambda c, x: _lstm_step(self, c, x, hidden), (first, first),
                             x @ inputs + bias)[1]  # fmt: skip

    def solve_lower(self, factor: Any_, y: Any_) -> Any_:
        return self.scipy.linalg.solve_triangular(factor, y, lower=True)


class Torch:
    """PyTorch."""

    def __init__(self) -> None:
        import torch
        from torch.nn import functional

        self.torch, self.functional = torch, functional
        self.relu, self.gelu, self.softplus = torch.relu, functional.gelu, functional.softplus
        self.sin, self.tanh, self.exp, self.log = torch.sin, torch.tanh, torch.exp, torch.log
        self.sqrt, self.erfc, self.sigmoid = torch.sqrt, torch.erfc, torch.sigmoid
        self.cholesky, self.diagonal = torch.linalg.cholesky, torch.diagonal
        self.turned, self.cross_entropy = torch.permute, functional.cross_entropy
        disable: Any_ = torch.compiler.disable
        self.eager_lstm = disable(torch.lstm)  # as `torch.nn.LSTM` is when compiled

    def softmax(self, x: Any_) -> Any_:
        return self.torch.softmax(x, -1)

    def linear(self, x: Any_, w: Any_, b: Any_) -> Any_:
        return self.functional.linear(x, w.T, b)

    def embedding(self, table: Any_, indices: Any_) -> Any_:
        return self.functional.embedding(indices, table)

    def normalized(self, x: Any_, axes: tuple[int, ...]) -> Any_:
        if axes == (x.ndim - 1,):
            return self.functional.layer_norm(x, x.shape[-1:])
        return self.functional.batch_norm(x, None, None, training=True)

    def batch_norm(self, x: Any_, scale: Any_, shift: Any_) -> Any_:
        return self.functional.batch_norm(x, None, None, scale, shift, training=True)

    def layer_norm(self, x: Any_, scale: Any_, shift: Any_) -> Any_:
        return self.functional.layer_norm(x, x.shape[-1:], scale, shift)

    def conv(self, x: Any_, w: Any_, bias: Any_, padding: int) -> Any_:
        return self.functional.conv2d(x, w, bias, padding=padding)

    def pool(self, x: Any_) -> Any_:
        return self.functional.max_pool2d(x, 2)

    def attention(self, q: Any_, k: Any_, v: Any_, causal: bool) -> Any_:
        return self.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)

    def scan(self, step: Step, carry: Any_, xs: Any_, closed: Any_) -> Any_:
        for x in xs:
            carry = step(self, carry, x, closed)
        return carry

    def lstm(self, x: Any_, inputs: Any_, hidden: Any_, bias: Any_) -> Any_:
        first = x.new_zeros(1, x.shape[1], hidden.shape[0])
        weights = [inputs.T, hidden.T, bias, bias.new_zeros(bias.shape)]
        return self.eager_lstm(x, (first, first), weights, True, 1, 0.0, True, False, False)[0]  # noqa: FBT003

    def solve_lower(self, factor: Any_, y: Any_) -> Any_:
        return self.torch.linalg.solve_triangular(factor, y, upper=False)


def _lstm_step(lib: Any_, carry: Any_, x: Any_, hidden: Any_) -> Any_:
    (h, c), units = carry, hidden.shape[0]
    gates = x + h @ hidden
    i, f, g, o = (gates[:, n * units : (n + 1) * units] for n in range(4))
    c = lib.sigmoid(f) * c + lib.sigmoid(i) * lib.tanh(g)
    h = lib.sigmoid(o) * lib.tanh(c)
    return (h, c), h
