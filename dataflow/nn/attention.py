"""The attention layer: projections into queries, keys and values, heads, and a projection back."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from dataflow.dispatch import find_function
from dataflow.errors import ShapeError
from dataflow.nn.declaring import Own, declaring
from dataflow.nn.dense import Dense, check_count, length_of
from dataflow.nn.dropping import Dropout
from dataflow.ops.nn.dropping import check_rate
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.nn.initializers import InitializerLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["MultiHeadAttention"]


@dataclass(frozen=True)
class MultiHeadAttention:
    """A layer of attention with several heads; see `dataflow.nn.multi_head_attention`.

    Parameters
    ----------
    num_heads : int
        The number of heads of queries.
    features : int, optional
        The length of the last axis of queries when they are projected, and of the result; a
        multiple of `num_heads`. By default that of the query given.
    num_kv_heads : int, optional
        The number of heads of keys and values, each of which serves as many of queries; by default
        as many.
    use_bias : bool
        Whether the four projections have a bias.
    is_causal : bool
        Whether query i sees keys 0 to i only.
    dropout : float
        The probability that a weight is dropped in training; see `Dropout`.
    name : str
        What the names of its variables begin with; the second layer of a name gets a number.
    initializer : Initializer, str, array or callable
        What the projections' weights are at first; see `dataflow.nn.initializers`.
    training : bool or scalar tensor of bool, optional
        Whether weights are dropped, where a call doesn't say; see `Dropout`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", shape=("batch", 10, 8))
    >>> df.nn.MultiHeadAttention(2, use_bias=False)(x).shape
    (Dim('batch'), 10, 8)
    >>> [v.node for v in b.variables]  # doctest: +NORMALIZE_WHITESPACE
    ['attention.query.weight', 'attention.key.weight', 'attention.value.weight',
     'attention.out.weight']
    """

    num_heads: int
    features: int | None = None
    num_kv_heads: int | None = None
    use_bias: bool = True
    is_causal: bool = False
    dropout: float = 0.0
    name: str = "attention"
    initializer: InitializerLike = "xavier_uniform"
    training: bool | Tensor | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_count("MultiHeadAttention", "num_heads", self.num_heads, 1)
        check_rate("MultiHeadAttention", self.dropout)
        if self.num_kv_heads is not None:
            check_count("MultiHeadAttention", "num_kv_heads", self.num_kv_heads, 1)
            if self.num_heads % self.num_kv_heads:
                msg = (f"MultiHeadAttention ({user_line()}): num_heads {self.num_heads} must be a "
                       f"multiple of num_kv_heads {self.num_kv_heads}")  # fmt: skip
                raise ShapeError(msg)

    def __call__(
        self, query: Tensor, key: Tensor | None = None, value: Tensor | None = None,
        attn_mask: TensorLike | None = None, *, training: bool | Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Declare the layer on tensors and return its result.

        Parameters
        ----------
        query : Tensor
            Of shape (..., queries, features).
        key : Tensor, optional
            Of shape (..., keys, key features); by default the query.
        value : Tensor, optional
            Of shape (..., keys, value features); by default the key.
        attn_mask : tensor or array_like, optional
            Broadcasts to (..., heads, queries, keys). Bools say what may be seen: a mask of keys
            for every example has shape (examples, 1, 1, keys). Floats are added.
        training : bool or scalar tensor of bool, optional
            By default the layer's own.

        Returns
        -------
        Tensor
            Of shape (..., queries, features).

        Raises
        ------
        ShapeError, DTypeError
            A last axis has no known length, the heads don't divide the features, the shapes don't
            fit, or a tensor isn't floating point.
        """
        _, length = length_of("MultiHeadAttention", query)
        features = length if self.features is None else self.features
        if features % self.num_heads:
            msg = (f"MultiHeadAttention ({user_line()}): {self.num_heads} heads don't divide "
                   f"{features} features")  # fmt: skip
            raise ShapeError(msg)
        kv_heads = self.num_heads if self.num_kv_heads is None else self.num_kv_heads
        narrow = features // self.num_heads * kv_heads
        key = query if key is None else key
        with declaring(self, query) as own:
            projected = [
                self._dense(own, units, name)(x)
                for x, units, name in (
                    (query, features, "query"), (key, narrow, "key"),
                    (key if value is None else value, narrow, "value"),
                )
            ]  # fmt: skip
            heads = find_function("nn.multi_head_attention")(
                *projected, self.num_heads, attn_mask, is_causal=self.is_causal,
                num_kv_heads=kv_heads, dropout=self._dropping(own, training),
            )  # fmt: skip
            return self._dense(own, features, "out")(heads)

    def _dropping(
        self, own: Own, training: bool | Tensor | None
    ) -> Callable[[Tensor], Tensor] | None:
        if not self.dropout:
            return None
        switch = self.training if training is None else training
        return partial(own.kept("dropout", lambda: Dropout(self.dropout)), training=switch)

    def _dense(self, own: Own, units: int, name: str) -> Dense:
        return own.kept(name, lambda: Dense(
            units, use_bias=self.use_bias, name=name, initializer=self.initializer))  # fmt: skip
