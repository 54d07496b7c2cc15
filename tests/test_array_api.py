"""The Python Array API standard, and NumPy's functions on tensors: what is here fits."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.dispatch import FUNCTIONS, find_numpy_function, load_all
from dataflow.errors import DataflowError, DTypeError, GraphError, ShapeError
from tests import standard

load_all()

OTHERWISE = {
    "fill_diagonal": "NumPy's writes into its argument; ours returns another tensor",
    "put_along_axis": "NumPy's writes into its argument; ours returns another tensor",
}
"""NumPy's functions whose names we have, but with another meaning, and which."""


def ours(name: str) -> Any:  # noqa: ANN401 - a function
    """Return what stands for a name of the standard, None where nothing does."""
    target: Any = df
    for part in name.split("."):
        target = getattr(target, part, None)
    return target


def parameters(name: str) -> list[inspect.Parameter]:
    """Return a function's parameters as the standard has them."""
    function = eval(f"lambda {standard.FUNCTIONS[name]}: 0")  # noqa: S307 - our own text
    return list(inspect.signature(function).parameters.values())


def fits(name: str) -> bool:
    """Say whether our function can be called in every way in which the standard's can."""
    function, theirs = ours(name), parameters(name)
    if function is None:
        return False
    places = [p for p in theirs if p.kind != p.KEYWORD_ONLY]
    names = [p for p in theirs if p.kind not in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL)]
    only = [p for p in theirs if p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL)]
    named_only = [p for p in names if p.kind == p.KEYWORD_ONLY]
    calls = [
        (places, named_only), (only, names),
        ([p for p in only if p.default is p.empty], [p for p in names if p.default is p.empty]),
    ]  # fmt: skip
    try:
        for positional, named in calls:
            inspect.signature(function).bind(*positional, **{p.name: p for p in named})
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("name", standard.FUNCTIONS)
def test_the_standards_functions_are_here(name: str) -> None:
    """Every function of the standard exists, and takes its arguments by place and by name."""
    assert fits(name)


def test_the_standards_names_are_here() -> None:
    """So do its dtypes, constants, methods and attributes."""
    x = df.GraphBuilder().zeros((2, 2))
    assert [n for n in (*standard.DTYPES, *standard.CONSTANTS) if not hasattr(df, n)] == []
    assert [n for n in standard.METHODS if not hasattr(type(x), n) and not hasattr(x, n)] == []
    assert (df.float32, df.bool) == (np.dtype("float32"), np.dtype("bool"))
    assert df.newaxis is None
    assert (df.pi, df.e, df.inf) == (np.pi, np.e, np.inf)
    assert df.__array_api_version__ == standard.VERSION


@pytest.mark.parametrize("name", standard.DATA_DEPENDENT)
def test_results_whose_shape_depends_on_data_are_refused(name: str) -> None:
    """Such a function raises our error at the user's line, and names what to use instead."""
    with pytest.raises(GraphError, match=r"test_array_api\.py:\d+"):
        ours(name)(df.GraphBuilder().input("x", (3,)))


# Values


X = np.linspace(-2, 3, 12).reshape(3, 4)
P = np.linspace(0.1, 0.9, 12).reshape(3, 4)
INTS = np.arange(-4, 8).reshape(3, 4)
MATRIX = X[:, :3] @ X[:, :3].T + 3 * np.eye(3)

