"""The embedding layer: a table of rows that are learnt, looked up by index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.dispatch import find_function
from dataflow.errors import ShapeError
from dataflow.nn.declaring import declaring
from dataflow.nn.dense import check_count
from dataflow.nn.initializers import InitializerLike, Weights, initial_value
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.builder import GraphBuilder
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["Embedding", "EmbeddingBag"]


@dataclass(frozen=True)
class Embedding:
    """A layer that gives a row of its table for every index; see `dataflow.nn.embedding`.

    Parameters
    ----------
    num_embeddings : int
        The number of rows.
    features : int
        The length of a row.
    padding_idx : int, optional
        The index whose row is zeros at first and isn't trained.
    name : str
        What the name of its variable begins with; the second layer of a name gets a number.
    initializer : Initializer, str, array or callable
        What the table is at first; see `dataflow.nn.initializers`.
    dtype : dtype
        The table's dtype.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> tokens = b.input("tokens", shape=("batch", 10), dtype="int64")
    >>> df.nn.Embedding(100, 16)(tokens).shape
    (Dim('batch'), 10, 16)
    >>> [v.node for v in b.variables]
    ['embedding.weight']
    """

    num_embeddings: int
    features: int
    padding_idx: int | None = None
    name: str = "embedding"
    initializer: InitializerLike = "normal"
    dtype: object = "float32"

    def __post_init__(self) -> None:
        kind = type(self).__name__
        check_count(kind, "num_embeddings", self.num_embeddings)
        check_count(kind, "features", self.features)
        count, index = self.num_embeddings, self.padding_idx
        if index is not None and not -count <= index < count:
            msg = f"{kind} ({user_line()}): padding_idx {index} is no row of {count}"
            raise ShapeError(msg)

    def __call__(self, indices: Tensor) -> Tensor:
        """Declare the layer on a tensor of indices and return their rows.

        Parameters
        ----------
        indices : Tensor
            Integers of any shape.

        Returns
        -------
        Tensor
            The indices' shape, and `features`.

        Raises
        ------
        DTypeError
            The indices aren't integers.
        """
        return find_function("nn.embedding")(  # type: ignore[no-any-return]
            indices, self._weight(indices), padding_idx=self.padding_idx
        )

    def _weight(self, indices: Tensor) -> Tensor:
        with declaring(self, indices) as own:
            shape = (self.num_embeddings, self.features)
            return own.weight("weight", self._first, shape, self.dtype)

    def _first(self, builder: GraphBuilder, shape: tuple[int, ...], dtype: object) -> Tensor:
        """Declare the table, with zeros where the padding is."""
        first = initial_value(self.initializer, Weights(builder, shape, dtype))
        if self.padding_idx is None:
            return first
        count = self.num_embeddings
        rows = find_function("reshape")(builder.arange(count), (count, 1))
        return find_function("where")(rows == self.padding_idx % count, 0, first)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class EmbeddingBag(Embedding):
    """A layer that adds up rows of its table over bags of indices; see `df.nn.embedding_bag`.

    Parameters
    ----------
    num_embeddings, features, padding_idx, initializer, dtype
        See `Embedding`.
    name : str
        What the name of its variable begins with; the second layer of a name gets a number.
    mode : {"mean", "sum", "max"}
        What becomes of a bag's rows.
    include_last_offset : bool
        Whether the last of the offsets is where the last bag ends, not where one begins.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> words = b.input("words", shape=("batch", 10), dtype="int64")
    >>> df.nn.EmbeddingBag(100, 16)(words).shape
    (Dim('batch'), 16)
    >>> [v.node for v in b.variables]
    ['embedding_bag.weight']
    """

    name: str = "embedding_bag"
    mode: str = "mean"
    include_last_offset: bool = False

    def __call__(
        self, indices: Tensor, offsets: TensorLike | None = None,
        per_sample_weights: TensorLike | None = None,
    ) -> Tensor:  # fmt: skip
        """Declare the layer on a tensor of indices and return a row for each bag.

        Parameters
        ----------
        indices : Tensor
            Integers, whose last axis is a bag, or with `offsets` one axis of bags.
        offsets : tensor or array_like, optional
            Where each bag begins.
        per_sample_weights : tensor or array_like, optional
            What rows are multiplied with before they are added up.

        Raises
        ------
        GraphError, ShapeError, DTypeError
            See `dataflow.nn.embedding_bag`.
        """
        return find_function("nn.embedding_bag")(  # type: ignore[no-any-return]
            indices, self._weight(indices), offsets, self.mode, per_sample_weights,
            self.padding_idx, include_last_offset=self.include_last_offset,
        )  # fmt: skip
