"""Networks on rows and images: dense, convolutional, normalised, encoding and decoding."""

from typing import Any

from tests.programs.program import labels, normal, positive, program, weights


def cross_entropy(lib: Any, logits: Any, labels: Any) -> Any:
    """Return the mean cross-entropy of rows of logits."""
    chosen = lib.take_along_axis(logits, labels[:, None], 1)[:, 0]
    return (lib.logsumexp(logits, 1) - chosen).mean()


@program(x_fixed=normal(8, 5), y_fixed=labels(8, classes=3), a=weights(5, 6), b=normal(6),
         c=weights(6, 3), d=normal(3))  # fmt: skip
def mlp_classifier(lib, x_fixed, y_fixed, a, b, c, d):
    """Two dense layers and a softmax."""
    return cross_entropy(lib, lib.tanh(x_fixed @ a + b) @ c + d, y_fixed)


@program(x=normal(6, 5), a=weights(5, 7), scale=positive(7), shift=normal(7), c=weights(7, 2),
         mask_fixed=labels(6, 7, classes=2))  # fmt: skip
def mlp_layer_norm_gelu_dropout(lib, x, a, scale, shift, c, mask_fixed):
    """A layer norm, an exact GELU, and dropout by a given mask."""
    h = x @ a
    centred = h - h.mean(1)[:, None]
    h = centred / lib.sqrt((centred * centred).mean(1)[:, None] + 1e-5) * scale + shift
    h = h * 0.5 * (1 + lib.erf(h / 2**0.5)) * mask_fixed * 2.0
    return ((h @ c) ** 2).mean()


@program(x=normal(2, 1, 8, 8), a=normal(3, 1, 3, 3, scale=0.5), b=normal(4, 3, 3, 3, scale=0.3),
         c=weights(16, 3), y_fixed=labels(2, classes=3))  # fmt: skip
def convolutional_classifier(lib, x, a, b, c, y_fixed):
    """Two convolutions, average pooling by reshaping, and a dense layer."""
    h = lib.tanh(lib.conv2d(x, a, padding=1))
    h = h.reshape(2, 3, 4, 2, 4, 2).mean(5).mean(3)
    h = lib.tanh(lib.conv2d(h, b, padding=1)).reshape(2, 4, 2, 2, 2, 2).mean(5).mean(3)
    return cross_entropy(lib, h.reshape(2, 16) @ c, y_fixed)


@program(x=normal(3, 4, 5, 5), a=normal(4, 4, 3, 3, scale=0.3), b=normal(4, 4, 3, 3, scale=0.3),
         scale=positive(4), shift=normal(4))  # fmt: skip
def residual_block_with_batch_norm(lib, x, a, b, scale, shift):
    """Convolution, batch norm, a smooth activation, convolution, and the sum."""
    h = lib.conv2d(x, a, padding=1)
    mean = h.mean(3).mean(2).mean(0)[None, :, None, None]
    spread = ((h - mean) ** 2).mean(3).mean(2).mean(0)[None, :, None, None]
    h = (h - mean) / lib.sqrt(spread + 1e-5) * scale[None, :, None, None]
    h = lib.softplus(h + shift[None, :, None, None])
    return lib.tanh(x + lib.conv2d(h, b, padding=1)).mean()


@program(x=normal(2, 4, 6, 6), a=normal(4, 1, 3, 3, scale=0.4), b=normal(5, 4, 1, 1, scale=0.5))
def depthwise_separable_convolution(lib, x, a, b):
    """A convolution for each channel, with a stride, then one across channels."""
    h = lib.conv2d(x, a, stride=2, padding=1, groups=4)
    return (lib.sigmoid(lib.conv2d(h, b)) ** 2).sum()


@program(x=normal(1, 1, 8, 8), down=normal(3, 1, 2, 2, scale=0.5),
         mid=normal(3, 3, 3, 3, scale=0.3), up=normal(1, 6, 3, 3, scale=0.3))  # fmt: skip
def u_net(lib, x, down, mid, up):
    """Down by a stride, through, up by repeating, and joined with what was before."""
    fine = lib.tanh(lib.conv2d(x, down, padding=1)[:, :, :8, :8])
    coarse = lib.tanh(lib.conv2d(fine, mid, stride=2, padding=1))
    wide = lib.stack([coarse, coarse], 3).reshape(1, 3, 8, 4)
    wide = lib.stack([wide, wide], 4).reshape(1, 3, 8, 8)
    made = lib.conv2d(lib.concatenate([fine, wide], 1), up, padding=1)
    return ((made - x) ** 2).mean()


@program(x_fixed=normal(5, 6), a=weights(6, 3), b=weights(3, 6))
def tied_autoencoder(lib, x_fixed, a, b):
    """A linear code with a decoder that shares half of its weights."""
    code = lib.tanh(x_fixed @ a)
    return ((code @ (0.5 * a.T + 0.5 * b) - x_fixed) ** 2).mean()


@program(x_fixed=normal(4, 5), a=weights(5, 6), b=weights(3, 5), noise_fixed=normal(4, 3))
def variational_autoencoder(lib, x_fixed, a, b, noise_fixed):
    """The evidence lower bound with given noise."""
    h = x_fixed @ a
    mean, logvar = h[:, :3], 0.5 * lib.tanh(h[:, 3:])
    z = mean + lib.exp(0.5 * logvar) * noise_fixed
    error = ((lib.sigmoid(z @ b) - x_fixed) ** 2).sum(1)
    divergence = 0.5 * (lib.exp(logvar) + mean**2 - 1 - logvar).sum(1)
    return (error + divergence).mean()


@program(x_fixed=normal(5, 3), z=normal(2), a=weights(2, 12), b=normal(4))
def hypernetwork(lib, x_fixed, z, a, b):
    """A network whose weights another one makes."""
    w = (lib.tanh(z) @ a).reshape(3, 4)
    return lib.exp(-((x_fixed @ w + b) ** 2).mean(1)).sum()


@program(x_fixed=normal(6, 4), gate=weights(4, 3), experts=normal(3, 4, 2, scale=0.5))
def mixture_of_experts(lib, x_fixed, gate, experts):
    """Experts' results, weighted by a softmax of the input."""
    weight = lib.softmax(x_fixed @ gate, -1)
    made = lib.einsum("ni,eio->neo", x_fixed, experts)
    mixed = lib.einsum("ne,neo->no", weight, lib.tanh(made))
    return (mixed**2).sum() + (weight.mean(0) ** 2).sum()
