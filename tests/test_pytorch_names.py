"""Functions under PyTorch's names: corners, errors, and integers, beyond the cross-checks."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DTypeError, GraphError, KernelError, ShapeError
from dataflow.pytorch_methods import PyTorchMethods


def tensor(values: Any) -> Any:  # noqa: ANN401 - what a test is about
    """Return a constant of a builder of its own."""
    return df.GraphBuilder().constant(values)


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "float32", "float64"])
@pytest.mark.parametrize("mode", ["trunc", "floor"])
def test_whole_quotients_are_those_of_c_or_python(dtype: str, mode: str) -> None:
    """Of integers of either sign exactly, in their dtype; of floats as the quotient is rounded."""
    a = np.array([7, 8, 9, 100, 0]).astype(dtype)
    b = np.array([2, 4, 5, 7, 3]).astype(dtype)
    if dtype[0] != "u":
        a, b = np.concatenate([a, -a, a, -a]), np.concatenate([b, b, -b, -b])
    made = df.evaluate(df.div(tensor(a), b, rounding_mode=mode))
    exact = a.astype(float) / b
    expected = np.trunc(exact) if mode == "trunc" else np.floor(exact)
    assert made.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(made, expected.astype(dtype))


def test_masks_may_hold_nowhere_or_everywhere() -> None:
    """masked_scatter reads as many elements as there are places, and fails if there are fewer."""
    x = tensor([[1, 2], [3, 4]])
    for mask, source, expected in (
        (x < 0, np.zeros(0, int), [[1, 2], [3, 4]]), (x > 0, [5, 6, 7, 8], [[5, 6], [7, 8]]),
        (np.array([False, True]), [[9, 8], [7, 6]], [[1, 9], [3, 8]]),
    ):  # fmt: skip
        assert df.evaluate(df.masked_scatter(x, mask, source)).tolist() == expected
    assert df.evaluate(df.masked_scatter(x[:0], x[:0] > 0, [1])).shape == (0, 2)
    for source in ([5], []):
        with pytest.raises(KernelError, match="out of range"):
            df.evaluate(df.masked_scatter(x, x > 2, np.array(source, int)))


def test_combinations_of_few_or_none() -> None:
    """Of no elements, of more than there are, and of an empty tensor there are as many as exist."""
    x = np.arange(3.0)
    for r in range(5):
        expected = np.array(list(combinations(x, r)))
        made = df.evaluate(df.combinations(tensor(x), r))
        assert made.shape == (len(expected), r)
        np.testing.assert_array_equal(made, expected.reshape(made.shape))
    assert df.evaluate(df.cartesian_prod(tensor(x), x[:0])).shape == (0, 2)
    assert df.evaluate(df.cartesian_prod(tensor(x))).tolist() == [0, 1, 2]


def test_distances_of_no_pairs_and_of_a_row_from_itself() -> None:
    """One row has no pairs; two equal ones have a derivative of 0."""
    assert df.evaluate(df.pdist(tensor(np.ones((1, 3))))).shape == (0,)
    x = tensor(np.ones((2, 3)))
    assert df.evaluate(*df.grad(df.pdist(x).sum(), [x])).tolist() == [[0] * 3] * 2


def test_sizes_are_known_or_expressions() -> None:
    """np.size of a tensor is an int, or an expression of names."""
    x: Any = df.GraphBuilder().input("x", ("n", 3, 4))
    assert (np.size(x, 1), np.size(x, (1, 2)), df.numel(x[0])) == (3, 12, 12)
    assert str(np.size(x)) == "12*n"
    assert df.unflatten(x, -1, (2, 2)).shape[1:] == (3, 2, 2)


def test_means_beside_variances_keep_their_dtype() -> None:
    """Of integers both are float64, of complex numbers the variance is real."""
    spread, centre = df.evaluate(*df.var_mean(tensor([1, 2, 4])))
    assert (spread.dtype, centre.dtype) == (np.float64, np.float64)
    np.testing.assert_allclose([spread, centre], [7 / 3, 7 / 3])
    spread, centre = df.evaluate(*df.std_mean(tensor([1j, 3j])))
    assert (spread.dtype, centre.dtype) == (np.float32, np.complex64)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: df.div(x, x, rounding_mode="up"), GraphError, "'trunc' or 'floor', not 'up'"),
        (lambda x: df.addmv(x, x, x), ShapeError, "takes 2 and 1 axes"),
        (lambda x: df.addr(x[0], x, x), ShapeError, "takes 1 and 1 axes"),
        (lambda x: df.addbmm(x, x, x), ShapeError, "takes 3 and 3 axes"),
        (lambda x: df.pdist(x[0]), ShapeError, "known number of rows"),
        (lambda x: df.renorm(x[0], 2, 0, 1.0), ShapeError, "two axes or more"),
        (df.combinations, ShapeError, "one axis"),
        (lambda x: df.combinations(x[0], -1), ShapeError, "isn't known how many"),
        (lambda x: df.cartesian_prod(x, x), ShapeError, "one axis"),
        (lambda x: df.unflatten(x, 1, (2, 2)), ShapeError, "a length of 3 isn't"),
        (lambda x: df.unflatten(x, 1, (2, -1)), ShapeError, "a length of 3 isn't"),
        (lambda x: df.split_with_sizes(x, [1, 1], 1), ShapeError, "add up to the length 3"),
        (df.view_as_real, DTypeError, "takes complex numbers"),
        (df.view_as_complex, ShapeError, "isn't of length 2"),
        (lambda x: df.masked_scatter(x, x, x), DTypeError, "mask is of booleans"),
        (lambda x: df.select_scatter(x, x, 2, 0), ShapeError, "out of range"),
        (lambda x: df.frexp(x + 1j), DTypeError, "can't take dtypes"),
    ],
)
def test_errors_come_at_the_users_line(
    call: Callable[[Any], object], error: type[Exception], message: str
) -> None:
    """Wrong shapes, dtypes and words are refused where the node is declared."""
    with pytest.raises(error, match=message) as caught:
        call(tensor(np.ones((2, 3))))
    assert "test_pytorch_names.py:" in str(caught.value)


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett", "kaiser"])
def test_windows_are_pytorchs(name: str) -> None:
    """Periodic ones or not, of any length."""
    torch = pytest.importorskip("torch")
    for length in (0, 1, 2, 5):
        for periodic in (True, False):
            made = getattr(df, f"{name}_window")(
                length, periodic, dtype="float64", device=df.GraphBuilder()
            )
            expected = getattr(torch, f"{name}_window")(length, periodic, dtype=torch.float64)
            np.testing.assert_allclose(df.evaluate(made), expected.numpy(), atol=1e-12)


def test_places_may_be_filled_with_minus_one() -> None:
    """nonzero_static is argwhere with another filling."""
    x = tensor([[0, 3], [4, 0]])
    assert df.evaluate(df.nonzero_static(x, size=3)).tolist() == [[0, 1], [1, 0], [-1, -1]]


@pytest.mark.parametrize("bounds", [(0.0, 2.0), (None, 2.0), (0.0, None), (2.0, 0.0)])
def test_clamp_keeps_the_whole_gradient_at_a_bound(bounds: tuple[float | None, ...]) -> None:
    """As PyTorch's does, where clip gives a half; its values are those of clip, NaN too."""
    torch = pytest.importorskip("torch")
    values = np.array([-1.0, 0.0, 1.0, 2.0, 3.0, np.nan])
    x, t = tensor(values), torch.tensor(values, requires_grad=True)
    made, expected = df.clamp(x, *bounds), torch.clamp(t, *bounds)
    expected.nansum().backward()
    np.testing.assert_array_equal(df.evaluate(made), expected.detach().numpy())
    np.testing.assert_array_equal(df.evaluate(made), df.evaluate(df.clip(x, *bounds)))
    if bounds != (2.0, 0.0):  # where the upper bound, below the other, is all there is
        slopes = df.evaluate(*df.grad(made[:-1].sum(), [x]))
        np.testing.assert_array_equal(slopes[:-1], t.grad.numpy()[:-1])
    assert df.evaluate(tensor([1, 5]).clamp(2, 3)).tolist() == [2, 3]


