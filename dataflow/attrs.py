"""`Attrs`: the static parameters of a node, immutable, hashable and of few kinds.

The kinds are those that a file can hold in plain columns. The accessors (`integer`, `text`, …)
check the kind, so that a hostile file's wrong attribute is refused where an op first reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from dataflow.dims import Dim, Shape, bind_dim
from dataflow.errors import GraphError, UnknownNameError

if TYPE_CHECKING:
    from dataflow.spec import Spec

__all__ = ["Attr", "Attrs", "Body"]

_T = TypeVar("_T")
_BODIES = "bodies"  # the one attribute that holds computations


class Body:
    """A computation that a node holds as a value: a graph, and in a plan a plan."""

    __slots__ = ()

    @property
    def input_specs(self) -> tuple[Spec, ...]:
        """What it takes, in order."""
        raise NotImplementedError

    @property
    def output_specs(self) -> tuple[Spec, ...]:
        """What it gives, in order."""
        raise NotImplementedError

    def bind(self, sizes: Mapping[str, int | Dim]) -> Body:
        """Return it with the named dimensions in `sizes` replaced."""
        raise NotImplementedError

    def names(self) -> frozenset[str]:
        """Return the names of dimensions that it depends on."""
        raise NotImplementedError

    def digest(self) -> str:
        """Return what tells it from every other."""
        raise NotImplementedError


Scalar: TypeAlias = "bool | int | float | str | Dim | Body"
Attr: TypeAlias = "Scalar | tuple[Scalar | None, ...] | None"


class Attrs(Mapping[str, Attr]):
    """An immutable mapping from names to scalars, texts, dimensions, or tuples of them.

    The attribute ``bodies`` of a node of control flow is a tuple of computations.

    Examples
    --------
    >>> attrs = Attrs(axis=(0, 1), keepdims=True)
    >>> attrs.integers("axis"), attrs.flag("keepdims")
    ((0, 1), True)
    """

    __slots__ = ("_items",)

    def __init__(self, values: Mapping[str, Attr] | None = None, /, **attrs: Attr) -> None:
        merged = {**(values or {}), **attrs}
        self._items = {name: merged[name] for name in sorted(merged)}

    def __getitem__(self, name: str) -> Attr:
        try:
            return self._items[name]
        except KeyError:
            msg = f"attribute {name!r} is missing; there are {sorted(self._items)}"
            raise UnknownNameError(msg) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(self.key())

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Attrs) and self.key() == other.key())

    def __repr__(self) -> str:
        return f"Attrs({', '.join(f'{name}={value!r}' for name, value in self._items.items())})"

    def key(self) -> tuple[tuple[str, str, str], ...]:
        """Return an exact, hashable identity: 1, 1.0 and True differ, as do 0.0 and -0.0."""
        if not self._items:
            return ()
        if _BODIES in self._items:
            digests = tuple(body.digest() for body in self.bodies())
            return (*Attrs(self._without_bodies()).key(), (_BODIES, "tuple", repr(digests)))
        return tuple((n, type(v).__name__, repr(v)) for n, v in self._items.items())

    def integer(self, name: str) -> int:
        """Return an integer attribute."""
        return self._of(name, int, self[name])

    def number(self, name: str) -> float:
        """Return a floating-point attribute."""
        return self._of(name, float, self[name])

    def flag(self, name: str) -> bool:
        """Return a boolean attribute."""
        return self._of(name, bool, self[name])

    def text(self, name: str) -> str:
        """Return a text attribute."""
        return self._of(name, str, self[name])

    def integers(self, name: str) -> tuple[int, ...]:
        """Return a tuple of integers."""
        return tuple(self._of(name, int, item) for item in self._of(name, tuple, self[name]))

    def dims(self, name: str) -> Shape:
        """Return a tuple of dimensions: ints and expressions."""
        items: tuple[Attr, ...] = self._of(name, tuple, self[name])
        return tuple(v if isinstance(v, Dim) else self._of(name, int, v) for v in items)

    def bodies(self) -> tuple[Body, ...]:
        """Return the computations that a node of control flow holds, none of another node."""
        if _BODIES not in self._items:
            return ()
        items: tuple[Attr, ...] = self._of(_BODIES, tuple, self._items[_BODIES])
        return tuple(self._of(_BODIES, Body, item) for item in items)

    def names(self) -> frozenset[str]:
        """Return the names of dimensions that these attributes depend on."""
        items = [i for v in self._items.values() for i in (v if isinstance(v, tuple) else (v,))]
        return frozenset[str]().union(*(i.names() for i in items if isinstance(i, (Dim, Body))))

    def bind(self, sizes: Mapping[str, int | Dim]) -> Attrs:
        """Return these attributes with the named dimensions in `sizes` replaced."""
        if _BODIES in self._items:
            bodies = tuple(body.bind(sizes) for body in self.bodies())
            return Attrs(self._without_bodies()).bind(sizes).replace(bodies=bodies)
        if not self._items or not any(_is_named(value) for value in self._items.values()):
            return self
        return Attrs({name: _bound(value, sizes) for name, value in self._items.items()})

    def replace(self, **changes: Attr) -> Attrs:
        """Return these attributes with some of them changed."""
        return Attrs({**self._items, **changes})

    def _without_bodies(self) -> dict[str, Attr]:
        return {name: value for name, value in self._items.items() if name != _BODIES}

    def _of(self, name: str, kind: type[_T], value: object) -> _T:
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            msg = f"attribute {name!r} must be {kind.__name__}, not {value!r}"
            raise GraphError(msg)
        return value


def _is_named(value: Attr) -> bool:
    if isinstance(value, tuple):
        return any(isinstance(item, Dim) for item in value)
    return isinstance(value, Dim)


def _bound(value: Attr, sizes: Mapping[str, int | Dim]) -> Attr:
    if isinstance(value, tuple):
        return tuple(bind_dim(v, sizes) if isinstance(v, Dim) else v for v in value)
    return bind_dim(value, sizes) if isinstance(value, Dim) else value
