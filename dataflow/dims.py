"""Dimensions: non-negative integers, or expressions of names and integers.

A shape may name a dimension (``"batch"``) whose size is bound when the graph is compiled. The
arithmetic that shape rules need (sum, product, floor division, maximum) gives expressions again.
An expression is kept as a polynomial in canonical form, so two dimensions are the same exactly
when they compare equal, and the text of one is the same in every process:

    2*batch + 1   =   {(batch,): 2, (): 1}

Floor divisions and maxima that can't be carried out are atoms of that polynomial, like names.
A name never counts as 1 in broadcasting, so binding it to 0 or 1 later stays right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce, wraps
from operator import index
from typing import Any, NamedTuple, TypeAlias

from dataflow.errors import ShapeError
from dataflow.source import user_line

__all__ = ["Dim", "DimLike", "Shape", "as_int", "bind_dim", "dim_max", "exact_quotient", "is_size",
           "named_dim", "product"]  # fmt: skip

DimLike: TypeAlias = "int | Dim | str"
Shape: TypeAlias = "tuple[int | Dim, ...]"
_MOST_TERMS = 256
_MOST_FACTORS = 32  # in one term
_DEEPEST = 32  # levels of // and max within each other


class _Atom(NamedTuple):
    """An indivisible factor: a name, or a ``//`` or ``max`` that can't be carried out."""

    kind: str  # "name", "//" or "max"
    name: str = ""
    operands: tuple[int | Dim, ...] = ()

    def __str__(self) -> str:
        if self.kind == "name":
            return self.name
        if self.kind == "//":
            return "//".join(_bracketed(operand) for operand in self.operands)
        return f"max({', '.join(map(str, self.operands))})"

    def bind(self, sizes: Mapping[str, int | Dim]) -> int | Dim:
        if self.kind == "name":
            return sizes.get(self.name, _atom_dim(self))
        bound = [bind_dim(operand, sizes) for operand in self.operands]
        if self.kind == "//" and bound[1] == 0:
            msg = f"dimension {self} divides by 0, with sizes {dict(sizes)}"
            raise ShapeError(msg)
        return bound[0] // bound[1] if self.kind == "//" else reduce(dim_max, bound)


def _of_dims(method: Callable[[Dim, int | Dim], int | Dim]) -> Callable[[Dim, Any], int | Dim]:
    """Let an operator work with whole numbers and dimensions; Python refuses the rest."""

    @wraps(method)
    def checked(self: Dim, other: object) -> int | Dim:
        operand = other if isinstance(other, Dim) else as_int(other)
        return NotImplemented if operand is None else method(self, operand)

    return checked


_Monomial: TypeAlias = tuple[_Atom, ...]  # atoms sorted by text, repeated for a power


@dataclass(frozen=True, slots=True)
class Dim:
    """A dimension that depends on at least one name.

    Make one with `named_dim`, with ``GraphBuilder.dim`` or, of a text, with `as_dim`. ``+``, ``-``,
    ``*`` and ``//`` work with ints and other dimensions and give an int where all names cancel.

    Examples
    --------
    >>> batch = named_dim("batch")
    >>> print(2 * batch + 1, (batch + 1) // 2, batch - batch)
    2*batch + 1 (batch + 1)//2 0
    """

    terms: tuple[tuple[_Monomial, int], ...]

    def __str__(self) -> str:
        text = " + ".join(_term_text(atoms, factor) for atoms, factor in self.terms)
        return text.replace(" + -", " - ")

    def __repr__(self) -> str:
        return f"Dim({str(self)!r})"

    def __hash__(self) -> int:
        return hash(self.terms)

    @_of_dims
    def __add__(self, other: int | Dim) -> int | Dim:
        return _normal([*self.terms, *_terms(other)])

    __radd__ = __add__

    def __neg__(self) -> int | Dim:
        return self * -1

    @_of_dims
    def __sub__(self, other: int | Dim) -> int | Dim:
        return self + other * -1

    @_of_dims
    def __rsub__(self, other: int | Dim) -> int | Dim:
        return other + self * -1

    @_of_dims
    def __mul__(self, other: int | Dim) -> int | Dim:
        pairs = ((a, b) for a in self.terms for b in _terms(other))
        return _normal((tuple(sorted(a[0] + b[0], key=str)), a[1] * b[1]) for a, b in pairs)

    __rmul__ = __mul__

    @_of_dims
    def __floordiv__(self, other: int | Dim) -> int | Dim:
        if other == 0:
            msg = f"dimension {self} is divided by 0"
            raise ShapeError(msg)
        quotient = exact_quotient(self, other)
        return _nested("//", (self, other)) if quotient is None else quotient

    @_of_dims
    def __rfloordiv__(self, other: int | Dim) -> int | Dim:
        return 0 if other == 0 else _nested("//", (other, self))

    def __bool__(self) -> bool:
        msg = (f"the size of dimension {self} is not known before compile: it has no truth value "
               f"({user_line()})")  # fmt: skip
        raise ShapeError(msg)

    def names(self) -> frozenset[str]:
        """Return the names that this dimension depends on."""
        atoms = [atom for monomial, _ in self.terms for atom in monomial]
        inner = [o.names() for atom in atoms for o in atom.operands if isinstance(o, Dim)]
        return frozenset(atom.name for atom in atoms if atom.kind == "name").union(*inner)

    def bind(self, sizes: Mapping[str, int | Dim]) -> int | Dim:
        """Return this dimension with the names in `sizes` replaced by their sizes."""
        total: int | Dim = 0
        for monomial, factor in self.terms:
            total = total + product([factor, *(atom.bind(sizes) for atom in monomial)])
        return total


def named_dim(name: str) -> Dim:
    """Return the dimension of a name, which `as_dim` checks."""
    return _atom_dim(_Atom("name", name))