@pytest.mark.filterwarnings("ignore::UserWarning")  # some are deprecated
def test_functions_of_matrices_are_pytorchs() -> None:
    """Under their names in the main namespace, with PyTorch's arguments."""
    torch = pytest.importorskip("torch")
    a = np.array([[4.0, 1.0], [1.0, 3.0]])
    wide = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])
    calls: list[Callable[[Any, Any, Any], Any]] = [
        lambda m, x, w: m.det(x), lambda m, x, w: m.slogdet(x)[1], lambda m, x, w: m.inverse(x),
        lambda m, x, w: m.cholesky(x), lambda m, x, w: m.cholesky(x, upper=True),
        lambda m, x, w: m.matrix_power(x, 3), lambda m, x, w: m.matrix_exp(x),
        lambda m, x, w: m.block_diag(x, w), lambda m, x, w: m.t(w), lambda m, x, w: m.t(w[0]),
        lambda m, x, w: m.norm(w), lambda m, x, w: m.norm(w, 1), lambda m, x, w: m.norm(w, "nuc"),
        lambda m, x, w: m.norm(w, 2, 1, keepdim=True), lambda m, x, w: m.ger(x[0], w[0]),
        lambda m, x, w: m.polygamma(1, w), lambda m, x, w: m.igamma(w, w),
        lambda m, x, w: m.igammac(w, w), lambda m, x, w: m.mvlgamma(w, 2),
    ]  # fmt: skip
    for call in calls:
        builder = df.GraphBuilder()
        made = df.evaluate(call(df, builder.constant(a), builder.constant(wide)))
        expected = call(torch, torch.tensor(a), torch.tensor(wide))
        np.testing.assert_allclose(made, expected.numpy(), rtol=1e-9)
    for some in (True, False):
        u, s, v = df.evaluate(*df.svd(tensor(wide), some))
        assert [x.shape for x in (u, s, v)] == [tuple(x.shape) for x in torch.svd(
            torch.tensor(wide), some)]  # fmt: skip
        np.testing.assert_allclose(u * s @ v.T[:2], wide, rtol=1e-9)
        q, r = df.evaluate(*df.qr(tensor(wide.T), some))
        assert q.shape == (3, 2 if some else 3)
        np.testing.assert_allclose(q @ r, wide.T, rtol=1e-9)
    with pytest.raises(ShapeError, match="permute"):
        df.t(tensor(np.ones((1, 2, 3))))


def test_methods_are_the_functions_of_their_names() -> None:
    """Each of the table is a public function, a cast or PyTorch's own; a few are called."""
    torch = pytest.importorskip("torch")
    casts = ("float", "double", "half", "bfloat16", "int", "long", "short", "bool")
    for name in vars(PyTorchMethods):
        if not name.startswith("_"):
            assert callable(getattr(torch.Tensor, name))
            assert name in casts or callable(getattr(df, name))
    x = np.array([[0.5, -1.5, 2.0]])
    calls: list[Callable[[Any], Any]] = [
        lambda t: t.relu(), lambda t: t.sigmoid(), lambda t: t.sin(), lambda t: t.floor(),
        lambda t: t.flip(1), lambda t: t.tril(), lambda t: t.isnan(), lambda t: t.chunk(3, 1)[1],
        lambda t: t.float(), lambda t: t.long(), lambda t: t.bool(), lambda t: t.add(1).neg(),
    ]  # fmt: skip
    for call in calls:
        made, expected = df.evaluate(call(tensor(x))), call(torch.tensor(x)).numpy()
        assert made.dtype == expected.dtype
        np.testing.assert_allclose(made, expected, rtol=1e-12)
