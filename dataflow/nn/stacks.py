"""Layers of a transformer in a row: what its encoder and its decoder share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from dataflow.nn.declaring import declaring
from dataflow.nn.dense import check_count, length_of
from dataflow.nn.normalization import LayerNorm

if TYPE_CHECKING:
    from dataflow.nn.activation import Activation
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["LayerStack"]


@dataclass(frozen=True)
class LayerStack:
    """Layers of one kind, numbered from 0; with `norm_first`, a layer norm at the end.

    Parameters
    ----------
    num_layers : int
        The number of layers.
    num_heads, hidden, activation, norm_first, is_causal, use_bias, eps, dropout
        Those of each layer; see `TransformerEncoderLayer`.
    name : str
        What the names of its variables begin with.
    training : bool or scalar tensor of bool, optional
        Whether anything is dropped, where a call doesn't say.
    """

    num_layers: int
    num_heads: int
    hidden: int = 2048
    activation: Activation = "relu"
    norm_first: bool = False
    is_causal: bool = False
    use_bias: bool = True
    eps: float = 1e-5
    dropout: float = 0.0
    name: str = "stack"
    training: bool | Tensor | None = field(default=None, compare=False)

    _kind: ClassVar[type[Any]]

    def __post_init__(self) -> None:
        check_count(type(self).__name__, "num_layers", self.num_layers)

    def _called(
        self, x: Tensor, *others: TensorLike | None, training: bool | Tensor | None
    ) -> Tensor:
        """Declare the layers, each on the result of the one before and on the other arguments."""
        length_of(type(self).__name__, x)
        switch = self.training if training is None else training
        with declaring(self, x) as own:
            for place in map(str, range(self.num_layers)):
                x = own.kept(place, partial(self._layer, place))(x, *others, training=switch)
            return own.kept("norm", self._norm)(x) if self.norm_first else x

    def _norm(self) -> LayerNorm:
        return LayerNorm(eps=self.eps, use_bias=self.use_bias, name="norm")

    def _layer(self, name: str) -> Any:  # noqa: ANN401 - a layer
        return self._kind(
            self.num_heads, self.hidden, self.activation, self.norm_first, self.is_causal,
            self.use_bias, self.eps, self.dropout, name,
        )  # fmt: skip
