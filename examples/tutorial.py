"""PyTorch's autograd tutorial, value for value, on a static graph.

Run it with ``python examples/tutorial.py``. Each line prints an expression and its value.
"""

from __future__ import annotations

import dataflow as df


def show(name: str, value: object) -> None:
    """Print an expression and its value on one line."""
    print(f"{name} = {' '.join(str(value).split())}")


def tensors_that_require_gradients() -> None:
    """`requires_grad` is passed on by operations, and `grad_fn` says what made a tensor."""
    b = df.GraphBuilder("tutorial")
    x = b.rand((2, 2))
    y = b.rand((2, 2))
    z = b.rand((2, 2), requires_grad=True)
    a = x + y
    c = a + z
    show("x.requires_grad, y.requires_grad, z.requires_grad",
         (x.requires_grad, y.requires_grad, z.requires_grad))  # fmt: skip
    show("a.requires_grad, c.requires_grad", (a.requires_grad, c.requires_grad))
    show("x.grad_fn, a.grad_fn, c.grad_fn", (x.grad_fn, a.grad_fn, c.grad_fn))


def gradients() -> None:
    """`backward()` declares the reverse sweep; the gradient is a tensor like any other."""
    b = df.GraphBuilder("tutorial")
    x = b.ones((2, 2), requires_grad=True)
    y = x + 2
    z = y * y * 3
    out = z.mean()
    show("z, out", tuple(array.tolist() for array in df.evaluate(z, out)))
    show("y.grad_fn, z.grad_fn, out.grad_fn", (y.grad_fn, z.grad_fn, out.grad_fn))
    out.backward()
    show("x.grad", df.evaluate(x.grad).tolist())  # type: ignore[arg-type]  # set by now
    out.backward()
    show("x.grad after a second backward()", df.evaluate(x.grad).tolist())  # type: ignore[arg-type]  # set by now


def without_gradients() -> None:
    """Without a leaf that requires a gradient, or within `no_grad()`, none is recorded."""
    b = df.GraphBuilder("tutorial")
    a = b.randn((2, 2), requires_grad=False)
    a = (a * 3) / (a - 1)
    s = (a * a).sum()
    show("s.requires_grad, a.requires_grad, s.grad_fn",
         (s.requires_grad, a.requires_grad, s.grad_fn))  # fmt: skip
    a = b.randn((2, 2), requires_grad=True)
    a = (a * 3) / (a - 1)
    show("a.requires_grad, a.grad_fn", (a.requires_grad, a.grad_fn))
    with b.no_grad():
        s = (a * a).sum()
    show("in no_grad: s.requires_grad, s.grad_fn", (s.requires_grad, s.grad_fn))


if __name__ == "__main__":
    tensors_that_require_gradients()
    gradients()
    without_gradients()
