"""Einstein's summation as text: which label stands for which axis of which operand.

A label is a letter, or for an axis under an ellipsis its place from the end: ``...ij`` of a tensor
with four axes is ``.2 .1 i j``. So axes under ellipses line up as broadcasting has them, and what
follows knows of labels only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import ascii_letters
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

from dataflow.errors import ShapeError
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Dim, Shape

__all__ = ["Labels", "Subscripts", "as_subscripts", "lengths_of", "split_operands", "text_of"]

Labels: TypeAlias = tuple[str, ...]
_ELLIPSIS = "..."
_SYMBOLS = "".join(sorted(ascii_letters))  # so that their order is that of the numbers they are for


class Subscripts(NamedTuple):
    """The labels of every operand's axes, and of the result's."""

    inputs: tuple[Labels, ...]
    output: Labels


def split_operands(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the subscripts and the tensors, from either of the two ways to write them.

    These are ``"ij,jk->ik", a, b`` and ``a, [0, 1], b, [1, 2], [0, 2]``.
    """
    if not operands:
        _refuse("needs subscripts and operands")
    if isinstance(operands[0], str):
        return operands[0], list(operands[1:])
    count = len(operands) // 2
    tensors, lists = list(operands[0 : 2 * count : 2]), operands[1 : 2 * count : 2]
    text = ",".join(map(_letters, lists))
    return (f"{text}->{_letters(operands[-1])}" if len(operands) % 2 else text), tensors


def _letters(places: Any) -> str:  # noqa: ANN401 - checked here
    """Return the letters for a list of numbers and at most one ellipsis."""
    if not isinstance(places, Sequence) or isinstance(places, str):
        _refuse(f"a list of labels is a list of ints, not {places!r}")
    return "".join(_letter(place) for place in places)


def _letter(place: Any) -> str:  # noqa: ANN401 - checked here
    if place is Ellipsis:
        return _ELLIPSIS
    if not hasattr(place, "__index__") or not 0 <= place.__index__() < len(_SYMBOLS):
        _refuse(f"a label is an int below {len(_SYMBOLS)} or an ellipsis, not {place!r}")
    return _SYMBOLS[place.__index__()]


def as_subscripts(text: str, ndims: Sequence[int]) -> Subscripts:
    """Read subscripts for operands of so many axes.

    Raises
    ------
    ShapeError
        They are malformed, or there are more or fewer of them than operands or axes.
    """
    text = text.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        _refuse(f"{text!r} has subscripts for {len(terms)} operands, and there are {len(ndims)}")
    inputs = tuple(_labels(term, ndim) for term, ndim in zip(terms, ndims, strict=True))
    hidden = max(([x for x in labels if x[0] == "."] for labels in inputs), key=len)
    if not arrow:
        counts = Counter(x for labels in inputs for x in labels if x[0] != ".")
        once = sorted(x for x, count in counts.items() if count == 1)
        return Subscripts(inputs, (*hidden, *once))
    return Subscripts(inputs, _output(text, right, inputs, hidden))


def _labels(term: str, ndim: int) -> Labels:
    """Return the labels of one operand's axes."""
    before, dots, after = term.partition(_ELLIPSIS)
    letters = before + after
    if not all(x in _SYMBOLS for x in letters):
        _refuse(f"subscripts are letters and at most one ellipsis an operand, not {term!r}")
    hidden = ndim - len(letters)
    if hidden < 0 or (hidden and not dots):
        _refuse(f"{term!r} has labels for {len(letters)} axes, and the operand has {ndim}")
    return (*before, *(f".{k}" for k in range(hidden, 0, -1)), *after)


def _output(text: str, right: str, inputs: Sequence[Labels], hidden: Sequence[str]) -> Labels:
    """Return the labels of the result, written after the arrow."""
    before, dots, after = right.partition(_ELLIPSIS)
    known = {x for labels in inputs for x in labels}
    for x in before + after:
        if x not in known or right.count(x) > 1:
            _refuse(f"{text!r}: {x!r} must be a label of an operand, once in the result")
    if hidden and not dots:
        _refuse(f"{text!r} has an ellipsis in an operand, so it needs one in the result")
    return (*before, *hidden, *after)


def lengths_of(inputs: Sequence[Labels], shapes: Sequence[Shape]) -> dict[str, int | Dim]:
    """Return every label's length: that of all its axes, but for those of length 1.

    Raises
    ------
    ShapeError
        Two axes of one label have other lengths, and neither is 1.
    """
    lengths: dict[str, int | Dim] = {}
    for labels, shape in zip(inputs, shapes, strict=True):
        for x, dim in zip(labels, shape, strict=True):
            known = lengths.get(x, 1)
            if known != 1 and dim not in (1, known):
                name = f"label {x!r}" if x[0] != "." else "an axis under an ellipsis"
                _refuse(f"{name} stands for {known} and for {dim} elements")
            lengths[x] = dim if known == 1 else known
    return lengths


def text_of(subscripts: Subscripts) -> str:
    """Return the subscripts with letters in place of ellipses."""
    used = {x for labels in subscripts.inputs for x in labels}
    hidden = sorted((x for x in used if x[0] == "."), key=lambda x: int(x[1:]))
    free = [x for x in _SYMBOLS if x not in used]
    if len(hidden) > len(free):
        _refuse(f"takes at most {len(_SYMBOLS)} labels in all, axes under ellipses among them")
    letters = {x: x for x in used} | dict(zip(hidden, free, strict=False))
    terms = ["".join(letters[x] for x in labels) for labels in subscripts.inputs]
    return f"{','.join(terms)}->{''.join(letters[x] for x in subscripts.output)}"


def _refuse(why: str) -> NoReturn:
    msg = f"einsum ({user_line()}): {why}"
    raise ShapeError(msg)
