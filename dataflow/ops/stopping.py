"""`stop_gradient`: the same values, and the end of the way for gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import also_named, public
from dataflow.elementwise import elementwise_tiling, maps_jvp, maps_vjp
from dataflow.operation import Alias, Application, Op, Specs, register
from dataflow.ops.structure import check_inputs, copy_cost, copy_kernel, samples_of

if TYPE_CHECKING:
    import numpy as np

    from dataflow.dims import Dim
    from dataflow.spec import Spec
    from dataflow.tensor import Tensor

__all__ = ["detach", "stop_gradient"]


def _stop_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (check_inputs(specs),)


def _stop_view(array: np.ndarray, spec: Spec, attrs: Attrs) -> np.ndarray:
    return array


def _stop_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return x


def _stop_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    return [stop_gradient(inputs[0])]


STOP_GRADIENT = register(Op(
    name="stop_gradient", label="StopGradient", infer=_stop_infer, kernel=copy_kernel,
    reference=_stop_reference, vjp=maps_vjp((None,)), jvp=maps_jvp((None,)), batch=_stop_batch,
    tiling=elementwise_tiling, cost=copy_cost, alias=Alias(0, _stop_view),
    # Not smooth: the derivative is zero by decree, not the one that differences show.
    samples=samples_of([([()], Attrs()), ([(0, 3)], Attrs()), ([(3, 4)], Attrs())], smooth=False),
    is_flat=True,
    moves=True,
))  # fmt: skip


@public()
def stop_gradient(x: Tensor) -> Tensor:
    """Return the same values as a tensor that no gradient passes through.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((2,), requires_grad=True)
    >>> df.stop_gradient(x).requires_grad
    False
    """
    with x.builder.no_grad():
        return apply(STOP_GRADIENT, (x,))


detach = also_named(stop_gradient, "detach")
