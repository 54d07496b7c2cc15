"""Names and arguments of NumPy, SciPy and PyTorch that stand for a composition of operations."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DTypeError, GraphError, ShapeError

RNG = np.random.default_rng(0)


def test_scipys_special_names_are_here() -> None:
    """df.special has the functions of the main namespace that SciPy keeps there."""
    for name in ("erf", "erfc", "expm1", "log1p"):
        assert getattr(df.special, name) is getattr(df, name)
    x = df.GraphBuilder().constant(np.array([-2.0, 0.0, 0.5, 3.0]))
    np.testing.assert_allclose(value_of(df.special.exp10(x)), [0.01, 1, 10**0.5, 1000])
    whole = df.GraphBuilder().constant(np.array([-1, 2]))
    np.testing.assert_allclose(value_of(df.special.exp10(whole)), [0.1, 100])


def test_triangular_solve_is_solve_triangular() -> None:
    """Both names are one function."""
    assert df.linalg.triangular_solve is df.linalg.solve_triangular


def tensor(values: object) -> Any:  # noqa: ANN401 - NumPy's stubs know no tensors
    """Return a constant of a builder of its own."""
    return df.GraphBuilder().constant(np.asarray(values))


def value_of(*tensors: Any) -> Any:  # noqa: ANN401 - of what NumPy's functions return
    """Return the values of tensors."""
    return df.evaluate(*tensors)


UFUNCS = [np.add, np.multiply, np.maximum, np.minimum]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "bool"])
@pytest.mark.parametrize(
    "ufunc", [*UFUNCS, np.logical_and, np.logical_or, np.logaddexp], ids=lambda u: u.__name__
)
def test_ufuncs_reduce(ufunc: np.ufunc, dtype: str) -> None:
    """np.add.reduce and its kin reduce the first axis, or those named, as NumPy does."""
    if dtype in ("bool", "int32") and ufunc is np.logaddexp:
        pytest.skip("there is no sum of exponentials of such dtypes in NumPy")
    x = (RNG.uniform(-2, 2, (3, 4, 2))).astype(dtype)
    for options in ({}, {"axis": -1}, {"axis": 1, "keepdims": True}, {"axis": (0, 2)}):
        expected = ufunc.reduce(x, **options)
        made = value_of(ufunc.reduce(tensor(x), **options))
        assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(made, expected, rtol=1e-5)
    assert value_of(ufunc.reduce(tensor(x), axis=None)).shape == ()


@pytest.mark.parametrize("dtype", ["float64", "int32"])
@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
def test_ufuncs_accumulate(ufunc: np.ufunc, dtype: str) -> None:
    """np.add.accumulate and its kin run along the first axis, or the one named, as NumPy does."""
    x = RNG.uniform(-3, 3, (3, 4)).astype(dtype)
    for axis in (0, 1):
        expected = ufunc.accumulate(x, axis)
        made = value_of(ufunc.accumulate(tensor(x), axis))
        assert made.dtype == expected.dtype
        np.testing.assert_allclose(made, expected, rtol=1e-14)


@pytest.mark.parametrize("ufunc", [*UFUNCS, np.less, np.hypot], ids=lambda u: u.__name__)
def test_ufuncs_have_outer_products(ufunc: np.ufunc) -> None:
    """ufunc.outer of tensors and arrays, in either order, is that of all pairs."""
    x, y = RNG.uniform(1, 2, (2, 3)), RNG.uniform(1, 2, 4)
    expected = ufunc.outer(x, y)
    for made in (ufunc.outer(tensor(x), y), ufunc.outer(x, tensor(y))):
        np.testing.assert_allclose(value_of(made), expected, rtol=1e-14)


def test_ufunc_methods_take_what_has_a_node() -> None:
    """A dtype is passed on; initial values, masks and other ufuncs are refused."""
    x = tensor([1, 2, 3])
    assert value_of(np.add.reduce(x, dtype=np.float32)).dtype == np.float32
    assert value_of(np.add.reduce(tensor(3.0))) == 3
    calls: tuple[Callable[[], object], ...] = (
        lambda: np.add.reduce(x, initial=1), lambda: np.subtract.accumulate(x),
        lambda: np.maximum.reduce(x, dtype=np.float32), lambda: np.add.reduceat(x, [0, 1]),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(GraphError, match=r"np\.\w+\.\w+ .*doesn't work on tensors"):
            call()


def test_methods_have_numpys_names() -> None:
    """NumPy's methods of arrays give the same."""
    x = RNG.uniform(-2, 2, (3, 4))
    t, line = tensor(x), np.sort(x.ravel())
    np.testing.assert_array_equal(value_of(t.conjugate()), x)
    np.testing.assert_array_equal(value_of(tensor([1, 0]).choose([[1, 2], [3, 4]])), [3, 2])
    np.testing.assert_array_equal(value_of(t.compress([True, False, True], 0)), x[[0, 2]])
    np.testing.assert_array_equal(value_of(t.partition(1))[:, 1], np.sort(x)[:, 1])
    np.testing.assert_array_equal(value_of(t.argpartition(1))[:, 1], np.argsort(x)[:, 1])
    places = value_of(tensor(line).searchsorted([0.0, 1.0], side="right"))
    np.testing.assert_array_equal(places, line.searchsorted([0.0, 1.0], side="right"))


