"""The decoder layers of a transformer: attention to what came before, and to what was encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dataflow.nn.attention import MultiHeadAttention
from dataflow.nn.declaring import Own, declaring
from dataflow.nn.dense import length_of
from dataflow.nn.stacks import LayerStack
from dataflow.nn.transformer import TransformerEncoderLayer

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["TransformerDecoder", "TransformerDecoderLayer"]


@dataclass(frozen=True)
class TransformerDecoderLayer(TransformerEncoderLayer):
    """An encoder layer with attention to a memory in the middle, and which is causal.

    Parameters
    ----------
    num_heads, hidden, activation, norm_first, is_causal, use_bias, eps, dropout, name, training
        See `TransformerEncoderLayer`; `is_causal` is for the attention to `x` itself.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x, memory = b.input("x", shape=("batch", 5, 8)), b.input("m", shape=("batch", 10, 8))
    >>> df.nn.TransformerDecoderLayer(2, 32)(x, memory).shape
    (Dim('batch'), 5, 8)
    """

    is_causal: bool = True
    name: str = "decoder_layer"

    def __call__(  # type: ignore[override]  # a memory is what makes it a decoder
        self, x: Tensor, memory: Tensor, attn_mask: TensorLike | None = None,
        memory_mask: TensorLike | None = None, *, training: bool | Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Declare the layer on a tensor and return its result.

        Parameters
        ----------
        x : Tensor
            Of shape (..., rows, features).
        memory : Tensor
            What an encoder made, of shape (..., keys, memory features).
        attn_mask, memory_mask : tensor or array_like, optional
            For the attention to `x` and to the memory; see `MultiHeadAttention`.
        training : bool or scalar tensor of bool, optional
            By default the layer's own.

        Returns
        -------
        Tensor
            The same shape and dtype as `x`.

        Raises
        ------
        ShapeError, DTypeError
            See `MultiHeadAttention`.
        """
        length_of("TransformerDecoderLayer", x)
        switch = self.training if training is None else training
        with declaring(self, x) as own:
            norms = [self._norm(own, f"norm{number}") for number in (1, 2, 3)]
            if self.norm_first:
                x = x + self._attended(own, norms[0](x), attn_mask, switch)
                x = x + self._recalled(own, norms[1](x), memory, memory_mask, switch)
                return x + self._fed(own, norms[2](x), switch)
            x = norms[0](x + self._attended(own, x, attn_mask, switch))
            x = norms[1](x + self._recalled(own, x, memory, memory_mask, switch))
            return norms[2](x + self._fed(own, x, switch))

    def _recalled(
        self, own: Own, x: Tensor, memory: Tensor, mask: TensorLike | None,
        training: bool | Tensor | None,
    ) -> Tensor:  # fmt: skip
        name = "cross_attention"
        layer = own.kept(name, lambda: MultiHeadAttention(
            self.num_heads, use_bias=self.use_bias, dropout=self.dropout, name=name))  # fmt: skip
        seen = layer(x, memory, attn_mask=mask, training=training)
        return self._dropped(own, seen, "3", training)


@dataclass(frozen=True)
class TransformerDecoder(LayerStack):
    """Decoder layers in a row, numbered from 0; with `norm_first`, a layer norm at the end.

    Parameters
    ----------
    num_layers : int
        The number of layers.
    num_heads, hidden, activation, norm_first, is_causal, use_bias, eps, dropout
        See `TransformerDecoderLayer`.
    name : str
        What the names of its variables begin with; the second decoder of a name gets a number.
    training : bool or scalar tensor of bool, optional
        Whether anything is dropped, where a call doesn't say; see `Dropout`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x, memory = b.input("x", shape=("batch", 5, 8)), b.input("m", shape=("batch", 10, 8))
    >>> df.nn.TransformerDecoder(2, 2, 32)(x, memory).shape
    (Dim('batch'), 5, 8)
    """

    is_causal: bool = True
    name: str = "decoder"

    _kind: ClassVar[type[TransformerEncoderLayer]] = TransformerDecoderLayer

    def __call__(
        self, x: Tensor, memory: Tensor, attn_mask: TensorLike | None = None,
        memory_mask: TensorLike | None = None, *, training: bool | Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Declare the layers on a tensor and return the last one's result.

        See `TransformerDecoderLayer`; all layers get the same memory and masks.
        """
        return self._called(x, memory, attn_mask, memory_mask, training=training)
