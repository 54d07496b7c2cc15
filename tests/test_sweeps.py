"""The sweeps: what they accumulate, where they stop, what they record, and higher derivatives."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.errors import GradientError, ShapeError
from dataflow.operation import Absent
from dataflow.registry import get_op
from dataflow.sweeps import jvp_of


def leaf(value: Any, *, requires_grad: bool = True) -> df.Tensor:  # noqa: ANN401 - any array
    """Return a constant in float64 in a builder of its own."""
    return df.GraphBuilder().constant(value, dtype="float64", requires_grad=requires_grad)


def value_of(tensor: df.Tensor | None) -> Any:  # noqa: ANN401 - lists and numbers
    """Compute a tensor as Python's own numbers."""
    assert tensor is not None
    return df.evaluate(tensor).tolist()


# backward


def test_backward_accumulates() -> None:
    """Each call adds to `grad`, as PyTorch's does; before the first there is none."""
    x = leaf([1.0, 2.0])
    out = (x * x).sum()
    assert x.grad is None
    for times in (1, 2, 3):
        out.backward()
        assert value_of(x.grad) == [2.0 * times, 4.0 * times]


def test_backward_from_two_outputs_adds_up() -> None:
    """Gradients of two results that share a leaf are summed."""
    x = leaf(3.0)
    (x * x).backward()
    (5 * x).backward()
    assert value_of(x.grad) == 11.0


def test_backward_reaches_every_path() -> None:
    """A tensor that is used in many places gets the sum over all paths."""
    x = leaf(2.0)
    y = x * x
    (y * x + y + x).backward()
    assert value_of(x.grad) == 3 * 4 + 2 * 2 + 1


def test_backward_sets_grad_of_leaves_alone() -> None:
    """Tensors on the way, and leaves that don't require it, get no `grad`."""
    x = leaf(2.0)
    c = x.builder.constant(3.0, dtype="float64")
    y = x * c
    (y * y).backward()
    assert (y.grad, c.grad) == (None, None)
    assert value_of(x.grad) == 36.0


def test_backward_of_a_leaf_is_one() -> None:
    """A leaf's derivative with respect to itself is 1."""
    x = leaf(2.0)
    x.backward()
    assert value_of(x.grad) == 1.0


def test_backward_takes_a_cotangent() -> None:
    """A tensor that is no scalar needs a cotangent of its shape, and multiplies with it."""
    x = leaf([1.0, 2.0])
    y = x * x
    with pytest.raises(GradientError, match=r"no scalar: give the cotangent, or take a sum"):
        y.backward()
    with pytest.raises(ShapeError, match=r"the cotangent is float64\[3\]"):
        y.backward([1.0, 1.0, 1.0])
    y.backward([10.0, 1.0])
    assert value_of(x.grad) == [20.0, 4.0]


def test_backward_where_nothing_requires_a_gradient_is_refused() -> None:
    """The error names the node, its op, and the remedy."""
    out = leaf(1.0, requires_grad=False) * 2
    with pytest.raises(GradientError, match=r"'multiply_0'.*test_sweeps.*requires_grad=True"):
        out.backward()


def test_backward_through_a_flat_step_gives_zeros() -> None:
    """A leaf that is reached but has no influence on the value gets zeros, as PyTorch's do."""
    x = leaf([1.5, 2.5])
    df.floor(x).sum().backward()
    assert value_of(x.grad) == [0.0, 0.0]


def test_a_gradient_across_builders_is_refused() -> None:
    """Tensors of different graphs are no ends of one sweep: not silently zeros."""
    x, y = leaf([1.0]), leaf([1.0])
    with pytest.raises(GradientError, match=r"test_sweeps\.py.*'constant_0'.*another builder"):
        df.grad(x.sum(), y)
    with pytest.raises(GradientError, match=r"the cotangent node 'constant_0'.*another builder"):
        df.grad(x * 2, x, y)


@pytest.mark.parametrize(("output", "wrt"), [(3, "x"), ("x", 3), ("x", [3]), ("x", "ab")])
def test_a_gradient_of_no_tensor_is_refused(output: Any, wrt: Any) -> None:  # noqa: ANN401
    """What isn't a tensor is named, with the user's line."""
    x = leaf(1.0)
    ends = [x if end == "x" else end for end in (output, wrt)]
    with pytest.raises(GradientError, match=r"df\.grad \(test_sweeps\.py:\d+\) takes tensors"):
        df.grad(*ends)


