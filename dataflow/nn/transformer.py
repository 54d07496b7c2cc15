"""Blocks of layers: dense ones in a row, and the encoder layers of a transformer.

An encoder's variables are named after their place, as in ``encoder.3.attention.query.weight``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.errors import ShapeError
from dataflow.nn.activation import Activation, check_activation
from dataflow.nn.attention import MultiHeadAttention
from dataflow.nn.dense import Dense, check_count, length_of
from dataflow.nn.dropping import Dropout
from dataflow.nn.normalization import LayerNorm
from dataflow.ops.nn.dropping import check_rate
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["MLP", "TransformerEncoder", "TransformerEncoderLayer"]


@dataclass(frozen=True)
class MLP:
    """Dense layers in a row, with an activation between them.

    Parameters
    ----------
    units : sequence of int
        The length of the last axis after each layer.
    activation : str or callable, optional
        What stands between two layers; see `Dense`.
    final_activation : str or callable, optional
        What follows the last layer.
    use_bias : bool
        Whether biases are added.
    name : str
        What the names of its variables begin with; the second block of a name gets a number.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> df.nn.MLP((32, 10), use_bias=False)(b.input("x", shape=("batch", 4))).shape
    (Dim('batch'), 10)
    >>> [v.node for v in b.variables]
    ['mlp.0.weight', 'mlp.1.weight']
    """

    units: Sequence[int]
    activation: Activation = "relu"
    final_activation: Activation = None
    use_bias: bool = True
    name: str = "mlp"

    def __post_init__(self) -> None:
        if not isinstance(self.units, Sequence) or isinstance(self.units, str):
            msg = f"MLP ({user_line()}): units are ints, one a layer, not {self.units!r}"
            raise ShapeError(msg)
        for count in self.units:
            check_count("MLP", "units", count)
        check_activation("MLP", self.activation)
        check_activation("MLP", self.final_activation)

    def __call__(self, x: Tensor) -> Tensor:
        """Declare the layers on a tensor and return the last one's result; see `Dense`."""
        builder, _ = length_of("MLP", x)
        with builder.scope(self.name):
            for place, count in enumerate(self.units):
                is_last = place == len(self.units) - 1
                activation = self.final_activation if is_last else self.activation
                x = Dense(count, activation, self.use_bias, name=str(place))(x)
        return x