def test_methods_have_pytorchs_names() -> None:
    """PyTorch's methods that have a function of ours are here."""
    x = RNG.uniform(-2, 2, (3, 4))
    t = tensor(x)
    expected = [
        (t.abs(), abs(x)), (t.exp(), np.exp(x)), (t.abs().log(), np.log(abs(x))),
        (t.abs().sqrt(), np.sqrt(abs(x))), (t.pow(2), x**2), (t.matmul(t.T), x @ x.T),
        (t.clamp(-1, 1), x.clip(-1, 1)), (t.clamp(min=0), np.maximum(x, 0)),
        (t.softmax(0).sum(0), np.ones(4)), (t.norm(), np.linalg.norm(x)),
        (t.norm(1, dim=1, keepdim=True), abs(x).sum(1, keepdims=True)),
        (t.norm("fro"), np.linalg.norm(x)), (t.masked_fill(t < 0, 7), np.where(x < 0, 7, x)),
        (tensor(x + 1j).mH, (x - 1j).T),
    ]  # fmt: skip
    for made, values in expected:
        np.testing.assert_allclose(value_of(made), values, rtol=1e-13)


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0, 1.7])
def test_lerp_is_exact_at_both_ends(weight: float) -> None:
    """A weight as a number or as a tensor gives the same, and 0 and 1 the ends themselves."""
    a, b = RNG.uniform(-1, 1, 5), RNG.uniform(-1, 1, 5) * 1e9
    made = value_of(df.lerp(tensor(a), b, weight))
    np.testing.assert_allclose(made, a + weight * (b - a), rtol=1e-12)
    np.testing.assert_array_equal(value_of(df.lerp(a, b, tensor(np.full(5, weight)))), made)
    if weight in (0, 1):
        np.testing.assert_array_equal(made, b if weight else a)


