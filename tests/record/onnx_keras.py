#!/usr/bin/env python3
"""Records ONNX fixtures of Keras networks: through tf2onnx, and through Keras's own exporter where it has one.

tests/onnx/tf2onnx_*.onnx, keras_*.onnx. Needs the packages of onnx_common.py and tensorflow-cpu, tf2onnx.
"""
import os
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import tensorflow as tf
import tf2onnx
from keras import layers

from onnx_common import record


def gelu(x):
    """By tanh: tf2onnx writes the other one with an operator that ONNX does not have."""
    return keras.activations.gelu(x, approximate=True)


def actor():
    obs, goal = layers.Input((6,), name="obs"), layers.Input((3,), name="goal")
    h = layers.Dense(12, activation="swish", name="embed")(obs)
    h = layers.LayerNormalization(epsilon=1e-4, name="norm")(h)
    h = layers.Add()([h, layers.Dense(12, activation=gelu, name="inner")(h)])
    h = layers.Concatenate()([h, layers.Dense(5, activation="elu", name="aim")(goal)])
    h = layers.BatchNormalization(name="batch")(layers.Dense(8, activation="leaky_relu", name="last")(h))
    return keras.Model([obs, goal], layers.Dense(4, activation="tanh", name="action")(h))


def settle(model, *shapes):
    """Running statistics that are not 0 and 1."""
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            weights = [w + 0.1 * tf.random.uniform(w.shape, seed=3).numpy() for w in layer.get_weights()]
            layer.set_weights(weights)
    return model


def main():
    keras.utils.set_random_seed(0)
    model = settle(actor())
    spec = [tf.TensorSpec((None, 6), tf.float32, name="obs"), tf.TensorSpec((None, 3), tf.float32, name="goal")]

    @tf.function(input_signature=spec)
    def call(obs, goal):
        return model([obs, goal])

    for opset in (11, 17):
        proto, _ = tf2onnx.convert.from_function(call, spec, opset=opset)
        record(f"tf2onnx_actor_{opset}", proto)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        try:
            model.export(path, format="onnx", verbose=False)
        except Exception as error:  # versions of the exporter differ
            print("keras_actor: not exported:", error)
        else:
            record("keras_actor", path)


if __name__ == "__main__":
    main()