@dataclass(frozen=True)
class TransformerEncoderLayer:
    """One layer of a transformer's encoder: attention, then two dense layers, each added to `x`.

    Parameters
    ----------
    num_heads : int
        The number of heads of the attention.
    hidden : int
        The length of the last axis between the dense layers.
    activation : str or callable
        What stands between the dense layers.
    norm_first : bool
        Whether layer norms come before the attention and the dense layers, not after the sums.
    is_causal : bool
        Whether row i sees rows 0 to i only.
    use_bias : bool
        Whether dense layers and norms have a bias.
    eps : float
        Added to the norms' variance.
    dropout : float
        The probability that weights of the attention, elements between the dense layers, and
        those of both sums' second parts are dropped in training; see `Dropout`.
    name : str
        What the names of its variables begin with; the second layer of a name gets a number.
    training : bool or scalar tensor of bool, optional
        Whether anything is dropped, where a call doesn't say; see `Dropout`.

    References
    ----------
    Vaswani and others, "Attention Is All You Need", NeurIPS 2017; with `norm_first`, Xiong and
    others, "On Layer Normalization in the Transformer Architecture", ICML 2020.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", shape=("batch", 10, 8))
    >>> df.nn.TransformerEncoderLayer(2, 32)(x).shape
    (Dim('batch'), 10, 8)
    """

    num_heads: int
    hidden: int = 2048
    activation: Activation = "relu"
    norm_first: bool = False
    is_causal: bool = False
    use_bias: bool = True
    eps: float = 1e-5
    dropout: float = 0.0
    name: str = "encoder_layer"
    training: bool | Tensor | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_count("TransformerEncoderLayer", "num_heads", self.num_heads, 1)
        check_count("TransformerEncoderLayer", "hidden", self.hidden)
        check_activation("TransformerEncoderLayer", self.activation)
        check_rate("TransformerEncoderLayer", self.dropout)

    def __call__(
        self, x: Tensor, attn_mask: TensorLike | None = None,
        *, training: bool | Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Declare the layer on a tensor and return its result.

        Parameters
        ----------
        x : Tensor
            Of shape (..., rows, features).
        attn_mask : tensor or array_like, optional
            See `MultiHeadAttention`.
        training : bool or scalar tensor of bool, optional
            By default the layer's own.

        Returns
        -------
        Tensor
            The same shape and dtype.

        Raises
        ------
        ShapeError, DTypeError
            See `MultiHeadAttention`.
        """
        builder, _ = length_of("TransformerEncoderLayer", x)
        switch = self.training if training is None else training
        with builder.scope(self.name):
            if self.norm_first:
                x = x + self._attended(self._norm("norm1")(x), attn_mask, switch)
                return x + self._fed(self._norm("norm2")(x), switch)
            x = self._norm("norm1")(x + self._attended(x, attn_mask, switch))
            return self._norm("norm2")(x + self._fed(x, switch))

    def _norm(self, name: str) -> LayerNorm:
        return LayerNorm(eps=self.eps, use_bias=self.use_bias, name=name)

    def _attended(
        self, x: Tensor, attn_mask: TensorLike | None, training: bool | Tensor | None
    ) -> Tensor:
        layer = MultiHeadAttention(
            self.num_heads, use_bias=self.use_bias, is_causal=self.is_causal, dropout=self.dropout
        )
        return self._dropped(layer(x, attn_mask=attn_mask, training=training), "1", training)

    def _fed(self, x: Tensor, training: bool | Tensor | None) -> Tensor:
        _, features = length_of("TransformerEncoderLayer", x)
        inner = Dense(self.hidden, self.activation, self.use_bias, name="linear1")(x)
        inner = self._dropped(inner, "", training)
        out = Dense(features, None, self.use_bias, name="linear2")(inner)
        return self._dropped(out, "2", training)

    def _dropped(self, x: Tensor, number: str, training: bool | Tensor | None) -> Tensor:
        if not self.dropout:
            return x
        return Dropout(self.dropout, name=f"dropout{number}")(x, training)


@dataclass(frozen=True)
class TransformerEncoder:
    """Encoder layers in a row, numbered from 0; with `norm_first`, a layer norm at the end.

    Parameters
    ----------
    num_layers : int
        The number of layers.
    num_heads, hidden, activation, norm_first, is_causal, use_bias, eps, dropout
        See `TransformerEncoderLayer`.
    name : str
        What the names of its variables begin with; the second encoder of a name gets a number.
    training : bool or scalar tensor of bool, optional
        Whether anything is dropped, where a call doesn't say; see `Dropout`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> y = df.nn.TransformerEncoder(4, 2, 32)(b.input("x", shape=("batch", 10, 8)))
    >>> [v.node for v in b.variables if "3.attention.q" in v.node]
    ['encoder.3.attention.query.weight', 'encoder.3.attention.query.bias']
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
    name: str = "encoder"
    training: bool | Tensor | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_count("TransformerEncoder", "num_layers", self.num_layers)

    def __call__(
        self, x: Tensor, attn_mask: TensorLike | None = None,
        *, training: bool | Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Declare the layers on a tensor and return the last one's result.

        See `TransformerEncoderLayer`; all layers get the same mask.
        """
        builder, _ = length_of("TransformerEncoder", x)
        with builder.scope(self.name):
            for place in range(self.num_layers):
                switch = self.training if training is None else training
                x = self._layer(str(place))(x, attn_mask, training=switch)
            if self.norm_first:
                x = LayerNorm(eps=self.eps, use_bias=self.use_bias, name="norm")(x)
        return x

    def _layer(self, name: str) -> TransformerEncoderLayer:
        return TransformerEncoderLayer(
            self.num_heads, self.hidden, self.activation, self.norm_first, self.is_causal,
            self.use_bias, self.eps, self.dropout, name,
        )  # fmt: skip
