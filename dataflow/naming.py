"""The names of one graph's nodes: claimed by the user, made up, or put under a scope's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataflow.errors import GraphError, NameTakenError
from dataflow.homes import Home, Homes
from dataflow.source import user_line

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Names"]


class Names:
    """Says which names are free in a graph that grows.

    Parameters
    ----------
    dag : networkx.MultiDiGraph
        The graph; a name is taken once it has a node of that name.
    """

    def __init__(self, dag: nx.MultiDiGraph[str]) -> None:
        self._dag = dag
        self._counters: dict[str, int] = {}
        self._scopes: list[str] = []
        self._homes = Homes()

    def claim(self, name: str, kind: str) -> str:
        """Return the whole name of what the user names; a variable's starts with its scopes."""
        if not isinstance(name, str) or not name:
            msg = f"{kind} ({user_line()}): its name is a text that isn't empty, not {name!r}"
            raise GraphError(msg)
        if kind == "variable":
            name = ".".join((*self._scopes, name))
        if name in self._dag:
            taken = self._dag.nodes[name]
            msg = (f"{kind} {name!r} ({user_line()}): the graph has a node of this name, declared "
                   f"at {taken['source']} (op {taken['op']!r}); choose another name")  # fmt: skip
            raise NameTakenError(msg)
        if kind == "variable":
            self._know_scopes(name)
        return name

    def unique(self, base: str) -> str:
        """Return a name for a node that the user didn't name."""
        name = base
        while name in self._dag or name == base:
            count = self._counters.get(base, 0)
            self._counters[base] = count + 1
            name = f"{base}_{count}"
        return name

    @contextmanager
    def scope(self, name: str) -> Iterator[str]:
        """Put variables claimed within the ``with`` block under a name; yields the whole one."""
        self._scopes.append(self._free_scope(name))
        try:
            yield ".".join(self._scopes)
        finally:
            self._scopes.pop()

    def _know_scopes(self, name: str) -> None:
        """Count the scopes in a variable's whole name as used, also where no ``with`` block was."""
        level = "scope "
        for scope in name.split(".")[:-1]:
            self._counters.setdefault(level + scope, 1)
            level += f"{scope}."

    @contextmanager
    def home(self, layer: object, name: str) -> Iterator[Home]:
        """Put what a layer claims within the ``with`` block under its own scope, at each call."""

        def scopes() -> tuple[str, ...]:
            return (*self._scopes, *([self._free_scope(name)] if name else []))

        home = self._homes.of(layer, scopes)
        before, self._scopes = self._scopes, [*home.scopes]
        try:
            yield home
        finally:
            self._scopes = before

    def _free_scope(self, name: str) -> str:
        """Return a name that no scope at this level has had, with a number if need be."""
        level = "scope " + "".join(f"{scope}." for scope in self._scopes)
        free = name
        while level + free in self._counters:
            count = self._counters[level + name]
            self._counters[level + name] = count + 1
            free = f"{name}_{count}"
        self._counters[level + free] = 1
        return free
