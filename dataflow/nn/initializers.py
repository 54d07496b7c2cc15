"""Initialisers: what a layer's weights are before training, as small constant sub-graphs.

An initialiser is called with a builder, a shape and a dtype, and declares a few nodes: a keyed draw
and its scale. So a graph file holds eight bytes of key, not a million weights, and training starts
from the same numbers everywhere. How wide a draw is follows from the numbers of inputs and outputs
of one unit, the *fans*: one axis of a weight counts inputs, one outputs, and all others (the places
of a convolution's kernel) multiply both. A dense layer's weights are ``(inputs, outputs)``, the
default; a convolution's are ``(outputs, inputs, ...)`` and say so by `in_axis` and `out_axis`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from dataflow.dispatch import FUNCTIONS, find_function
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.random.quantiles import normal_quantile
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import as_dtype, as_shape, is_bfloat16, shape_text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.tensor import Tensor

__all__ = [
    "Initializer", "InitializerLike", "Weights", "calculate_gain", "constant", "dirac",
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "initial_value",
    "kaiming_normal", "kaiming_uniform", "lecun_normal", "lecun_uniform", "normal", "ones",
    "orthogonal", "trunc_normal", "truncated_normal", "uniform", "xavier_normal",
    "xavier_uniform", "zeros",
]  # fmt: skip


@dataclass(frozen=True)
class Weights:
    """The weights that an initialiser is asked for.

    Parameters
    ----------
    builder : GraphBuilder
        The graph that they are declared in.
    shape : tuple of int
        Their shape.
    dtype : dtype
        Their dtype, real floating point.
    in_axis, out_axis : int
        The axes that count the inputs and the outputs of a unit.
    """

    builder: Any
    shape: tuple[int, ...]
    dtype: object
    in_axis: int = -2
    out_axis: int = -1

    def fan(self, mode: str) -> float:
        """Return a unit's inputs, outputs, or the mean of both; at least 1."""
        if len(self.shape) < 2:
            msg = (f"weights {shape_text(self.shape)} ({user_line()}) have no axes of inputs and "
                   "of outputs: take an initialiser that doesn't count them")  # fmt: skip
            raise ShapeError(msg)
        axes = [normal_axis(axis, len(self.shape)) for axis in (self.in_axis, self.out_axis)]
        places = math.prod(n for axis, n in enumerate(self.shape) if axis not in axes)
        inputs, outputs = (places * self.shape[axis] for axis in axes)
        found = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}
        return max(found[mode], 1)


@dataclass(frozen=True)
class Initializer:
    """What weights are at first; the functions of this module make them.

    Parameters
    ----------
    name : str
        The function that made it, with its arguments.
    rule : callable
        Declares the `Weights` it is given.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> df.nn.initializers.xavier_uniform()
    xavier_uniform(gain=1.0)
    >>> b.variable("w", df.nn.initializers.xavier_uniform()(b, (2, 3))).shape
    (2, 3)
    """

    name: str
    rule: Callable[[Weights], Tensor] = field(compare=False)

    def __repr__(self) -> str:
        return self.name

    def __call__(
        self, builder: Any, shape: int | Sequence[int], dtype: object = "float32",  # noqa: ANN401
        *, in_axis: int = -2, out_axis: int = -1,
    ) -> Tensor:  # fmt: skip
        """Declare weights.

        Parameters
        ----------
        builder : GraphBuilder
            The graph to declare them in.
        shape : int or sequence of int
            Their shape, of known lengths.
        dtype : dtype
            Real floating point.
        in_axis, out_axis : int
            The axes that count the inputs and the outputs of a unit.

        Raises
        ------
        ShapeError
            A length isn't known, or there are too few axes for this initialiser.
        """
        lengths = as_shape(shape)
        known = tuple(n for n in lengths if isinstance(n, int))
        if known != lengths:
            msg = f"{self.name} ({user_line()}) of {shape_text(lengths)}: lengths must be known"
            raise ShapeError(msg)
        return self.rule(Weights(builder, known, dtype, in_axis, out_axis))


InitializerLike: TypeAlias = "Initializer | str | ArrayLike | Callable[..., Tensor]"
"""An initialiser, its name, weights as an array, or a function of builder, shape and dtype."""


