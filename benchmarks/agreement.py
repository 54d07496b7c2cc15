"""How far values and gradients are from PyTorch's and JAX's: ``python benchmarks/agreement.py``.

The rows are those of `tests/peers`, in float64 and complex128, and the programs of
`tests/programs`, with their products with the Hessian. For each family and each peer the largest
difference is printed, relative to the size of the value or gradient, and where it is.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

# Last, so that the installed package is compared and not the checkout.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from tests.peers.table import Row
from tests.programs.program import PROGRAMS
from tests.test_peers import FAMILIES, difference, jax_results, our_results, torch_results
from tests.test_programs import differences, jaxs, torchs

Results = Callable[[Any, Row], Sequence[np.ndarray]]


def main() -> None:
    """Print a line for each family and peer."""
    import jax
    import torch

    config: Any = jax.config
    config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's signature
    print(f"{'family':<16} {'peer':<6} {'rows':>5} {'largest':>9}  where")
    for family in FAMILIES:
        rows = importlib.import_module(f"tests.peers.{family}").ROWS
        for peer, module, results in (("torch", torch, torch_results), ("jax", jax, jax_results)):
            shared = [row for row in rows if getattr(row, peer) is not None]
            worst = max(_differences(shared, module, results), default=(0.0, ""))
            print(f"{family:<16} {peer:<6} {len(shared):>5} {worst[0]:>9.1e}  {worst[1]}")
    for peer, theirs in (("torch", torchs), ("jax", jaxs)):
        found = {name: max(differences(name, theirs(name)).values()) for name in PROGRAMS}
        name = max(found, key=lambda name: found[name])
        print(f"{'programs':<16} {peer:<6} {len(found):>5} {found[name]:>9.1e}  {name}")


def _differences(rows: Sequence[Row], module: Any, results: Results) -> Iterator[tuple[float, str]]:  # noqa: ANN401
    for row in rows:
        yield difference(our_results(row), results(module, row)), row.name


if __name__ == "__main__":
    main()