def test_a_cotangent_of_another_dtype_is_refused() -> None:
    """The message names the node, what came and what was expected."""
    x = leaf([1.0])
    ones = x.builder.constant([1.0], dtype="float32")
    with pytest.raises(df.errors.DTypeError, match=r"'constant_0'.*float32\[1\], not float64"):
        df.grad(x, x, ones)


# Where gradients stop


def test_requires_grad_spreads() -> None:
    """A result requires a gradient if an operand does and it is floating point."""
    x = leaf([1.0, 2.0])
    c = x.builder.constant([1.0, 2.0], dtype="float64")
    assert [t.requires_grad for t in (x, c, x + c, c + c, x > c)] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert [t.is_leaf for t in (x, c, x + c, c + c)] == [True, True, False, True]
    assert repr((x + c).grad_fn) == "<AddBackward>"
    assert (x.grad_fn, (c + c).grad_fn, (x > c).grad_fn) == (None, None, None)


def test_an_integer_cannot_require_a_gradient() -> None:
    """Only floating-point tensors can; the error says so where it is asked for."""
    b = df.GraphBuilder()
    with pytest.raises(df.errors.DTypeError, match="only floating-point"):
        b.input("i", (2,), "int64", requires_grad=True)
    assert not b.variable("step", 0).requires_grad
    assert b.variable("weight", 0.0).requires_grad


def test_no_grad_cuts() -> None:
    """Nodes declared in no_grad() pass no gradient, to `backward` and to `grad` alike."""
    x = leaf(3.0)
    with x.builder.no_grad():
        y = x * x
    assert (y.requires_grad, y.grad_fn) == (False, None)
    z = x * y
    z.backward()
    assert value_of(x.grad) == 9.0
    assert value_of(df.grad(z, x)) == 9.0
    assert (x * 1).requires_grad


@pytest.mark.parametrize("stop", [df.Tensor.detach, df.stop_gradient])
def test_stopped_gradients(stop: Callable[[df.Tensor], df.Tensor]) -> None:
    """`detach` and `stop_gradient` keep the value and cut the gradient."""
    x = leaf(3.0)
    y = stop(x * x)
    assert not y.requires_grad
    assert value_of(y) == 9.0
    assert value_of(df.grad(x * y, x)) == 9.0


def test_a_gradient_stops_at_integers_and_truth() -> None:
    """A path through an integer or a comparison carries nothing, and is no error."""
    x = leaf([0.5, 2.5])
    y = x * (x > 1).astype("float64") + x.astype("int64").astype("float64")
    assert value_of(df.grad(y.sum(), x)) == [0.0, 1.0]


# grad


def test_grad_of_what_does_not_depend_is_zeros() -> None:
    """The gradient with respect to an unrelated tensor is zeros of its spec."""
    x = leaf([1.0, 2.0])
    y = x.builder.constant(np.ones((3, 2), np.float32))
    gx, gy = df.grad(x.sum(), [x, y])
    assert gy.spec == y.spec
    assert (value_of(gx), value_of(gy)) == ([1, 1], [[0, 0]] * 3)


def test_grad_needs_no_requires_grad() -> None:
    """`grad` differentiates with respect to any tensor, also one on the way; it sets nothing."""
    x = leaf(3.0, requires_grad=False)
    y = x * x
    out = y * y * x
    assert value_of(df.grad(out, y)) == 2 * 9 * 3
    assert [value_of(g) for g in df.grad(out, (x, y))] == [5 * 81, 54]
    assert (x.grad, y.grad) == (None, None)


def test_grad_with_respect_to_the_output_itself() -> None:
    """D out / d out is the cotangent."""
    x = leaf([1.0, 2.0])
    y = x * x
    assert value_of(df.grad(y, y, [3.0, 4.0])) == [3.0, 4.0]


@pytest.mark.parametrize("wrt", ["int64", "bool"])
def test_grad_with_respect_to_an_integer_is_refused(wrt: str) -> None:
    """The error names the tensor and the remedy."""
    b = df.GraphBuilder()
    i = b.input("i", (), wrt)
    with pytest.raises(GradientError, match=rf"'i' \(op 'input', .*{wrt}\[\]: only.*astype"):
        df.grad(i * 2.0, i)
    with pytest.raises(GradientError, match=r"'i'.*only floating-point.*astype"):
        df.grad(i, b.input("x"))