CALLS: dict[str, tuple[Any, ...]] = {
    **{n: (P,) for n in standard._OF_ONE if n not in ("acosh", "bitwise_invert", "logical_not")},
    **{n: (X, P) for n in standard._OF_TWO if not n.startswith(("bitwise", "pow"))},
    "acosh": (P + 1,), "bitwise_invert": (INTS,), "logical_not": (X > 0,), "pow": (P, X),
    **{n: (INTS, np.abs(INTS)) for n in standard._OF_TWO if n.startswith("bitwise")},
    "clip": (X, -1, 1), "take": (X[0], [1, 0]), "take_along_axis": (X, INTS % 3, {"axis": 0}),
    "matmul": (X, X.T), "matrix_transpose": (X,), "tensordot": (X, X, {"axes": 2}),
    "vecdot": (X, P), "broadcast_to": (X, (2, 3, 4)), "concat": ([X, P],), "stack": ([X, P],),
    "expand_dims": (X, {"axis": 0}), "flip": (X, {"axis": 1}), "moveaxis": (X, 0, 1),
    "permute_dims": (X, (1, 0)), "repeat": (X, 2, {"axis": 1}), "reshape": (X, (4, 3)),
    "roll": (X, 1, {"axis": 0}), "squeeze": (X[:1], 0), "tile": (X, (2, 1)),
    "argmax": (X, {"axis": 1}), "argmin": (X,), "count_nonzero": (INTS, {"axis": 0}),
    "searchsorted": (X[0], P[0]), "where": (X > 0, X, P), "argsort": (-X, {"axis": 0}),
    "sort": (-X,), "cumulative_prod": (X, {"axis": 1}), "cumulative_sum": (X, {"axis": 0}),
    "max": (X, {"axis": 0}), "mean": (X,), "min": (X,), "prod": (X, {"axis": 1}),
    "std": (X, {"axis": 0, "correction": 1}), "sum": (X, {"axis": (0, 1), "keepdims": True}),
    "var": (X,), "all": (INTS, {"axis": 0}), "any": (INTS, {"axis": 1}), "diff": (X, {"axis": 0}),
    "astype": (X, np.float32), "tril": (X, {"k": 1}), "triu": (X,), "full_like": (X, 2),
    "zeros_like": (INTS,), "ones_like": (INTS,), "meshgrid": (X[0], P[0]),
    "broadcast_arrays": (X, P[0]), "unstack": (X, {"axis": 1}),
    "linalg.cholesky": (MATRIX,), "linalg.cross": (X[:, :3], P[:, :3]), "linalg.det": (MATRIX,),
    "linalg.diagonal": (X,), "linalg.eigvalsh": (MATRIX,), "linalg.inv": (MATRIX,),
    "linalg.matrix_norm": (X,), "linalg.matrix_power": (MATRIX, 3), "linalg.matrix_rank": (X,),
    "linalg.outer": (X[0], P[1]), "linalg.pinv": (X,), "linalg.slogdet": (MATRIX,),
    "linalg.solve": (MATRIX, X), "linalg.svdvals": (X,), "linalg.trace": (X,),
    "linalg.vector_norm": (X, {"axis": 1}), "linalg.matmul": (X, X.T), "linalg.vecdot": (X, P),
    "linalg.tensordot": (X, X), "linalg.matrix_transpose": (X,),
    "fft.fft": (X,), "fft.ifft": (X,), "fft.fftn": (X,), "fft.ifftn": (X,), "fft.rfft": (X,),
    "fft.irfft": (X,), "fft.rfftn": (X,), "fft.irfftn": (X,), "fft.hfft": (X,), "fft.ihfft": (X,),
    "fft.fftshift": (X,), "fft.ifftshift": (X,),
}  # fmt: skip


def called(namespace: Any, name: str, args: tuple[Any, ...]) -> list[Any]:  # noqa: ANN401
    """Call a function; a dict at the end holds what is given by name."""
    function = namespace
    for part in name.split("."):
        function = getattr(function, part)
    options = args[-1] if isinstance(args[-1], dict) else {}
    made = function(*(args[:-1] if options else args), **options)
    return list(made) if isinstance(made, (tuple, list)) else [made]


def as_tensors(builder: df.GraphBuilder, value: Any) -> Any:  # noqa: ANN401 - whatever stands there
    """Return arguments with their arrays as tensors."""
    if isinstance(value, (list, tuple)):
        return type(value)(as_tensors(builder, v) for v in value)
    return builder.constant(value) if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("name", CALLS)
def test_values_are_numpys(name: str) -> None:
    """Called as the standard says, a function gives what NumPy's gives."""
    expected = called(np, name, CALLS[name])
    made = called(df, name, as_tensors(df.GraphBuilder(), CALLS[name]))
    for tensor, right in zip(made, expected, strict=True):
        value = df.evaluate(tensor)
        assert (value.shape, value.dtype) == (right.shape, right.dtype)
        np.testing.assert_allclose(value, right, rtol=1e-12, atol=1e-14)


# Creation


