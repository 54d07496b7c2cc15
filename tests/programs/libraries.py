"""Three libraries under one set of names: ours, PyTorch and JAX.

The names are NumPy's; what isn't NumPy's has the name that most of the three have. Each method
calls its library's own function, nothing is computed here.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

import dataflow as df


class Ours:
    """Names of `dataflow`, and those that differ."""

    name = "dataflow"

    def __init__(self, builder: df.GraphBuilder) -> None:
        self.builder = builder
        self.linalg, self.fft = df.linalg, df.fft

    def __getattr__(self, name: str) -> Any:
        for space in (df, df.special, df.nn, df.linalg):
            if hasattr(space, name):
                return getattr(space, name)
        raise AttributeError(name)

    def array(self, value: Any) -> Any:
        return self.builder.constant(np.asarray(value))

    def grad(self, function: Callable[[Any], Any], x: Any) -> Any:
        return df.grad(function(x), x)

    def hvp(self, function: Callable[[Any], Any], x: Any, v: Any) -> Any:
        return df.hvp(function(x), x, v)

    def jacobian(self, function: Callable[[Any], Any], x: Any) -> Any:
        return df.jacobian(function(x), x)

    def conv2d(self, x: Any, w: Any, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
        return df.nn.conv2d(x, w, stride=stride, padding=padding, groups=groups)

    def while_loop(
        self, cond: Callable[..., Any], body: Callable[..., Any], init: Any, most: int
    ) -> Any:
        return df.while_loop(cond, body, init, max_steps=most, checkpoint_slots=3)


class Jax:
    """Names of `jax.numpy`, `jax.nn`, `jax.scipy` and `jax.lax`."""

    name = "jax"

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - jax's signature
        self.jax = jax
        self.linalg, self.fft = jax.numpy.linalg, jax.numpy.fft

    def __getattr__(self, name: str) -> Any:
        from jax.scipy import special

        for space in (self.jax.numpy, self.jax.nn, special, self.jax.lax):
            if hasattr(space, name):
                return getattr(space, name)
        raise AttributeError(name)

    @cached_property
    def array(self) -> Any:
        return self.jax.numpy.asarray

    def grad(self, function: Callable[[Any], Any], x: Any) -> Any:
        return self.jax.grad(function)(x)

    def hvp(self, function: Callable[[Any], Any], x: Any, v: Any) -> Any:
        return self.jax.jvp(self.jax.grad(function), (x,), (v,))[1]

    def jacobian(self, function: Callable[[Any], Any], x: Any) -> Any:
        return self.jax.jacfwd(function)(x)

    def scan(self, function: Any, init: Any, xs: Any = None, length: Any = None, **how: Any) -> Any:
        return self.jax.lax.scan(function, init, xs, length, **how)

    def conv2d(self, x: Any, w: Any, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
        return self.jax.lax.conv_general_dilated(
            x, w, (stride, stride), [(padding, padding)] * 2, feature_group_count=groups
        )

    def expm(self, x: Any) -> Any:
        return self.jax.scipy.linalg.expm(x)

    def segment_sum(self, x: Any, segments: Any, count: int) -> Any:
        return self.jax.ops.segment_sum(x, segments, count)

    def while_loop(
        self, cond: Callable[..., Any], body: Callable[..., Any], init: Any, most: int
    ) -> Any:
        """Run masked steps: JAX's own loop has no reverse mode."""
        tree_map = self.jax.tree_util.tree_map

        def step(carry: Any, _: Any) -> Any:
            is_on = cond(carry)
            safe = body(carry)
            return tree_map(
                lambda new, old: self.jax.numpy.where(is_on, new, old), safe, carry
            ), None

        return self.jax.lax.scan(step, init, None, most)[0]


