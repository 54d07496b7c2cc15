"""Blocks of layers: dense ones in a row, and the encoder layers of a transformer.

An encoder's variables are named after their place, as in ``encoder.3.attention.query.weight``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from dataflow.errors import ShapeError
from dataflow.nn.activation import Activation, check_activation
from dataflow.nn.attention import MultiHeadAttention
from dataflow.nn.declaring import Own, declaring
from dataflow.nn.dense import Dense, check_count, length_of
from dataflow.nn.dropping import Dropout
from dataflow.nn.normalization import LayerNorm
from dataflow.nn.stacks import LayerStack
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
        length_of("MLP", x)
        with declaring(self, x) as own:
            for place in range(len(self.units)):
                x = own.kept(str(place), partial(self._layer, place))(x)
        return x

    def _layer(self, place: int) -> Dense:
        is_last = place == len(self.units) - 1
        activation = self.final_activation if is_last else self.activation
        return Dense(self.units[place], activation, self.use_bias, name=str(place))


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
        length_of("TransformerEncoderLayer", x)
        switch = self.training if training is None else training
        with declaring(self, x) as own:
            norm1, norm2 = (self._norm(own, name) for name in ("norm1", "norm2"))
            if self.norm_first:
                x = x + self._attended(own, norm1(x), attn_mask, switch)
                return x + self._fed(own, norm2(x), switch)
            x = norm1(x + self._attended(own, x, attn_mask, switch))
            return norm2(x + self._fed(own, x, switch))

    def _norm(self, own: Own, name: str) -> LayerNorm:
        return own.kept(name, lambda: LayerNorm(eps=self.eps, use_bias=self.use_bias, name=name))

    def _attended(
        self, own: Own, x: Tensor, attn_mask: TensorLike | None, training: bool | Tensor | None
    ) -> Tensor:
        layer = own.kept("attention", lambda: MultiHeadAttention(
            self.num_heads, use_bias=self.use_bias, is_causal=self.is_causal,
            dropout=self.dropout))  # fmt: skip
        return self._dropped(own, layer(x, attn_mask=attn_mask, training=training), "1", training)

    def _fed(self, own: Own, x: Tensor, training: bool | Tensor | None) -> Tensor:
        _, features = length_of(own.kind, x)
        first = own.kept(
            "linear1", lambda: Dense(self.hidden, self.activation, self.use_bias, name="linear1")
        )
        second = own.kept("linear2", lambda: Dense(features, None, self.use_bias, name="linear2"))
        inner = self._dropped(own, first(x), "", training)
        return self._dropped(own, second(inner), "2", training)

    def _dropped(self, own: Own, x: Tensor, number: str, training: bool | Tensor | None) -> Tensor:
        if not self.dropout:
            return x
        name = f"dropout{number}"
        return own.kept(name, lambda: Dropout(self.dropout, name=name))(x, training)


@dataclass(frozen=True)
class TransformerEncoder(LayerStack):
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

    name: str = "encoder"

    _kind: ClassVar[type[TransformerEncoderLayer]] = TransformerEncoderLayer

    def __call__(
        self, x: Tensor, attn_mask: TensorLike | None = None,
        *, training: bool | Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Declare the layers on a tensor and return the last one's result.

        See `TransformerEncoderLayer`; all layers get the same mask.
        """
        return self._called(x, attn_mask, training=training)