def initial_value(initializer: InitializerLike, weights: Weights) -> Tensor:
    """Return a layer's first weights from what its caller gave as an initialiser.

    Raises
    ------
    GraphError
        It is a name that isn't known.
    ShapeError
        It gives weights of another shape.
    """
    builder, shape, dtype = weights.builder, weights.shape, weights.dtype
    if is_bfloat16(as_dtype(dtype)):  # drawn in float32, and rounded
        weights = replace(weights, dtype="float32")
    if isinstance(initializer, str):
        initializer = named(initializer)
    if isinstance(initializer, Initializer):
        made = initializer.rule(weights)
    elif callable(initializer):
        made = initializer(builder, shape, weights.dtype)
    else:
        made = builder.constant(initializer, dtype=dtype)
    if made.shape != shape:
        msg = (f"an initialiser ({user_line()}) gives weights {shape_text(made.shape)}, not "
               f"{shape_text(shape)}")  # fmt: skip
        raise ShapeError(msg)
    return FUNCTIONS["astype"](made, dtype)  # type: ignore[no-any-return]


def named(name: str) -> Initializer:
    """Return the initialiser of this name, as its function makes it by default."""
    if name not in _NAMED:
        msg = f"initialiser {name!r} ({user_line()}) is none of {', '.join(_NAMED)}"
        raise GraphError(msg)
    return _NAMED[name]()


def _made(name: str, rule: Callable[..., Tensor], **numbers: float) -> Initializer:
    """Return an initialiser, of a rule and the numbers that it is called with."""
    for argument, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            msg = f"{name} ({user_line()}): {argument} is a number, not {value!r}"
            raise GraphError(msg)
    shown = ", ".join(f"{argument}={value!r}" for argument, value in numbers.items())
    return Initializer(f"{name}({shown})", partial(rule, **numbers))


# Of one value


def zeros() -> Initializer:
    """Return the initialiser of zeros."""
    return _made("zeros", partial(_filled, value=0))


def ones() -> Initializer:
    """Return the initialiser of ones."""
    return _made("ones", partial(_filled, value=1))


def constant(value: float) -> Initializer:
    """Return the initialiser of one value."""
    return _made("constant", _filled, value=value)


def _filled(weights: Weights, value: float) -> Tensor:
    return weights.builder.full(weights.shape, value, weights.dtype)  # type: ignore[no-any-return]


# Draws of a given width


def uniform(low: float = 0.0, high: float = 1.0) -> Initializer:
    """Return the initialiser of uniform draws from [low, high)."""
    return _made("uniform", _uniform, low=low, high=high)


def normal(mean: float = 0.0, std: float = 1.0) -> Initializer:
    """Return the initialiser of normal draws."""
    return _made("normal", _normal, mean=mean, std=std)


def truncated_normal(
    mean: float = 0.0, std: float = 1.0, lower: float = -2.0, upper: float = 2.0
) -> Initializer:
    """Return the initialiser of normal draws that lie between two bounds.

    Parameters
    ----------
    mean, std : float
        Those of the normal distribution that is cut; what is left spreads less.
    lower, upper : float
        The bounds, in standard deviations from the mean, as JAX and Keras have them; see
        `trunc_normal` for PyTorch's.

    Raises
    ------
    GraphError
        Nothing lies between the bounds.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.truncated_normal(std=0.1)(df.GraphBuilder(), (100,))
    >>> bool(abs(df.evaluate(weights)).max() <= 0.2)
    True
    """
    made = _made("truncated_normal", _truncated, mean=mean, std=std, lower=lower, upper=upper)
    _check_bounds("truncated_normal", lower, upper)
    return made


