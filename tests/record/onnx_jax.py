#!/usr/bin/env python3
"""Records ONNX fixtures of JAX networks (Flax) through jax2onnx: tests/onnx/jax_*.onnx.

Needs the packages of onnx_common.py and jax2onnx, flax.
"""
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax2onnx import to_onnx

from onnx_common import record


W = np.sin(np.arange(60, dtype=np.float32)).reshape(6, 10) / 3
V = np.cos(np.arange(30, dtype=np.float32)).reshape(10, 3) / 3


class Actor(nnx.Module):
    def __init__(self, rngs):
        self.embed, self.norm = nnx.Linear(6, 12, rngs=rngs), nnx.LayerNorm(12, rngs=rngs)
        self.inner, self.head = nnx.Linear(12, 12, rngs=rngs), nnx.Linear(12, 8, rngs=rngs)

    def __call__(self, obs):
        h = nnx.silu(self.embed(obs))
        h = h + nnx.gelu(self.inner(self.norm(h)))
        mean, scale = jnp.split(self.head(h), 2, axis=-1)
        return jnp.tanh(mean), jax.nn.softplus(scale)


def plain(obs):
    """Without a library of layers."""
    h = jax.nn.elu((obs - 0.25) / 1.5 @ W + 0.1)
    return jnp.clip(h @ V, -1.0, 1.0)


def main():
    record("jax_actor", to_onnx(Actor(nnx.Rngs(0)), inputs=[("B", 6)]))
    record("jax_actor_one", to_onnx(Actor(nnx.Rngs(0)), inputs=[(1, 6)]))
    record("jax_plain", to_onnx(plain, inputs=[("B", 6)]))


if __name__ == "__main__":
    main()