def as_int(value: object) -> int | None:
    """Return a whole number as an int; None of a bool, and of what is none."""
    try:
        return None if isinstance(value, bool) else index(value)  # type: ignore[arg-type]  # or TypeError
    except TypeError:
        return None


def bind_dim(dim: int | Dim, sizes: Mapping[str, int | Dim]) -> int | Dim:
    """Replace the names in `dim` that `sizes` has; what is left may still be a `Dim`."""
    return dim.bind(sizes) if isinstance(dim, Dim) else dim


def product(dims: Iterable[int | Dim]) -> int | Dim:
    """Return the product of dimensions, 1 of none.

    Examples
    --------
    >>> product((named_dim("batch"), 3, 4))
    Dim('12*batch')
    """
    result: int | Dim = 1
    for dim in dims:
        result = result * dim
    return result


def dim_max(a: int | Dim, b: int | Dim) -> int | Dim:
    """Return the larger of two dimensions, as an expression where that isn't known yet."""
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    if a == b:
        return a
    operands: set[int | Dim] = set()
    for dim in (a, b):
        atom = _single_atom(dim)
        operands.update(atom.operands if atom is not None and atom.kind == "max" else (dim,))
    ints = [operand for operand in operands if isinstance(operand, int)]
    operands.difference_update(sorted(ints)[:-1])  # the largest int stands for all of them
    return _nested("max", tuple(sorted(operands, key=str)))


def is_size(dim: int | Dim) -> bool:
    """Say whether a dimension surely isn't negative, whatever its names stand for.

    Examples
    --------
    >>> is_size(named_dim("batch") + 1), is_size(named_dim("batch") - 1)
    (True, False)
    """
    if isinstance(dim, int):
        return dim >= 0
    return all(
        factor > 0 and all(a.kind == "name" or all(map(is_size, a.operands)) for a in atoms)
        for atoms, factor in dim.terms
    )


def exact_quotient(a: int | Dim, b: int | Dim) -> int | Dim | None:
    """Return a / b where it is known to be a whole number (b a single term), else None.

    Examples
    --------
    >>> exact_quotient(12 * named_dim("batch"), named_dim("batch"))
    12
    >>> exact_quotient(named_dim("batch"), 2) is None
    True
    """
    if isinstance(a, int) and isinstance(b, int):
        return a // b if b and a % b == 0 else None
    divisor = _terms(b)
    if len(divisor) != 1 or b == 0:
        return 1 if a == b else None
    (divisor_atoms, divisor_factor), quotient = divisor[0], []
    for atoms, factor in _terms(a):
        left = list(atoms)
        if factor % divisor_factor or any(left.count(x) < divisor_atoms.count(x) for x in atoms):
            return None
        if not set(divisor_atoms) <= set(left):
            return None
        for atom in divisor_atoms:
            left.remove(atom)
        quotient.append((tuple(left), factor // divisor_factor))
    return _normal(quotient)


def _nested(kind: str, operands: tuple[int | Dim, ...]) -> Dim:
    """Return a ``//`` or ``max`` as a dimension; a chain too deep for Python's stack is refused."""
    if max(map(_depth, operands)) >= _DEEPEST:
        msg = f"a dimension's expression has // and max within each other over {_DEEPEST} deep"
        raise ShapeError(msg)
    return _atom_dim(_Atom(kind, operands=operands))


def _depth(dim: int | Dim) -> int:
    atoms = [atom for monomial, _ in _terms(dim) for atom in monomial]
    return max((1 + max(map(_depth, a.operands)) for a in atoms if a.operands), default=0)


def _single_atom(dim: int | Dim) -> _Atom | None:
    if isinstance(dim, Dim) and len(dim.terms) == 1:
        atoms, factor = dim.terms[0]
        if len(atoms) == 1 and factor == 1:
            return atoms[0]
    return None


def _terms(dim: int | Dim) -> tuple[tuple[_Monomial, int], ...]:
    return dim.terms if isinstance(dim, Dim) else (((), dim),)


def _normal(terms: Iterable[tuple[_Monomial, int]]) -> int | Dim:
    """Add up like terms, drop zeros, sort, and give an int where only a constant is left."""
    sums: dict[_Monomial, int] = {}
    for atoms, factor in terms:
        sums[atoms] = sums.get(atoms, 0) + factor
    left = [(atoms, factor) for atoms, factor in sums.items() if factor]
    if len(left) > _MOST_TERMS or any(len(atoms) > _MOST_FACTORS for atoms, _ in left):
        msg = (f"a dimension's expression has more than {_MOST_TERMS} terms, or one of them "
               f"more than {_MOST_FACTORS} factors")  # fmt: skip
        raise ShapeError(msg)
    if not any(atoms for atoms, _ in left):
        return sum(factor for _, factor in left)
    return Dim(tuple(sorted(left, key=lambda term: (-len(term[0]), [str(a) for a in term[0]]))))


def _term_text(atoms: _Monomial, factor: int) -> str:
    factors = [_bracketed(_atom_dim(a)) if a.kind == "//" and len(atoms) > 1 else str(a)
               for a in atoms]  # fmt: skip
    if factor != 1 or not atoms:
        if len(atoms) == 1 and atoms[0].kind == "//":
            factors = [f"({factors[0]})"]
        factors = [str(factor), *factors]
    return "*".join(factors)


def _atom_dim(atom: _Atom) -> Dim:
    return Dim((((atom,), 1),))


def _bracketed(dim: int | Dim) -> str:
    if isinstance(dim, int):
        return str(dim) if dim >= 0 else f"({dim})"
    atom = _single_atom(dim)
    plain = atom is not None and atom.kind != "//"
    return str(dim) if plain else f"({dim})"