def test_addmm_ignores_what_is_multiplied_by_zero() -> None:
    """With beta = 0 not even a NaN is seen; shapes that don't fit are told."""
    x = tensor(np.ones((2, 2)))
    assert value_of(df.addmm(np.full(2, np.nan), x, x, beta=0)).tolist() == [[2, 2], [2, 2]]
    calls: tuple[Callable[[], object], ...] = (
        lambda: df.addmm(x, x, x[0]), lambda: df.baddbmm(x, x, x),
        lambda: df.addmm(np.ones((3, 2, 2)), x, x), lambda: df.cdist(x, x[0]),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(ShapeError, match=r"test_names.py:\d+"):
            call()


def test_rsqrt_takes_integers() -> None:
    """It is inf at 0."""
    assert value_of(df.rsqrt(tensor([4, 0]))).tolist() == [0.5, np.inf]


@pytest.mark.parametrize("name", ["hanning", "hamming", "blackman", "bartlett"])
def test_windows_are_numpys(name: str) -> None:
    """Windows of any length, none and one among them, are NumPy's."""
    for m in (0, 1, 2, 7):
        made = value_of(getattr(df, name)(m, "float64", device=df.GraphBuilder()))
        np.testing.assert_array_equal(made, getattr(np, name)(m))
    with pytest.raises(ShapeError, match="0 points or more"):
        getattr(df, name)(-1, device=df.GraphBuilder())


def test_kaisers_window_is_numpys() -> None:
    """Its second argument is the narrowness, and is a number."""
    with df.GraphBuilder():
        np.testing.assert_array_equal(value_of(df.kaiser(6, 8.6, "float64")), np.kaiser(6, 8.6))
        assert df.kaiser(3, 1.0).dtype == np.float32
        with pytest.raises(DTypeError, match="beta is a number"):
            df.kaiser(3, "x")  # type: ignore[arg-type]  # which is the point


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("m", [0, 1, 2, 7])
def test_windows_of_a_period_are_pytorchs(m: int, periodic: bool) -> None:
    """They take PyTorch's arguments by their places; one point is 1, whatever they are."""
    angles = 2 * np.pi * np.arange(m) / max(m if periodic else m - 1, 1)
    cosine = 0.4 - 0.3 * np.cos(angles) if m != 1 else np.ones(1)
    full = (np.kaiser(m + 1, 2.5) if m > 1 and periodic else np.kaiser(m, 2.5))[:m]
    with df.GraphBuilder():
        hamming = value_of(df.hamming_window(m, periodic, 0.4, 0.3, dtype="float64"))
        kaiser = value_of(df.kaiser_window(m, periodic, 2.5, dtype="float64"))
        plain = value_of(df.hamming_window(m, periodic=False, dtype="float64"))
    np.testing.assert_allclose(hamming, cosine, rtol=0, atol=1e-15)
    np.testing.assert_allclose(kaiser, full, rtol=1e-14)
    np.testing.assert_array_equal(plain, np.hamming(m))


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_a_windows_heights_are_numbers(name: str) -> None:
    """A list or a text is refused by the argument's name, at the user's line."""
    options: dict[str, Any] = {name: [0.5], "device": df.GraphBuilder()}
    with pytest.raises(DTypeError, match=rf"test_names.py:\d+\): {name} is a number"):
        df.hamming_window(4, **options)


def test_indices_of_triangles_and_diagonals_are_numpys() -> None:
    """With lengths, or of a tensor, they are NumPy's; of the wrong shape they are refused."""
    b, x = df.GraphBuilder(), np.ones((3, 4))
    with b:
        pairs: list[tuple[Any, Any]] = [
            (df.tril_indices(3, 1, 4), np.tril_indices(3, 1, 4)),
            (df.triu_indices(4, -1), np.triu_indices(4, -1)),
            (df.diag_indices(3, 3), np.diag_indices(3, 3)),
            (df.tril_indices(0), np.tril_indices(0)),
        ]
    t: Any = b.constant(x)
    pairs += [
        (np.tril_indices_from(t, 1), np.tril_indices_from(x, 1)),
        (np.triu_indices_from(t), np.triu_indices_from(x)),
        (np.diag_indices_from(t[:, :3]), np.diag_indices_from(x[:, :3])),
    ]
    for made, expected in pairs:
        np.testing.assert_array_equal(value_of(*made), expected)
    calls: tuple[Callable[[], object], ...] = (
        lambda: df.diag_indices_from(t), lambda: df.tril_indices_from(t[0]),
        lambda: df.tril_indices(-1, device=b),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(ShapeError, match=r"test_names.py:\d+"):
            call()


def test_pytorchs_dim_is_the_axis() -> None:
    """df.nn's functions take dim for axis, and refuse both."""
    x = tensor(RNG.uniform(-1, 1, (2, 4)))
    for name in ("softmax", "log_softmax", "softmin", "glu", "normalize"):
        function = getattr(df.nn, name)
        np.testing.assert_array_equal(value_of(function(x, dim=0)), value_of(function(x, axis=0)))
        with pytest.raises(GraphError, match=r"test_names.py:\d+\): axis and dim are the same"):
            function(x, axis=0, dim=0)


def test_linear_and_bilinear_maps() -> None:
    """Weights are outputs first, biases optional, and one output needs no axis."""
    x, y, bias = RNG.uniform(-1, 1, (5, 3)), RNG.uniform(-1, 1, (5, 4)), RNG.uniform(-1, 1, 2)
    weight, cube = RNG.uniform(-1, 1, (2, 3)), RNG.uniform(-1, 1, (2, 3, 4))
    made = value_of(df.nn.linear(tensor(x), weight, bias))
    np.testing.assert_allclose(made, x @ weight.T + bias, rtol=1e-12)
    np.testing.assert_allclose(value_of(df.nn.linear(x, tensor(weight[0]))), x @ weight[0])
    made = value_of(df.nn.bilinear(tensor(x), y, cube, bias))
    np.testing.assert_allclose(made, np.einsum("bn,knm,bm->bk", x, cube, y) + bias, rtol=1e-12)
    calls: tuple[Callable[[], object], ...] = (
        lambda: df.nn.linear(tensor(x), cube), lambda: df.nn.bilinear(x, y, tensor(x)),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(ShapeError, match=r"test_names.py:\d+"):
            call()


def test_the_linear_layer_is_pytorchs() -> None:
    """Its weights are outputs first and at most 1 / sqrt(inputs); other lengths are refused."""
    b = df.GraphBuilder()
    result = df.nn.Linear(16, 3)(b.ones((2, 16)))
    assert result.shape == (2, 3)
    assert [v.shape for v in b.variables] == [(3, 16), (3,)]
    assert abs(value_of(b.variables[0])).max() <= 0.25
    given = df.nn.Linear(2, 1, bias=False, initializer=[[1.0, 2.0]])
    assert value_of(given(b.ones((1, 2)))).tolist() == [[3]]
    with pytest.raises(ShapeError, match="16 long"):
        df.nn.Linear(16, 3)(b.ones((2, 5)))


def test_layers_of_one_function_fit_in_a_row() -> None:
    """Activation layers and Identity are callables for Sequential."""
    x = tensor(RNG.uniform(-2, 2, (2, 4)))
    layers = (df.nn.Identity(), df.nn.ReLU(), df.nn.GELU(), df.nn.SiLU(), df.nn.Tanh(),
              df.nn.Sigmoid(), df.nn.LeakyReLU(0.2), df.nn.ELU(), df.nn.Softmax(0))  # fmt: skip
    expected = df.nn.leaky_relu(df.sigmoid(df.tanh(df.silu(df.gelu(df.relu(x))))), 0.2)
    made = df.nn.Sequential(*layers)(x)
    np.testing.assert_array_equal(value_of(made), value_of(df.softmax(df.nn.elu(expected), 0)))


@pytest.mark.parametrize(
    ("layer", "function", "options"),
    [
        ("Mish", "mish", {}), ("SELU", "selu", {}), ("CELU", "celu", {"alpha": 0.7}),
        ("ReLU6", "relu6", {}), ("Hardtanh", "hardtanh", {"min_val": -0.5, "max_val": 0.3}),
        ("Hardswish", "hardswish", {}), ("Hardsigmoid", "hardsigmoid", {}),
        ("Softplus", "softplus", {"beta": 2.0, "threshold": 1.0}), ("Softsign", "softsign", {}),
        ("LogSigmoid", "log_sigmoid", {}), ("GLU", "glu", {"dim": 1}),
        ("Softmin", "softmin", {"dim": 1}),
        ("Threshold", "threshold", {"threshold": 0.2, "value": -1.0}),
        ("PixelUnshuffle", "pixel_unshuffle", {"downscale_factor": 2}),
        ("Unfold", "unfold", {"kernel_size": 3, "dilation": 1, "padding": 1, "stride": 2}),
        ("LocalResponseNorm", "local_response_norm",
         {"size": 3, "alpha": 0.5, "beta": 0.5, "k": 2.0}),
        ("InstanceNorm2d", "instance_norm", {"eps": 0.1}),
    ],
)  # fmt: skip
def test_small_layers_are_their_functions(
    layer: str, function: str, options: dict[str, Any]
) -> None:
    """A layer without variables gives what the function does, and has PyTorch's name for it."""
    x = tensor(RNG.uniform(-2, 2, (2, 4, 6, 4)))
    made, plain = getattr(df.nn, layer)(**options)(x), getattr(df.nn, function)(x, **options)
    np.testing.assert_array_equal(value_of(made), value_of(plain))


def test_fold_is_the_function_and_ranks_are_checked() -> None:
    """Fold adds windows up as its function does; an instance norm of images takes four axes."""
    x = tensor(RNG.uniform(-2, 2, (2, 12, 12)))
    expected = value_of(df.nn.fold(x, (4, 5), 2))
    np.testing.assert_array_equal(value_of(df.nn.Fold((4, 5), 2)(x)), expected)
    with pytest.raises(ShapeError, match=r"InstanceNorm2d .*takes 4 axes"):
        df.nn.InstanceNorm2d()(x)


def test_i0_is_numpys() -> None:
    """df.i0 is the function that np.i0 names."""
    x = RNG.uniform(-5, 5, 6)
    np.testing.assert_allclose(value_of(df.i0(tensor(x))), np.i0(x), rtol=1e-12)