CREATED: dict[str, Callable[[Any], Any]] = {
    "arange": lambda xp: xp.arange(3.0, -1, -0.75, dtype="float64"),
    "arange of ints": lambda xp: xp.arange(2, 9, 3),
    "arange of nothing": lambda xp: xp.arange(5, 2),
    "linspace": lambda xp: xp.linspace(-1, 3, 7, dtype="float64"),
    "linspace without its end": lambda xp: xp.linspace(-1, 3, 7, endpoint=False, dtype="float64"),
    "linspace of one": lambda xp: xp.linspace(2, 3, 1, dtype="float64"),
    "linspace of none": lambda xp: xp.linspace(2, 3, 0, dtype="float64"),
    "linspace of ints": lambda xp: xp.linspace(0, 10, 7, dtype="int64"),
    "linspace of arrays": lambda xp: xp.linspace(X[0], P[:, :1], 5, axis=1),
    "linspace of complex numbers": lambda xp: xp.linspace(1j, 2, 5, dtype="complex128"),
    "logspace": lambda xp: xp.logspace(-1, 2, 5, base=2, dtype="float64"),
    "geomspace": lambda xp: xp.geomspace(1, 1000, 7, dtype="float64"),
    "geomspace below 0": lambda xp: xp.geomspace(-8, -1, 4, dtype="float64"),
    "eye": lambda xp: xp.eye(3, 5, k=-1, dtype="float64"),
    "identity": lambda xp: xp.identity(3, dtype="int64"),
    "tri": lambda xp: xp.tri(3, 5, k=1, dtype="bool"),
    "indices": lambda xp: xp.indices((2, 3)),
    "zeros": lambda xp: xp.zeros((2, 0), dtype="int8"),
    "ones": lambda xp: xp.ones(3, dtype="complex128"),
    "full": lambda xp: xp.full((2, 2), np.True_),
    "full of ints": lambda xp: xp.full((2, 2), 3),
    "full of an array": lambda xp: xp.full((2, 4), X[0]),
    "asarray": lambda xp: xp.asarray([[1, 2], [3, 4]]),
}  # fmt: skip


