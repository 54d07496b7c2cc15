"""PyTorch's methods that are functions of the same name, or casts, a line each.

``t.sin()`` is ``df.sin(t)``, and ``t.float()`` is ``t.astype("float32")``. Those whose arguments
differ from the function's are in `methods`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.dispatch import find_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.tensor import Tensor

__all__ = ["PyTorchMethods"]


def _method(name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: object, **options: object) -> Any:  # noqa: ANN401 - the function's
        return find_function(name)(self, *args, **options)

    method.__name__ = name
    method.__qualname__ = f"Tensor.{name}"
    method.__doc__ = f"Return what the function of this name does; see `dataflow.{name}`."
    return method


def _cast(name: str, dtype: str) -> Callable[[Any], Tensor]:
    def method(self: Tensor) -> Tensor:
        return self.astype(dtype)

    method.__name__ = name
    method.__qualname__ = f"Tensor.{name}"
    method.__doc__ = f"Return the values as {dtype}; see `dataflow.astype`."
    return method


class PyTorchMethods:
    """The methods; `Tensor` has them."""

    __slots__ = ()

    relu = _method("relu")
    sigmoid = _method("sigmoid")
    tanh = _method("tanh")
    sin = _method("sin")
    cos = _method("cos")
    tan = _method("tan")
    asin = _method("asin")
    acos = _method("acos")
    atan = _method("atan")
    sinh = _method("sinh")
    cosh = _method("cosh")
    asinh = _method("asinh")
    acosh = _method("acosh")
    atanh = _method("atanh")
    log1p = _method("log1p")
    log2 = _method("log2")
    log10 = _method("log10")
    expm1 = _method("expm1")
    exp2 = _method("exp2")
    erf = _method("erf")
    erfc = _method("erfc")
    lgamma = _method("lgamma")
    digamma = _method("digamma")
    floor = _method("floor")
    ceil = _method("ceil")
    trunc = _method("trunc")
    frac = _method("frac")
    sign = _method("sign")
    square = _method("square")
    rsqrt = _method("rsqrt")
    reciprocal = _method("reciprocal")
    neg = _method("neg")
    isnan = _method("isnan")
    isinf = _method("isinf")
    isfinite = _method("isfinite")
    add = _method("add")
    sub = _method("sub")
    mul = _method("mul")
    div = _method("div")
    fmod = _method("fmod")
    remainder = _method("remainder")
    atan2 = _method("atan2")
    hypot = _method("hypot")
    maximum = _method("maximum")
    minimum = _method("minimum")
    lerp = _method("lerp")
    eq = _method("eq")
    ne = _method("ne")
    lt = _method("lt")
    le = _method("le")
    gt = _method("gt")
    ge = _method("ge")
    mm = _method("mm")
    bmm = _method("bmm")
    mv = _method("mv")
    outer = _method("outer")
    amax = _method("amax")
    amin = _method("amin")
    count_nonzero = _method("count_nonzero")
    nansum = _method("nansum")
    nanmean = _method("nanmean")
    logsumexp = _method("logsumexp")
    log_softmax = _method("log_softmax")
    cummax = _method("cummax")
    cummin = _method("cummin")
    logcumsumexp = _method("logcumsumexp")
    diff = _method("diff")
    topk = _method("topk")
    flip = _method("flip")
    fliplr = _method("fliplr")
    flipud = _method("flipud")
    roll = _method("roll")
    tile = _method("tile")
    movedim = _method("movedim")
    unbind = _method("unbind")
    unflatten = _method("unflatten")
    chunk = _method("chunk")
    narrow = _method("narrow")
    repeat_interleave = _method("repeat_interleave")
    tril = _method("tril")
    triu = _method("triu")
    gather = _method("gather")
    scatter = _method("scatter")
    scatter_add = _method("scatter_add")
    index_select = _method("index_select")
    index_add = _method("index_add")
    index_copy = _method("index_copy")
    index_fill = _method("index_fill")
    float = _cast("float", "float32")
    double = _cast("double", "float64")
    half = _cast("half", "float16")
    bfloat16 = _cast("bfloat16", "bfloat16")
    int = _cast("int", "int32")
    long = _cast("long", "int64")
    short = _cast("short", "int16")
    bool = _cast("bool", "bool")
