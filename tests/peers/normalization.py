"""Cross-checks of norms."""

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(6)
IMAGES = RNG.uniform(-2, 2, (3, 4, 2, 5))
ROWS_OF_SIX = RNG.uniform(-2, 2, (5, 6))
WEIGHT, BIAS, MEAN = RNG.uniform(-1, 1, (3, 4))
VAR = RNG.uniform(0.5, 2, 4)
SIX, SIX_MORE = RNG.uniform(-1, 1, (2, 6))

ROWS = [
    Row("layer_norm", (ROWS_OF_SIX, SIX, SIX_MORE),
        lambda x, w, b: df.nn.layer_norm(x, (6,), w, b),
        lambda t, x, w, b: t.nn.functional.layer_norm(x, (6,), w, b),
        lambda j, x, w, b: j.nn.standardize(x, epsilon=1e-5) * w + b),
    Row("layer_norm", (IMAGES, IMAGES[0, 0], IMAGES[0, 1]),
        lambda x, w, b: df.nn.layer_norm(x, (2, 5), w, b),
        lambda t, x, w, b: t.nn.functional.layer_norm(x, (2, 5), w, b), None),
    Row("layer_norm", (ROWS_OF_SIX,), lambda x: df.nn.layer_norm(x, 6, eps=0.1),
        lambda t, x: t.nn.functional.layer_norm(x, (6,), eps=0.1), None),
    Row("rms_norm", (ROWS_OF_SIX, SIX), lambda x, w: df.nn.rms_norm(x, 6, w),
        lambda t, x, w: t.nn.functional.rms_norm(x, (6,), w), None),
    Row("rms_norm", (IMAGES, IMAGES[0, 0]), lambda x, w: df.nn.rms_norm(x, (2, 5), w),
        lambda t, x, w: t.nn.functional.rms_norm(x, (2, 5), w), None),
    Row("rms_norm", (ROWS_OF_SIX, SIX), lambda x, w: df.nn.rms_norm(x, (6,), w, 0.1),
        lambda t, x, w: t.nn.functional.rms_norm(x, (6,), w, 0.1),
        lambda j, x, w: x / j.numpy.sqrt((x * x).mean(-1, keepdims=True) + 0.1) * w),
    *[Row("group_norm", (IMAGES, WEIGHT, BIAS), lambda x, w, b, g=g: df.nn.group_norm(x, g, w, b),
          lambda t, x, w, b, g=g: t.nn.functional.group_norm(x, g, w, b), None)
      for g in (1, 2, 4)],
    Row("group_norm", (ROWS_OF_SIX,), lambda x: df.nn.group_norm(x, 3, eps=0.1),
        lambda t, x: t.nn.functional.group_norm(x, 3, eps=0.1), None),
    Row("instance_norm", (IMAGES, WEIGHT, BIAS), df.nn.instance_norm,
        lambda t, x, w, b: t.nn.functional.instance_norm(x, weight=w, bias=b), None),
    *[Row("batch_norm", (x, MEAN, VAR, WEIGHT, BIAS),
          lambda x, *rest: df.nn.batch_norm(x, *rest, eps=0.1),
          lambda t, x, m, v, w, b: t.nn.functional.batch_norm(
              x, m.detach(), v.detach(), w, b, eps=0.1) + 0 * (m.sum() + v.sum()), None,
          gradient=False)
      for x in (IMAGES, IMAGES[..., 0, 0], IMAGES[:, :, 0])],
    *[Row("batch_norm", (x, WEIGHT, BIAS),
          lambda x, w, b: df.nn.batch_norm(x, None, None, w, b, training=True),
          lambda t, x, w, b: t.nn.functional.batch_norm(x, None, None, w, b, training=True), None)
      for x in (IMAGES, IMAGES[..., 0, 0], IMAGES[:, :, 0])],
    Row("batch_norm", (IMAGES, WEIGHT),
        lambda x, w: df.nn.batch_norm(x, x.builder.constant(MEAN), x.builder.constant(VAR), w),
        lambda t, x, w: t.nn.functional.batch_norm(x, t.tensor(MEAN), t.tensor(VAR), w), None),
    *[Row("normalize", (IMAGES,), lambda x, p=p: df.nn.normalize(x, p),
          lambda t, x, p=p: t.nn.functional.normalize(x, p), None)
      for p in (1, 2, 3, float("inf"))],
]  # fmt: skip
