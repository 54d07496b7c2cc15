"""Plans that several tests read or change: a training step, and hand-made ones in tile groups."""

from functools import cache
from itertools import pairwise

import numpy as np

import dataflow as df
from dataflow.attrs import Attrs
from scheduler.plan import Operand, Plan
from tests.hand_made import HandMade, turned

ROWS, SIZE = 1030, 64  # 16 slices and a ragged one of 6 rows
WIDTHS = (8, 16, 12, 4)
ALL = Attrs(axes=(0, 1), keepdims=False)


def training_step() -> df.Graph:
    """Return a small training step: two temporaries live at once, a constant, an update."""
    b = df.GraphBuilder("good")
    x, w = b.input("x", (4, 4)), b.variable("w", np.ones((4, 4), np.float32))
    first, second = x * w, x + b.constant(np.full((4, 4), 2, np.float32))
    b.update(w, w - first)
    return b.build({"y": (first * second).sum(axis=0), "turned": second.T})


GOOD = df.compile(training_step())


@cache
def sliced() -> Plan:
    """Return the plan of a perceptron's gradient, with one tile group for both sweeps."""
    hand = HandMade(ROWS, SIZE)
    x = hand.input("x", (ROWS, WIDTHS[0]), sliced=True)
    weights = [hand.input(f"w{i}", shape) for i, shape in enumerate(shapes())]
    activations = forward(hand, x, weights)
    y = activations.pop()
    squares = hand.step("multiply", (y, y), hand.local(WIDTHS[-1]))
    outputs = {"loss": hand.accumulate("sum", (squares,), (), ALL)}
    cotangent = hand.step("add", (y, y), hand.local(WIDTHS[-1]))
    return hand.plan({**outputs, **backward(hand, activations, weights, cotangent)})


def shapes() -> list[tuple[int, int]]:
    """Return the weights' shapes."""
    return list(pairwise(WIDTHS))


def forward(hand: HandMade, x: Operand, weights: list[Operand]) -> list[Operand]:
    """Write the forward sweep; return what each layer reads, and the result."""
    values = [x]
    for i, weight in enumerate(weights):
        h = hand.step("matmul", (values[-1], weight), hand.local(weight.shape[1]))
        values.append(hand.step("relu", (h,), h) if i + 1 < len(weights) else h)
    return values


def backward(
    hand: HandMade, values: list[Operand], weights: list[Operand], cotangent: Operand
) -> dict[str, Operand]:
    """Write the reverse sweep; return the weights' gradients."""
    zero, found = hand.constant(0.0), {}
    for i in reversed(range(len(weights))):
        read, weight = values[i], weights[i]
        found[f"g{i}"] = hand.accumulate("matmul", (turned(read), cotangent), weight.shape)
        if i:
            back = hand.step("matmul", (cotangent, turned(weight)), hand.local(read.shape[1]))
            alive = hand.step("greater", (read, zero), hand.local(read.shape[1], "bool"))
            cotangent = hand.step("where", (alive, back, zero), hand.local(read.shape[1]))
    return found


def doubled(rows: int = 10, size: int = 4) -> HandMade:
    """Return a plan in the making that multiplies each row with itself, in two steps."""
    hand = HandMade(rows, size)
    x = hand.input("x", (rows, 3), sliced=True)
    aside = hand.step("add", (x, x), hand.local(3))
    hand.step("multiply", (x, aside), hand.rowwise(3))
    return hand