def test_an_op_without_derivative_says_so() -> None:
    """A path through an op that has no vjp is an error with the op's reason and the remedy."""
    x = leaf(1.0)
    op = replace(get_op("tanh"), vjp=Absent("it is opaque"), jvp=Absent("it is opaque"))
    (y,) = x.builder.apply(op, (x,), Attrs())
    with pytest.raises(GradientError, match=r"tanh_0.*no derivative: it is opaque.*stop_gradient"):
        df.grad(y, x)
    with pytest.raises(GradientError, match="it is opaque"):
        jvp_of([y], [x], [x])
    assert value_of(df.grad(x * df.stop_gradient(y), x)) == np.tanh(1.0)


# Derivatives of derivatives


def derivatives(out: df.Tensor, x: df.Tensor, order: int) -> list[float]:
    """Return the values of the first derivatives of a scalar."""
    made = []
    for _ in range(order):
        out = df.grad(out, x)
        made.append(out)
    return [float(value) for value in df.evaluate(*made)]


def test_derivatives_of_a_power() -> None:
    """The derivatives of x**4 at 3 are 108, 108, 72, 24 and 0."""
    x = leaf(3.0)
    assert derivatives(x**4, x, 5) == pytest.approx([108, 108, 72, 24, 0])
    y = leaf(3.0)
    assert derivatives(y * y * y * y, y, 5) == pytest.approx([108, 108, 72, 24, 0])


def test_derivatives_of_tanh_and_exp() -> None:
    """Third derivatives of composed functions are those of calculus."""
    x = leaf(0.5)
    t = np.tanh(0.5)
    s = 1 - t * t
    assert derivatives(df.tanh(x), x, 3) == pytest.approx([s, -2 * t * s, s * (6 * t * t - 2)])
    y = leaf(0.5)
    assert derivatives(df.exp(2 * y), y, 3) == pytest.approx([2 * np.e, 4 * np.e, 8 * np.e])


def test_mixed_derivatives_are_symmetric() -> None:
    """d²f/dxdy is d²f/dydx."""
    x = leaf(0.7)
    y = x.builder.constant(1.3, dtype="float64")
    out = df.sin(x * y) * df.exp(x) / y
    one, other = df.grad(df.grad(out, x), y), df.grad(df.grad(out, y), x)
    assert value_of(one) == pytest.approx(value_of(other), rel=1e-14)


def test_backward_of_a_gradient() -> None:
    """A gradient penalty: backward() through a gradient."""
    x = leaf([1.0, 2.0])
    slope = df.grad((x * x * x).sum(), x)
    (slope * slope).sum().backward()
    assert value_of(x.grad) == pytest.approx([36 * 1.0, 36 * 8.0])


def test_forward_over_reverse_is_the_hessians_product() -> None:
    """The tangent of a gradient is the Hessian times the direction."""
    x = leaf([1.0, 2.0])
    gradient = df.grad((x * x * x).sum(), x)
    (product,) = jvp_of([gradient], [x], [x.builder.constant([1.0, -1.0], dtype="float64")])
    assert value_of(product) == pytest.approx([6.0, -12.0])


def test_a_gradient_through_named_dimensions() -> None:
    """A mean over a named dimension has its gradient before the size is known, and after."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 3), "float64")
    w = b.variable("w", np.array([1.0, 2.0, 3.0]))
    loss = ((x * w).sum(axis=1) ** 2).mean()
    gradient = df.grad(loss, w)
    assert gradient.shape == (3,)
    for batch in (1, 2, 5):
        rows = np.arange(3.0 * batch).reshape(batch, 3)
        expected = (2 * (rows @ [1.0, 2, 3])[:, None] * rows).mean(axis=0)
        np.testing.assert_allclose(df.evaluate(gradient, x=rows), expected)


def test_a_gradient_of_what_broadcast_over_a_name() -> None:
    """A bias that broadcasts over a named dimension gets the sum over it; 1 is no special case."""
    b = df.GraphBuilder()
    x, bias = b.input("x", ("batch", "n")), b.input("bias", ("n",))
    scale = b.input("scale", ("batch", 1))
    gradients = df.grad(((x + bias) * scale).sum(), [x, bias, scale])
    assert [g.spec for g in gradients] == [x.spec, bias.spec, scale.spec]
    feeds = {"x": np.ones((1, 1), "f"), "bias": np.ones(1, "f"), "scale": np.full((1, 1), 3, "f")}
    assert [g.tolist() for g in df.evaluate(*gradients, feeds=feeds)] == [[[3.0]], [3.0], [[2.0]]]
