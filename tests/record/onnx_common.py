"""Shared by the scripts that record ONNX fixtures: writes NAME.onnx and NAME.safetensors into tests/onnx.

NAME.safetensors holds x [samples, values]: the inputs of a sample one after another, and y: what onnxruntime makes of
them, the outputs one after another. Needs the packages numpy, onnx, onnxruntime and safetensors.
"""
import os

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import save_file

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "onnx")
SAMPLES = 5


def record(name, model, scale=1.0):
    """Runs the model (a ModelProto or a path) on random samples, one at a time, and writes both files."""
    if isinstance(model, (str, os.PathLike)):
        model = onnx.load(model)
    del model.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del model.graph.value_info[:]
    path = os.path.join(FOLDER, name + ".onnx")
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    xs, ys = [], []
    for _ in range(SAMPLES):
        feed = {}
        for i in session.get_inputs():
            shape = [d if isinstance(d, int) else 1 for d in i.shape]
            kind = np.float64 if i.type == "tensor(double)" else np.float32
            feed[i.name] = (scale * rng.standard_normal(shape)).astype(kind)
        xs.append(np.concatenate([v.astype(np.float32).ravel() for v in feed.values()]))
        ys.append(np.concatenate([v.astype(np.float32).ravel() for v in session.run(None, feed)]))
    save_file({"x": np.stack(xs), "y": np.stack(ys)}, os.path.join(FOLDER, name + ".safetensors"))
    print(f"{name}: {os.path.getsize(path)} bytes, {xs[0].size} -> {ys[0].size}")