@pytest.mark.parametrize("call", CREATED)
def test_created_values_are_numpys(call: str) -> None:
    """Creation functions give NumPy's values, in the builder of the ``with`` block."""
    with df.GraphBuilder() as b:
        made = CREATED[call](df)
    assert made.device is b
    value, expected = df.evaluate(made), CREATED[call](np)
    assert (value.shape, value.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(value, expected, rtol=1e-14, atol=1e-15)


def test_default_dtypes_are_as_said() -> None:
    """Floats are float32, ints int64 and complex numbers complex64, unless a dtype is given."""
    defaults = df.__array_namespace_info__().default_dtypes()
    with df.GraphBuilder():
        made = (df.zeros(2), df.linspace(0, 1, 3), df.arange(0.0, 1), df.full(2, 1.5), df.eye(2))
        floats = (*made, df.fft.fftfreq(3))
        assert {t.dtype for t in floats} == {defaults["real floating"]}
        assert {df.arange(3).dtype, df.full(2, 1).dtype} == {defaults["integral"]}
        assert {df.full(2, 1j).dtype, df.asarray(2j).dtype} == {defaults["complex floating"]}


def test_a_device_is_a_builder() -> None:
    """`device` names the builder, a tensor's own serves the standard's code, and blocks nest."""
    outer, inner = df.GraphBuilder("outer"), df.GraphBuilder("inner")
    with outer, inner:
        assert df.zeros(2).device is inner
        assert df.zeros(2, device=outer).device is outer
    x = outer.ones(2)
    assert df.ones(2, device=x.device).device is outer
    like_it: Any = np.zeros((2, 3), like=x)
    assert like_it.device is outer
    assert x.to_device(x.device) is x
    info = df.__array_namespace_info__()
    with outer:
        assert (info.default_device(), info.devices()) == (outer, [outer])
    with pytest.raises(GraphError, match=r"test_array_api\.py.*device=builder.*with builder"):
        df.zeros(2)
    with pytest.raises(GraphError, match="device is the graph's builder"):
        df.zeros(2, device="cpu")  # type: ignore[arg-type]  # what is tested
    with pytest.raises(GraphError, match="another builder"):
        df.zeros_like(x, device=inner)
    with pytest.raises(GraphError, match="stays in its builder"):
        x.to_device(inner)


def test_named_dimensions_are_created() -> None:
    """Sizes may be names: the same functions, bound when the graph is compiled."""
    b = df.GraphBuilder()
    x = b.input("x", ("n",), "float64")
    made = [x + b.linspace(0, 1, "n", dtype="float64"), b.eye("n", k=1) * x,
            b.full(("n", 2), 3) * x[:, None], x + b.arange("n")]  # fmt: skip
    values = np.array([1.0, 5.0, 2.0])
    expected = [values + np.linspace(0, 1, 3), np.eye(3, k=1) * values,
                np.full((3, 2), 3) * values[:, None], values + np.arange(3)]  # fmt: skip
    for found, right in zip(df.evaluate(*made, x=values), expected, strict=True):
        np.testing.assert_allclose(found, right)


@pytest.mark.parametrize("n", [1, 4, 5])
def test_frequencies_are_numpys(n: int) -> None:
    """Frequencies of even and odd lengths are NumPy's, and of a named one too."""
    b = df.GraphBuilder()
    x = b.input("x", ("n",))
    made = [f(size, 0.1, dtype="float64", device=b) for f in (df.fft.fftfreq, df.fft.rfftfreq)
            for size in (n, "n")]  # fmt: skip
    expected = [np.fft.fftfreq(n, 0.1)] * 2 + [np.fft.rfftfreq(n, 0.1)] * 2
    results = df.evaluate(*made, x, x=np.zeros(n, np.float32))
    for found, right in zip(results[:-1], expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-15)


def test_ends_have_gradients() -> None:
    """Linspace of tensors is differentiable by its ends, as is full by its value."""
    b = df.GraphBuilder()
    start, stop = b.constant(np.float64(1)), b.constant(np.float64(3))
    found = df.grad((df.linspace(start, stop, 5) * np.arange(5.0)).sum(), [start, stop])
    assert [float(g) for g in df.evaluate(*found)] == [2.5, 7.5]
    assert df.evaluate(df.grad(df.full((2, 3), start).sum(), start)) == 6


def test_asarray_takes_what_numpys_takes() -> None:
    """Tensors are kept, arrays copied, and sequences of tensors stacked in the common dtype."""
    b = df.GraphBuilder()
    x = b.constant(np.float64(2))
    assert df.asarray(x) is x
    assert df.asarray(x, dtype="float32").dtype == np.float32
    nested: Any = [[x, 1.0], (0.0, x * 3)]
    assert df.evaluate(df.asarray(nested)).tolist() == [[2, 1], [0, 6]]
    assert df.from_dlpack(np.arange(3), device=b).dtype == np.int64
    with pytest.raises(GraphError, match=r"test_array_api\.py.*copies"):
        df.asarray(X, device=b, copy=False)
    with pytest.raises(DTypeError, match=r"test_array_api\.py.*gives no array"):
        df.from_dlpack(3, device=b)


@pytest.mark.parametrize(
    "call",
    [lambda: df.arange(0, 1, 0), lambda: df.arange(0.0, 1.0, 0.0), lambda: df.arange("n", 1.5),
     lambda: df.zeros(-1), lambda: df.zeros(2, "text"), lambda: df.eye(2, k="1"),  # type: ignore[arg-type]

     lambda: df.linspace(0, 1, -1), lambda: df.linspace([0, 1], [1, 2, 3]), lambda: df.full(2, X),
     lambda: df.linspace(0, 1, retstep=True), lambda: df.arange(0, np.inf, 0.5)],
)  # fmt: skip
def test_wrong_creations_are_refused(call: Callable[[], object]) -> None:
    """What is no size, step, dtype or end is an error of ours."""
    with df.GraphBuilder(), pytest.raises(DataflowError):
        call()


# Dtypes


def test_questions_about_dtypes_are_answered() -> None:
    """Promotion, casts, kinds and limits are NumPy's, of tensors and of dtypes."""
    b = df.GraphBuilder()
    x, i = b.zeros(2), b.zeros(2, "int64")
    assert df.result_type(x, i) == np.float64
    assert np.result_type(x, 1.0) == np.float32
    assert df.result_type(i, 2, df.int8) == np.int64
    assert (df.can_cast(x, df.float64), df.can_cast(x, i.dtype)) == (True, False)
    assert df.isdtype(df.uint8, ("signed integer", "unsigned integer"))
    assert not df.isdtype(df.bool, "numeric")
    assert (df.finfo(x).bits, df.iinfo(i).min) == (32, -(2**63))
    for wrong in (lambda: df.finfo(i), lambda: df.iinfo(x), df.result_type):
        with pytest.raises(DTypeError, match=r"test_array_api\.py"):
            wrong()


def test_bfloat16_has_its_limits() -> None:
    """The same questions are answered of bfloat16, where ml_dtypes is installed."""
    pytest.importorskip("ml_dtypes")
    x = df.GraphBuilder().zeros(2, "bfloat16")
    assert df.result_type(x, 1.0) == x.dtype
    assert df.result_type(x, "float16") == np.float32
    assert df.isdtype(x.dtype, "real floating")
    assert df.finfo(x).bits == 16


def test_the_namespace_tells_of_itself() -> None:
    """A tensor names its namespace, which says what it can do and which dtypes it has."""
    x = df.GraphBuilder().zeros(2)
    assert x.__array_namespace__(api_version="2024.12") is df
    with pytest.raises(GraphError, match="no version '1999'"):
        x.__array_namespace__(api_version="1999")
    info = df.__array_namespace_info__()
    assert info.capabilities()["data-dependent shapes"] is False
    assert sorted(info.dtypes()) == sorted(standard.DTYPES)
    assert list(info.dtypes(kind="bool")) == ["bool"]


# Methods


METHODS: dict[str, Callable[[Any], Any]] = {
    "mT": lambda t: t.mT, "T": lambda t: t.T, "sum": lambda t: t.sum(0), "mean": lambda t: t.mean(),
    "ravel": lambda t: t.ravel(), "flatten": lambda t: t.flatten(), "real": lambda t: t.real,
    "imag": lambda t: t.imag, "conj": lambda t: t.conj(), "copy": lambda t: t.copy(),
    "clip": lambda t: t.clip(0, 1), "round": lambda t: t.round(1),
    "repeat": lambda t: t.repeat(2, axis=1), "swapaxes": lambda t: t.swapaxes(0, 1),
    "diagonal": lambda t: t.diagonal(1), "trace": lambda t: t.trace(), "dot": lambda t: t.dot(X.T),
    "take": lambda t: t.take([0, 1], axis=1), "reshape": lambda t: t.reshape(4, 3),
    "astype": lambda t: t.astype(np.float32, copy=False), "max": lambda t: t.max(axis=0),
    "nbytes": lambda t: np.asarray(t.nbytes) if isinstance(t, np.ndarray) else t.size() * 8,
}  # fmt: skip


@pytest.mark.parametrize("call", METHODS)
def test_methods_are_numpys(call: str) -> None:
    """A tensor's methods and attributes give what an array's give."""
    value, expected = df.evaluate(METHODS[call](df.GraphBuilder().constant(X))), METHODS[call](X)
    assert (value.shape, value.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(value, expected, rtol=1e-13)


def test_methods_of_pytorch_are_here() -> None:
    """view, permute, unsqueeze, contiguous and flatten between axes are as PyTorch has them."""
    t = df.GraphBuilder().zeros((2, 3, 4))
    assert t[:, :1].expand(5, -1, 3, -1).shape == (5, 2, 3, 4)
    shapes = [t.view(6, 4), t.permute(2, 0, 1), t.unsqueeze(0), t.contiguous(), t.flatten(1)]
    assert [s.shape for s in shapes] == [(6, 4), (4, 2, 3), (1, 2, 3, 4), (2, 3, 4), (2, 12)]
    assert (t.itemsize, t.nbytes) == (4, 96)
    with pytest.raises(ShapeError):
        df.GraphBuilder().input("x", ("n",)).nbytes  # noqa: B018 - it raises


@pytest.mark.parametrize("method", ["item", "tolist", "numpy", "__dlpack__", "__dlpack_device__"])
def test_methods_that_need_values_say_what_to_do(method: str) -> None:
    """What needs a value raises with the remedy."""
    with pytest.raises(DTypeError, match=r"test_array_api\.py.*df\.evaluate"):
        getattr(df.GraphBuilder().zeros(2), method)()


def test_in_place_operators_bind_another_tensor() -> None:
    """``t += 1`` declares a node; whoever holds the old tensor keeps it."""
    t = old = df.GraphBuilder().constant(X)
    t += 1
    t *= 2
    t **= 2
    t @= X.T
    assert t is not old
    np.testing.assert_allclose(df.evaluate(t), ((X + 1) * 2) ** 2 @ X.T)
    assert df.evaluate(old).tolist() == X.tolist()


# NumPy's protocols


def test_agreement_is_a_tensor() -> None:
    """Whether two tensors agree is known when the plan runs, or at once where shapes decide."""
    b = df.GraphBuilder()
    x, y = b.constant([1.0, np.nan]), b.constant([[1.0, np.nan]])
    made: list[Any] = [
        np.array_equal(x, x), np.array_equal(x, x, equal_nan=True), np.array_equal(x, y),
        np.array_equiv(x[:1], y[:, :1]), np.array_equiv(x, np.ones(3)),
        np.allclose(x, x), np.allclose(x, x + 1e-9, equal_nan=True),
    ]  # fmt: skip
    found = [bool(value) for value in df.evaluate(*made)]
    assert found == [False, True, False, True, False, False, True]
    assert (np.iscomplexobj(x), np.isrealobj(x), df.iscomplexobj(1j)) == (False, True, True)


def dispatched() -> list[str]:
    """Return the names of ours that are also NumPy's, of a function that asks its arguments."""
    asks = type(np.sum)  # what NumPy makes of functions that do
    return sorted(n for n in FUNCTIONS if isinstance(getattr(np, n, None), (np.ufunc, asks)))


@pytest.mark.parametrize("name", dispatched())
def test_numpys_functions_are_answered(name: str) -> None:
    """Where we have a function of NumPy's name, calling NumPy's on a tensor calls it."""
    assert (find_numpy_function(getattr(np, name)) is not None) == (name not in OTHERWISE)
