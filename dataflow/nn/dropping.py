"""The dropout layer: a key of its own, which every run with updates advances."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dataflow.dispatch import find_function
from dataflow.nn.declaring import declaring
from dataflow.ops.nn.dropping import alpha_dropout, check_rate, check_switch, dropout
from dataflow.ops.random.keys import fold_in
from dataflow.ops.selection import where
from dataflow.tensor import builder_of

if TYPE_CHECKING:
    from dataflow.ops.nn.dropping import NoiseShape
    from dataflow.tensor import Tensor

__all__ = [
    "AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout",
]  # fmt: skip


@dataclass(frozen=True)
class Dropout:
    """A layer that sets elements to zero by chance, while a network is trained.

    Its key is a variable: a run that updates variables advances it, so that the next drops other
    elements, and a saved state goes on where it was. What it is at first follows from the builder's
    seed and the layer's name. A second call of a layer drops other elements than the first: its key
    is the one that the first call leaves.

    Parameters
    ----------
    rate : float
        The probability of being dropped, between 0 and 1.
    noise_shape : sequence of int, Dim or None, optional
        See `dataflow.nn.dropout`: with a 1 for axes along which elements are dropped together.
    name : str
        What the name of its variable begins with; the second layer of a name gets a number.
    training : bool or tensor, optional
        What a call doesn't say: in a `Sequential`, layers are called with nothing but a tensor. By
        default the builder's `training`: a plan with updates drops, one that predicts doesn't.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> y = df.nn.Dropout(0.5)(b.ones((1000,)))
    >>> [v.node for v in b.variables]
    ['dropout.key']
    >>> runner = df.Runner(df.compile(b.build({"y": y})))
    >>> one, other = runner.run()["y"], runner.run()["y"]
    >>> bool((one == other).all())
    False
    """

    rate: float = 0.5
    noise_shape: NoiseShape = None
    name: str = "dropout"
    training: bool | Tensor | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_rate("Dropout", self.rate)

    def __call__(self, x: Tensor, training: bool | Tensor | None = None) -> Tensor:
        """Declare the layer on a tensor and return its result.

        Parameters
        ----------
        x : Tensor
            Floating point.
        training : bool or tensor, optional
            False returns `x` itself, and declares no variable. A bool scalar, such as an input,
            switches at each run: then one graph trains and predicts. By default the layer's own.

        Returns
        -------
        Tensor
            Like `x`.

        Raises
        ------
        DTypeError, ShapeError
            `x` isn't floating point, or the noise doesn't broadcast to it.
        """
        builder: Any = builder_of(x)
        training = self.training if training is None else training
        training = builder.training if training is None else training
        if training is False:
            return x
        check_switch("Dropout", training)
        with declaring(self, x) as own:
            first = partial(_first_key, builder.seed, own.path)
            key = own.kept("key", lambda: builder.variable("key", first()))
            now = builder.pending(key)
            with builder.recording("update", key.node, "dropout"):
                advanced = fold_in(now, 0)
                new = advanced if training is True else where(training, advanced, now)
                builder.update(key, new, again=True)
        return self._dropped(x, now, training)

    def _dropped(self, x: Tensor, key: Tensor, training: bool | Tensor) -> Tensor:
        return dropout(x, self.rate, key, noise_shape=self.noise_shape, training=training)


class AlphaDropout(Dropout):
    """A layer of `dataflow.nn.alpha_dropout`; see `Dropout`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> df.nn.AlphaDropout(0.5)(b.ones((4, 3))).shape
    (4, 3)
    """

    def _dropped(self, x: Tensor, key: Tensor, training: bool | Tensor) -> Tensor:
        return alpha_dropout(x, self.rate, key, noise_shape=self.noise_shape, training=training)


@dataclass(frozen=True)
class _Channels(Dropout):
    """A layer that drops whole channels, so that it has no shape of noise to choose."""

    noise_shape: NoiseShape = field(default=None, init=False, repr=False)

    _function: ClassVar[str] = ""

    def _dropped(self, x: Tensor, key: Tensor, training: bool | Tensor) -> Tensor:
        function = find_function(f"nn.{self._function}")
        return function(x, self.rate, key, training=training)  # type: ignore[no-any-return]


class Dropout1d(_Channels):
    """A layer that drops whole channels of ``(batch, channels, length)``; see `Dropout`.

    Examples
    --------
    >>> import dataflow as df
    >>> dropped = df.evaluate(df.nn.Dropout1d(0.5)(df.GraphBuilder().ones((2, 8, 5))))
    >>> bool((dropped == dropped[:, :, :1]).all())
    True
    """

    _function = "dropout1d"


class Dropout2d(_Channels):
    """A layer that drops whole channels of images; see `Dropout1d`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.Dropout2d(0.5)(df.GraphBuilder().ones((2, 8, 5, 5))).shape
    (2, 8, 5, 5)
    """

    _function = "dropout2d"


class Dropout3d(_Channels):
    """A layer that drops whole channels of volumes; see `Dropout1d`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.Dropout3d(0.5)(df.GraphBuilder().ones((2, 8, 5, 5, 5))).shape
    (2, 8, 5, 5, 5)
    """

    _function = "dropout3d"


class FeatureAlphaDropout(_Channels):
    """A layer of `dataflow.nn.feature_alpha_dropout`; see `Dropout`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.FeatureAlphaDropout(0.5)(df.GraphBuilder().ones((2, 8, 5))).shape
    (2, 8, 5)
    """

    _function = "feature_alpha_dropout"


def _first_key(seed: int, scope: str) -> np.ndarray:
    sequence = np.random.SeedSequence((seed, *scope.encode()))
    return np.asarray(sequence.generate_state(1, np.uint64)[0])
