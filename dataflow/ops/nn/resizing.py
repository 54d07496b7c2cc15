"""Images made larger or smaller: `interpolate` and the pools that ask for a size, axis by axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.nn.resampling import resampled
from dataflow.source import user_line
from dataflow.spec import as_shape, shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike, Shape
    from dataflow.tensor import Tensor

__all__ = ["interpolate"]

_MODES = {
    "nearest": "nearest", "nearest-exact": "nearest-exact", "area": "area", "linear": "linear",
    "bilinear": "linear", "trilinear": "linear", "cubic": "cubic", "bicubic": "cubic",
}  # fmt: skip
_AXES = {"bilinear": 2, "trilinear": 3, "bicubic": 2}


@public(family="nn")
def interpolate(
    x: Tensor, size: DimLike | Sequence[DimLike] | None = None,
    scale_factor: float | Sequence[float] | None = None, mode: str = "nearest",
    align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:  # fmt: skip
    """Return sequences, images or volumes of another size.

    Parameters
    ----------
    x : Tensor
        Of shape (examples, channels, ...) with one or more spatial axes, which are resized one by
        one. Floats or complex numbers; nearest elements are taken of any dtype.
    size : int or sequence of int, optional
        The lengths of the spatial axes, the same for all or one for each.
    scale_factor : float or sequence of float, optional
        By how much they become longer, in the place of `size`; rounded down.
    mode : str
        ``"nearest"`` (of a pixel's corner), ``"nearest-exact"`` (of its middle), ``"linear"``,
        ``"cubic"``, or ``"area"``, the mean of what a pixel covers. ``"bilinear"`` and
        ``"bicubic"`` of two axes, and ``"trilinear"`` of three, are the same.
    align_corners : bool, optional
        Whether the middles of the corner elements stay in place, not the outer edges (linear and
        cubic only).
    recompute_scale_factor : bool, optional
        Whether places follow from the lengths, not from `scale_factor`.
    antialias : bool
        Whether axes that get shorter are smoothed, so that every element counts (linear and cubic
        only).

    Returns
    -------
    Tensor
        As `x`, of the size asked for; PyTorch's values. A NaN reaches only what it is a part of.

    Raises
    ------
    ShapeError
        Neither or both of `size` and `scale_factor` are given or there isn't one for each axis, an
        axis has or would have no elements, or a mode doesn't fit the other arguments.
    DTypeError
        Integers are to be averaged.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> df.evaluate(df.nn.interpolate(x, size=(2, 4), mode="bilinear"))
    array([[[[1.  , 1.25, 1.75, 2.  ],
             [3.  , 3.25, 3.75, 4.  ]]]], dtype=float32)
    """
    axes = x.ndim - 2
    kind = _checked_mode(x, mode, axes, align_corners, antialias)
    factors = _factors(scale_factor, axes)
    sizes = _sizes(x, size, factors, axes)
    keeps = bool(recompute_scale_factor) or not factors or kind == "area"
    for i, length in enumerate(sizes):
        factor = 0.0 if keeps else factors[i]
        if length != x.shape[2 + i] or factor not in (0.0, 1.0):
            x = resampled(x, 2 + i, length, kind, factor=factor,
                          align_corners=bool(align_corners), antialias=antialias)  # fmt: skip
    return x


def _refuse(what: str) -> NoReturn:
    msg = f"interpolate ({user_line()}): {what}"
    raise ShapeError(msg)


def _checked_mode(
    x: Tensor, mode: str, axes: int, align_corners: bool | None, antialias: bool
) -> str:
    """Return the mode of one axis; refuse what the tensor or the other arguments don't allow."""
    if not isinstance(mode, str) or mode not in _MODES:
        _refuse(f"mode {mode!r} is none of {', '.join(_MODES)}")
    if axes < 1:
        _refuse(f"x needs examples, channels and spatial axes, and is {shape_text(x.shape)}")
    if _AXES.get(mode, axes) != axes:
        _refuse(f"mode {mode!r} is of {_AXES[mode]} spatial axes, and there are {axes}")
    kind = _MODES[mode]
    if kind not in ("linear", "cubic") and (align_corners is not None or antialias):
        _refuse(f"align_corners and antialias are of linear and cubic modes, not of {mode!r}")
    if not x.spec.is_float and not kind.startswith("nearest"):
        msg = f"interpolate ({user_line()}) of {x.spec}: use .astype('float32') before"
        raise DTypeError(msg)
    return kind


def _factors(scale_factor: float | Sequence[float] | None, axes: int) -> tuple[float, ...]:
    """Return a factor for each axis; none where none are given."""
    if scale_factor is None:
        return ()
    given = tuple(scale_factor) if isinstance(scale_factor, Sequence) else (scale_factor,) * axes
    if len(given) != axes or not all(
        isinstance(f, (int, float)) and not isinstance(f, bool) and 0 < f < 2**31 for f in given
    ):
        _refuse(f"scale_factor is a number above 0, or {axes} of them, not {scale_factor!r}")
    return tuple(map(float, given))


def _sizes(
    x: Tensor, size: DimLike | Sequence[DimLike] | None, factors: Sequence[float], axes: int
) -> Shape:
    """Return the lengths that the spatial axes are to have."""
    if (size is None) == (not factors):
        _refuse("give size or scale_factor, one of them")
    if size is None:
        made = tuple(map(_scaled, x.shape[2:], factors))
    else:
        each = isinstance(size, Sequence) and not isinstance(size, str)
        made = as_shape(size) if each else as_shape(size) * axes
    if len(made) != axes:
        _refuse(f"size is one length, or {axes} of them, not {size!r}")
    if any(length == 0 for length in (*made, *x.shape[2:])):
        _refuse(f"spatial axes {shape_text(x.shape[2:])} can't become {shape_text(made)}: there "
                "must be elements on both sides")  # fmt: skip
    return made


def _scaled(length: int | Dim, factor: float) -> int | Dim:
    if isinstance(length, int):
        return int(length * factor)
    if not factor.is_integer():
        _refuse(f"an axis of length {length} can't be {factor} times as long: give a whole factor, "
                "or the size")  # fmt: skip
    return length * int(factor)
