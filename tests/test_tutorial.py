"""The tutorial runs as it stands and prints PyTorch's values."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_TUTORIAL = Path(__file__).parent.parent / "examples" / "tutorial.py"
_EXPECTED = """\
x.requires_grad, y.requires_grad, z.requires_grad = (False, False, True)
a.requires_grad, c.requires_grad = (False, True)
x.grad_fn, a.grad_fn, c.grad_fn = (None, None, <AddBackward>)
z, out = ([[27.0, 27.0], [27.0, 27.0]], 27.0)
y.grad_fn, z.grad_fn, out.grad_fn = (<AddBackward>, <MulBackward>, <MeanBackward>)
x.grad = [[4.5, 4.5], [4.5, 4.5]]
x.grad after a second backward() = [[9.0, 9.0], [9.0, 9.0]]
s.requires_grad, a.requires_grad, s.grad_fn = (False, False, None)
a.requires_grad, a.grad_fn = (True, <DivBackward>)
in no_grad: s.requires_grad, s.grad_fn = (False, None)
"""


def test_the_tutorial_prints_pytorch_s_values() -> None:
    """Every value of PyTorch's autograd tutorial comes out the same."""
    run = subprocess.run(
        [sys.executable, str(_TUTORIAL)], capture_output=True, text=True, check=True
    )
    assert run.stdout == _EXPECTED
    assert run.stderr == ""
