"""Predicts one batch with PyTorch, as a process: ``python torch_predict.py WEIGHTS BATCH OUT``."""

import sys

import numpy as np
import torch
from torch.nn import functional

weights, batch, out = sys.argv[1:]
w1, b1, w2, b2 = torch.load(weights, weights_only=True)
with torch.inference_mode():
    x = torch.from_numpy(np.load(batch))
    np.save(out, functional.linear(functional.linear(x, w1, b1).relu(), w2, b2).numpy())