def trunc_normal(
    mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> Initializer:
    """Return the initialiser of normal draws from `a` to `b`, as PyTorch has it.

    Parameters
    ----------
    mean, std : float
        Those of the normal distribution that is cut.
    a, b : float
        The bounds themselves; see `truncated_normal` for bounds in standard deviations.

    Raises
    ------
    GraphError
        Nothing lies between the bounds, or the standard deviation isn't above 0.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.trunc_normal(std=5.0)(df.GraphBuilder(), (100,))
    >>> bool(abs(df.evaluate(weights)).max() <= 2)
    True
    """
    made = _made("trunc_normal", _cut, mean=mean, std=std, a=a, b=b)
    _check_bounds("trunc_normal", a, b)
    if not std > 0:
        msg = f"trunc_normal ({user_line()}): std is a number above 0, not {std!r}"
        raise GraphError(msg)
    return made


def _check_bounds(name: str, low: float, high: float) -> None:
    if not low < high:
        msg = f"{name} ({user_line()}): nothing lies between {low} and {high}"
        raise GraphError(msg)


def _cut(weights: Weights, mean: float, std: float, a: float, b: float) -> Tensor:
    return _truncated(weights, mean, std, (a - mean) / std, (b - mean) / std)


def _truncated(weights: Weights, mean: float, std: float, lower: float, upper: float) -> Tensor:
    """Draw probabilities between those of the bounds; far above 0 they are those of -x."""
    sign = -1 if lower > 0 else 1
    low, high = sorted((sign * lower, sign * upper))
    first, last = (math.erfc(-bound / math.sqrt(2)) / 2 for bound in (low, high))
    units: Tensor = weights.builder.rand(weights.shape, "float64")
    draws = FUNCTIONS["clip"](normal_quantile(units * (last - first) + first), low, high)
    return FUNCTIONS["astype"](draws * (sign * std) + mean, weights.dtype)  # type: ignore[no-any-return]


def _uniform(weights: Weights, low: float, high: float) -> Tensor:
    draws: Tensor = weights.builder.rand(weights.shape, weights.dtype)
    return draws * (high - low) + low


def _normal(weights: Weights, mean: float, std: float) -> Tensor:
    draws: Tensor = weights.builder.randn(weights.shape, weights.dtype) * std
    return draws + mean if mean else draws


# Draws as wide as the fans ask for


def xavier_uniform(gain: float = 1.0) -> Initializer:
    """Return Xavier Glorot's initialiser: variance ``gain² / mean of the fans``, uniform.

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 16.
    """
    return _made("xavier_uniform", partial(_uniform_by, mode="fan_avg"), gain=gain)


def xavier_normal(gain: float = 1.0) -> Initializer:
    """Return Xavier Glorot's initialiser with normal draws; see `xavier_uniform`."""
    return _made("xavier_normal", partial(_normal_by, mode="fan_avg"), gain=gain)


def kaiming_uniform(
    a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Initializer:
    """Return Kaiming He's initialiser: variance ``gain² / fan``, uniform.

    Parameters
    ----------
    a : float
        The slope below 0 of the leaky ReLU that follows.
    mode : {"fan_in", "fan_out", "fan_avg"}
        Which fan: inputs keep the variance of values, outputs that of gradients.
    nonlinearity : str
        What follows, whose gain `calculate_gain` gives.

    References
    ----------
    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.
    """
    return _kaiming("kaiming_uniform", _uniform_by, a, mode, nonlinearity)


def kaiming_normal(
    a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Initializer:
    """Return Kaiming He's initialiser with normal draws; see `kaiming_uniform`."""
    return _kaiming("kaiming_normal", _normal_by, a, mode, nonlinearity)


def lecun_uniform() -> Initializer:
    """Return LeCun's initialiser: variance ``1 / inputs``, uniform.

    References
    ----------
    LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, equation 16.
    """
    return _made("lecun_uniform", partial(_uniform_by, mode="fan_in", gain=1.0))


def lecun_normal() -> Initializer:
    """Return LeCun's initialiser with normal draws; see `lecun_uniform`."""
    return _made("lecun_normal", partial(_normal_by, mode="fan_in", gain=1.0))


glorot_normal, glorot_uniform = xavier_normal, xavier_uniform  # Keras's and JAX's names
he_normal, he_uniform = kaiming_normal, kaiming_uniform


def _kaiming(
    name: str, rule: Callable[..., Tensor], a: float, mode: str, nonlinearity: str
) -> Initializer:
    if mode not in ("fan_in", "fan_out", "fan_avg"):
        msg = f"{name} ({user_line()}): mode is fan_in, fan_out or fan_avg, not {mode!r}"
        raise GraphError(msg)
    gain = calculate_gain(nonlinearity, a if nonlinearity == "leaky_relu" else None)
    return _made(name, partial(rule, mode=mode), gain=gain)


def _uniform_by(weights: Weights, gain: float, mode: str) -> Tensor:
    limit = gain * math.sqrt(3 / weights.fan(mode))
    return _uniform(weights, -limit, limit)


def _normal_by(weights: Weights, gain: float, mode: str) -> Tensor:
    return _normal(weights, 0, gain / math.sqrt(weights.fan(mode)))


_GAINS = {
    "linear": 1.0, "identity": 1.0, "sigmoid": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0,
    "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return what a nonlinearity asks weights to be scaled by, as PyTorch has it.

    Parameters
    ----------
    nonlinearity : str
        ``"linear"``, ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"``, ``"selu"``.
    param : float, optional
        The slope of the leaky ReLU below 0, by default 0.01.

    Raises
    ------
    GraphError
        The nonlinearity isn't known, or the slope is no number.

    Examples
    --------
    >>> calculate_gain("leaky_relu", 0.0) == 2**0.5
    True
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            msg = f"calculate_gain ({user_line()}): the slope is a number, not {param!r}"
            raise GraphError(msg)
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        msg = (f"calculate_gain ({user_line()}): {nonlinearity!r} is none of "
               f"{', '.join((*_GAINS, 'leaky_relu'))}")  # fmt: skip
        raise GraphError(msg)
    return _GAINS[nonlinearity]


# Weights that keep what they are given


def identity(gain: float = 1.0) -> Initializer:
    """Return the initialiser of matrices that are `gain` on the diagonal and 0 elsewhere."""
    return _made("identity", _identity, gain=gain)


def dirac(groups: int = 1) -> Initializer:
    """Return the initialiser of convolutions that give back as many inputs as they can.

    A kernel is 1 in the middle, for the input of its own number within its group.

    Parameters
    ----------
    groups : int
        The groups that the outputs are divided into.
    """
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        msg = f"dirac ({user_line()}): groups is an int of 1 or more, not {groups!r}"
        raise GraphError(msg)
    return _made("dirac", _dirac, groups=groups)


def orthogonal(gain: float = 1.0) -> Initializer:
    """Return the initialiser of matrices with orthonormal columns or rows, times `gain`.

    The weights of a unit, all of them along one axis, are one of the vectors that are
    orthogonal. Every such matrix is as likely as any other.

    References
    ----------
    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks", ICLR 2014; Mezzadri, "How to generate random matrices from the
    classical compact groups", Notices of the AMS 54 (2007), for the signs.

    Examples
    --------
    >>> import dataflow as df
    >>> q = df.nn.orthogonal()(df.GraphBuilder(), (5, 3), "float64")
    >>> abs(df.evaluate(q.mT @ q)).round(6)
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    return _made("orthogonal", _orthogonal, gain=gain)


def _orthogonal(weights: Weights, gain: float) -> Tensor:
    ndim = len(weights.shape)
    if ndim < 2:
        msg = f"orthogonal ({user_line()}) of {shape_text(weights.shape)}: there must be 2 axes"
        raise ShapeError(msg)
    place = normal_axis(weights.out_axis, ndim)
    units = weights.shape[place]
    others = [n for axis, n in enumerate(weights.shape) if axis != place]
    inputs = math.prod(others)
    tall = (max(units, inputs), min(units, inputs))
    q, r = find_function("linalg.qr")(weights.builder.randn(tall, "float64"))
    signed = q * (FUNCTIONS["where"](FUNCTIONS["diagonal"](r) < 0, -1.0, 1.0) * gain)
    columns = FUNCTIONS["reshape"](signed if inputs >= units else signed.mT, (*others, units))
    moved = FUNCTIONS["moveaxis"](columns, -1, place)
    return FUNCTIONS["astype"](moved, weights.dtype)  # type: ignore[no-any-return]


def _identity(weights: Weights, gain: float) -> Tensor:
    if len(weights.shape) != 2:
        msg = f"identity ({user_line()}) of {shape_text(weights.shape)}: there must be 2 axes"
        raise ShapeError(msg)
    rows, columns = (_indices(weights, axis) for axis in range(2))
    return FUNCTIONS["astype"](rows == columns, weights.dtype) * gain  # type: ignore[no-any-return]


def _dirac(weights: Weights, groups: int) -> Tensor:
    ndim = len(weights.shape)
    if ndim < 3:
        msg = f"dirac ({user_line()}) of {shape_text(weights.shape)}: there must be 3 axes or more"
        raise ShapeError(msg)
    axes = [normal_axis(axis, ndim) for axis in (weights.in_axis, weights.out_axis)]
    if weights.shape[axes[1]] % groups:
        msg = f"dirac ({user_line()}): {groups} groups don't divide {weights.shape[axes[1]]}"
        raise ShapeError(msg)
    inputs, outputs = (_indices(weights, axis) for axis in axes)
    chosen = outputs % max(weights.shape[axes[1]] // groups, 1) == inputs
    for axis in (i for i in range(ndim) if i not in axes):
        chosen = chosen & (_indices(weights, axis) == weights.shape[axis] // 2)
    return FUNCTIONS["astype"](chosen, weights.dtype)  # type: ignore[no-any-return]


def _indices(weights: Weights, axis: int) -> Tensor:
    """Return 0, 1, and so on along an axis, broadcasting along the others."""
    count = weights.shape[axis]
    shape = [count if i == axis else 1 for i in range(len(weights.shape))]
    return FUNCTIONS["reshape"](weights.builder.arange(count), shape)  # type: ignore[no-any-return]


_NAMED: dict[str, Callable[[], Initializer]] = {
    made.__name__: made
    for made in (zeros, ones, uniform, normal, truncated_normal, trunc_normal, xavier_uniform,
                 xavier_normal, kaiming_uniform, kaiming_normal, lecun_uniform, lecun_normal,
                 orthogonal, identity, dirac)
} | {
    "glorot_normal": glorot_normal, "glorot_uniform": glorot_uniform, "he_normal": he_normal,
    "he_uniform": he_uniform,
}  # fmt: skip
