#!/usr/bin/env python3
"""Records ONNX fixtures with PyTorch's exporters, the older one and dynamo: tests/onnx/pytorch_*.onnx.

Needs the packages of onnx_common.py and torch, onnxscript.
"""
import os
import tempfile
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F

from onnx_common import record


class Actor(nn.Module):
    """Residual connection, LayerNorm, GELU, SiLU, concatenation."""

    def __init__(self):
        super().__init__()
        self.embed, self.norm = nn.Linear(6, 12), nn.LayerNorm(12)
        self.up, self.down = nn.Linear(12, 16), nn.Linear(16, 12)
        self.goal, self.head = nn.Linear(3, 5), nn.Linear(17, 4)

    def forward(self, obs, goal):
        h = F.silu(self.embed(obs))
        h = h + self.down(F.gelu(self.up(self.norm(h))))
        return torch.tanh(self.head(torch.cat([h, F.elu(self.goal(goal))], dim=-1)))


class Normalised(nn.Module):
    """An observation normaliser, a stack of layers, mean and standard deviation of a Gaussian policy."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.randn(7))
        self.register_buffer("std", torch.rand(7) + 0.5)
        self.net = nn.Sequential(nn.Linear(7, 8), nn.Softplus(), nn.Linear(8, 8, bias=False),
                                 nn.LeakyReLU(0.1), nn.Dropout(0.2), nn.Linear(8, 6))

    def forward(self, obs):
        x = torch.clamp((obs - self.mean) / self.std, -5.0, 5.0)
        mean, log_std = self.net(x).chunk(2, dim=-1)
        return torch.clip(mean, -1, 1), log_std.clamp(-20, 2)


class Pixels(nn.Module):
    """Padded, grouped and strided convolutions, BatchNorm, pooling, flatten by the batch size."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.ReLU(),
                                      nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False), nn.Conv2d(6, 8, 1),
                                      nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Sequential(nn.Linear(8 * 3 * 3, 10), nn.BatchNorm1d(10), nn.ReLU(), nn.Linear(10, 2))

    def forward(self, x):
        x = self.features(x / 255.0)
        return self.head(x.view(x.size(0), -1))


def settle(module, *inputs):
    """Running statistics that are not 0 and 1."""
    module.train()
    for _ in range(3):
        module(*[torch.randn(16, *x.shape[1:]) + 0.3 for x in inputs])
    return module.eval()


def export(name, module, inputs, names, outputs, dynamic=True, **options):
    axes = {n: {0: "batch"} for n in names + outputs} if dynamic else None
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        torch.onnx.export(module, inputs, path, input_names=names, output_names=outputs, dynamic_axes=axes,
                          dynamo=False, **options)
        record(name, path)


def export_dynamo(name, module, inputs, names, outputs, dynamic=True):
    shapes = tuple({0: torch.export.Dim("batch")} for _ in inputs) if dynamic else None
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        torch.onnx.export(module, inputs, path, input_names=names, output_names=outputs, dynamic_shapes=shapes,
                          dynamo=True, external_data=False)
        record(name, path)


def main():
    warnings.filterwarnings("ignore")
    torch.manual_seed(0)
    actor, obs, goal = Actor().eval(), torch.randn(2, 6), torch.randn(2, 3)
    normalised, state = Normalised().eval(), torch.randn(2, 7)
    image = torch.randn(2, 3, 12, 12)
    pixels = settle(Pixels(), image)
    names = (["obs", "goal"], ["action"])
    export("pytorch_actor_11", actor, (obs, goal), *names, opset_version=11)
    export("pytorch_actor_17", actor, (obs, goal), *names, opset_version=17)
    export("pytorch_actor_20_fixed", actor, (obs[:1], goal[:1]), *names, dynamic=False, opset_version=20)
    export("pytorch_gaussian", normalised, (state,), ["obs"], ["mu", "log_std"], opset_version=14)
    export("pytorch_gaussian_one", normalised, (state[0],), ["obs"], ["mu", "log_std"], dynamic=False, opset_version=14)
    export("pytorch_pixels", pixels, (image,), ["image"], ["action"], opset_version=13)
    export("pytorch_pixels_9", pixels, (image,), ["image"], ["action"], opset_version=9, do_constant_folding=False)
    export_dynamo("dynamo_actor", actor, (obs, goal), *names)
    export_dynamo("dynamo_gaussian", normalised, (state,), ["obs"], ["mu", "log_std"])
    export_dynamo("dynamo_pixels", pixels, (image,), ["image"], ["action"])
    export_dynamo("dynamo_pixels_fixed", pixels, (image[:1],), ["image"], ["action"], dynamic=False)


if __name__ == "__main__":
    main()