class Torch:
    """Names of `torch`, with NumPy's arguments."""

    name = "torch"

    def __init__(self) -> None:
        import torch

        self.torch = torch
        self.linalg, self.fft = _TorchLinalg(torch), torch.fft

    def __getattr__(self, name: str) -> Any:
        torch = self.torch
        for space in (torch, torch.special, torch.nn.functional):
            if hasattr(space, name):
                return getattr(space, name)
        raise AttributeError(name)

    def array(self, value: Any) -> Any:
        return self.torch.as_tensor(np.array(value))

    def max(self, x: Any, axis: Any = None) -> Any:
        return x.amax() if axis is None else x.amax(axis)

    def min(self, x: Any, axis: Any = None) -> Any:
        return x.amin() if axis is None else x.amin(axis)

    def concatenate(self, parts: Any, axis: int = 0) -> Any:
        return self.torch.cat(list(parts), axis)

    def stack(self, parts: Any, axis: int = 0) -> Any:
        return self.torch.stack(list(parts), axis)

    def roll(self, x: Any, shift: Any, axis: Any = None) -> Any:
        return self.torch.roll(x, shift, axis)

    def take_along_axis(self, x: Any, places: Any, axis: int) -> Any:
        return self.torch.take_along_dim(x, places, axis)

    def swapaxes(self, x: Any, a: int, b: int) -> Any:
        return x.transpose(a, b)

    def astype(self, x: Any, dtype: str) -> Any:
        return x.to(getattr(self.torch, dtype))

    def grad(self, function: Callable[[Any], Any], x: Any) -> Any:
        point = x if x.requires_grad else x.detach().requires_grad_()
        return self.torch.autograd.grad(function(point), point, create_graph=True)[0]

    def hvp(self, function: Callable[[Any], Any], x: Any, v: Any) -> Any:
        point = x if x.requires_grad else x.detach().requires_grad_()
        (slope,) = self.torch.autograd.grad(function(point), point, create_graph=True)
        return self.torch.autograd.grad(slope, point, v, create_graph=True)[0]

    def jacobian(self, function: Callable[[Any], Any], x: Any) -> Any:
        return self.torch.func.jacfwd(function)(x)

    def scan(self, function: Any, init: Any, xs: Any = None, length: Any = None,
             reverse: bool = False) -> Any:  # fmt: skip
        """Run a Python loop."""
        steps = len(_leaves(xs)[0]) if length is None else length
        carry, results = init, []
        for index in range(steps)[::-1] if reverse else range(steps):
            carry, result = function(carry, _mapped(lambda t, i=index: t[i], xs))  # type: ignore[misc]
            results.append(result)
        return carry, _stacked(self.torch, results[::-1] if reverse else results)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return self.torch.where(condition, a, b)

    def maximum(self, a: Any, b: Any) -> Any:
        return self.torch.maximum(a, self.torch.as_tensor(b, dtype=a.dtype))

    def minimum(self, a: Any, b: Any) -> Any:
        return self.torch.minimum(a, self.torch.as_tensor(b, dtype=a.dtype))

    def segment_sum(self, x: Any, segments: Any, count: int) -> Any:
        shape = (count, *x.shape[1:])
        return self.torch.zeros(shape, dtype=x.dtype).index_add(0, segments, x)

    def einsum(self, text: str, *operands: Any) -> Any:
        return self.torch.einsum(text, *operands)

    def expm(self, x: Any) -> Any:
        return self.torch.linalg.matrix_exp(x)

    def gammaln(self, x: Any) -> Any:
        return self.torch.special.gammaln(x)

    def one_hot(self, x: Any, classes: int) -> Any:
        return self.torch.nn.functional.one_hot(x, classes).to(self.torch.float64)

    def conv2d(self, x: Any, w: Any, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
        return self.torch.nn.functional.conv2d(x, w, stride=stride, padding=padding, groups=groups)

    def while_loop(
        self, cond: Callable[..., Any], body: Callable[..., Any], init: Any, most: int
    ) -> Any:
        """Run a Python loop."""
        carry, steps = init, 0
        while steps < most and bool(cond(carry)):
            carry, steps = body(carry), steps + 1
        return carry


class _TorchLinalg:
    """Names of `torch.linalg` with NumPy's arguments."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.torch.linalg, name)

    def svd(self, x: Any, full_matrices: bool = True) -> Any:
        return self.torch.linalg.svd(x, full_matrices=full_matrices)


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, (tuple, list)):
        return [leaf for part in tree for leaf in _leaves(part)]
    return [] if tree is None else [tree]


def _mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    if isinstance(tree, (tuple, list)):
        return tuple(_mapped(function, part) for part in tree)
    return None if tree is None else function(tree)


def _stacked(torch: Any, results: list[Any]) -> Any:
    if isinstance(results[0], (tuple, list)):
        return tuple(_stacked(torch, list(column)) for column in zip(*results, strict=True))
    return None if results[0] is None else torch.stack(results)
