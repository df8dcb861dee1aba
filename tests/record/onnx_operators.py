#!/usr/bin/env python3
"""Records the ONNX fixtures that no exporter writes, node by node: tests/onnx/op_*.onnx."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from onnx_common import record

rng = np.random.default_rng(7)


def weights(*shape, dtype=np.float32):
    return (rng.standard_normal(shape) / np.sqrt(shape[-1] if shape else 1)).astype(dtype)


class Model:
    """A graph under construction; every method returns the name of a value."""

    def __init__(self, opset, *inputs):
        self.opset, self.nodes, self.constants, self.inputs, self.count = opset, [], [], [], 0
        for name, shape in inputs:
            self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def name(self, op):
        self.count += 1
        return f"{op}_{self.count}"

    def constant(self, values, name=None):
        name = name or self.name("constant")
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(self, op, *inputs, outputs=1, **attributes):
        out = [self.name(op) for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), out, name="/" + out[0], **attributes))
        return out[0] if outputs == 1 else out

    def record(self, name, *outputs, ir=8, scale=1.0):
        infos = [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs]
        graph = helper.make_graph(self.nodes, name, self.inputs, infos, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=ir)
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        onnx.checker.check_model(model)
        record(name, model, scale)


def products():
    m = Model(7, ("x", ["N", 5]))
    h = m.add("Gemm", "x", m.constant(weights(5, 6)), m.constant(weights(1, 6)), alpha=0.5, beta=2.0)
    h = m.add("Relu", h)
    h = m.add("Gemm", h, m.constant(weights(7, 6)), m.constant(weights(1)), transB=1)
    h = m.add("Add", m.constant(weights(4)), m.add("MatMul", h, m.constant(weights(7, 4))))
    m.record("op_products", h)
    m = Model(13, ("x", [5]))
    w = m.add("Constant", value=numpy_helper.from_array(weights(5, 6)))
    w2 = m.add("Cast", m.constant(weights(6, 3, dtype=np.float64)), to=TensorProto.FLOAT)
    m.record("op_one_sample", m.add("MatMul", m.add("Tanh", m.add("MatMul", "x", w)), w2))


def typed():
    """Data in fields of numbers instead of bytes."""
    m = Model(11, ("x", ["N", 3]))
    w = helper.make_tensor("w", TensorProto.FLOAT, [3, 4], weights(12).tolist())
    d = helper.make_tensor("d", TensorProto.DOUBLE, [4, 2], weights(8).astype(np.float64).tolist())
    s = helper.make_tensor("s", TensorProto.INT64, [2], [-1, 4])
    m.constants += [w, d, s]
    h = m.add("Reshape", m.add("MatMul", "x", "w"), "s")
    m.record("op_typed", m.add("MatMul", h, m.add("Cast", "d", to=TensorProto.FLOAT)))


def activations():
    m = Model(20, ("x", ["N", 4]))
    h = m.add("Gemm", "x", m.constant(3 * weights(4, 6)), m.constant(weights(6)))

    def number(value):
        return m.constant(np.float32(value))

    silu = m.add("Mul", m.add("Sigmoid", h), h)
    logistic = m.add("Div", number(1), m.add("Add", number(1), m.add("Exp", m.add("Neg", h))))
    outputs = [silu, m.add("Mul", h, logistic), m.add("Gelu", h), m.add("Gelu", h, approximate="tanh"),
               m.add("Softplus", h), m.add("Log", m.add("Add", m.add("Exp", h), number(1))),
               m.add("LeakyRelu", h, alpha=0.2), m.add("Elu", h, alpha=0.7), m.add("Selu", h), m.add("Elu", h)]
    erf = m.add("Erf", m.add("Div", h, number(np.sqrt(2))))
    outputs.append(m.add("Mul", m.add("Mul", h, m.add("Add", erf, number(1))), number(0.5)))
    outputs += [m.add("Clip", h, number(-0.5), number(0.25)), m.add("Clip", h, "", number(1)),
                m.add("Max", h, number(0)), m.add("Min", m.add("Max", h, number(-1)), number(1)),
                m.add("Where", m.add("Greater", h, number(0)), h, m.add("Sub", m.add("Exp", h), number(1)))]
    rows = [m.add("Concat", *outputs[i:i + 8], axis=1) for i in range(0, len(outputs), 8)]
    m.record("op_activations", m.add("Concat", *rows, axis=-1))
    m = Model(9, ("x", ["N", 4]))
    m.record("op_old_clip", m.add("Clip", m.add("MatMul", "x", m.constant(weights(4, 5))), min=-0.3, max=0.4))


def bounds():
    """Functions that differ from common activations only far out or close to 0."""
    m = Model(13, ("x", ["N", 24]))

    def number(value):
        return m.constant(np.float32(value))

    m.record("op_bounds", m.add("Clip", "x", number(-30), number(200)),
             m.add("Min", m.add("Relu", "x"), number(100)), m.add("Max", m.add("Tanh", "x"), number(-0.75)),
             m.add("Min", m.add("LeakyRelu", "x", alpha=0.5), number(50)), scale=100.0)


def normalisations():
    m = Model(17, ("x", ["N", 6]))
    h = m.add("LayerNormalization", "x", m.constant(1 + weights(6)), m.constant(weights(6)), epsilon=1e-3)
    h = m.add("Gemm", h, m.constant(weights(6, 5)), m.constant(weights(5)))
    mean, var = m.constant(weights(5)), m.constant(np.abs(weights(5)) + 0.1)
    h = m.add("BatchNormalization", h, m.constant(weights(5)), m.constant(weights(5)), mean, var, epsilon=1e-4)
    mean = m.add("ReduceMean", h, axes=[-1])
    centred = m.add("Sub", h, mean)
    variance = m.add("ReduceMean", m.add("Mul", centred, centred), axes=[-1])
    root = m.add("Sqrt", m.add("Add", variance, m.constant(np.float32(1e-5))))
    h = m.add("Add", m.add("Mul", m.add("Div", centred, root), m.constant(1 + weights(5))), m.constant(weights(5)))
    square = m.add("ReduceMean", m.add("Mul", h, h), axes=[1])
    mean = m.add("ReduceMean", h, axes=[1])
    variance = m.add("Sub", square, m.add("Mul", mean, mean))
    factor = m.add("Reciprocal", m.add("Sqrt", m.add("Add", variance, m.constant(np.float32(1e-2)))))
    m.record("op_norms", m.add("Mul", m.add("Sub", h, mean), factor))


def images():
    m = Model(13, ("x", ["N", 3, 9, 8]))
    h = m.add("Conv", "x", m.constant(weights(6, 3, 3, 2)), m.constant(weights(6)), strides=[2, 1], pads=[1, 0, 1, 1])
    h = m.add("Relu", h)
    h = m.add("Conv", h, m.constant(weights(6, 1, 3, 3)), group=6, auto_pad="SAME_UPPER")
    norm = [m.constant(v) for v in (weights(6), weights(6), weights(6), np.abs(weights(6)) + 0.5)]
    h = m.add("BatchNormalization", h, *norm)
    h = m.add("Add", m.add("Mul", h, m.constant(weights(6, 1, 1))), m.constant(weights(1, 6, 1, 1)))
    left = m.add("MaxPool", h, kernel_shape=[2, 2], strides=[2, 2])
    right = m.add("AveragePool", h, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0], count_include_pad=0)
    h = m.add("Concat", left, right, axis=1)
    h = m.add("Conv", h, m.constant(weights(9, 4, 2, 2)), m.constant(weights(9)), group=3, dilations=[1, 2])
    flat = m.add("Flatten", h)
    mean = m.add("Reshape", m.add("GlobalAveragePool", h), m.constant(np.array([0, -1])))
    size = 9 * 1 * 2
    m.record("op_images", m.add("Concat", m.add("MatMul", flat, m.constant(weights(size, 5))), mean, axis=1))


def parts():
    m = Model(13, ("a", ["N", 6]), ("b", ["N", 4]))
    h = m.add("Concat", "b", "a", axis=-1)
    first, second, third = m.add("Split", h, m.constant(np.array([3, 3, 4])), axis=1, outputs=3)
    h = m.add("Concat", m.add("Add", first, second), m.add("Sub", first, second), m.add("Mul", first, second), axis=1)
    s = m.add("Slice", h, *[m.constant(np.array([v])) for v in (-7, 100, 1)])
    g = m.add("Gather", third, m.constant(np.array([2, 3, 0])), axis=1)
    d = m.add("Div", s, m.add("Add", m.add("Pow", s, m.constant(np.float32(2))), m.constant(np.float32(1))))
    h = m.add("Concat", m.add("Neg", d), m.add("Sub", m.constant(weights(3)), g), axis=1)
    m.record("op_parts", m.add("MatMul", h, m.constant(weights(10, 2))), h)
    m = Model(9, ("x", ["N", 6]))
    head, tail = m.add("Split", m.add("MatMul", "x", m.constant(weights(6, 8))), axis=1, split=[5, 3], outputs=2)
    m.record("op_old_parts", m.add("Slice", head, starts=[1], ends=[-1], axes=[1]), tail)


def shapes():
    """What exporters compute from the batch size."""
    m = Model(13, ("x", ["N", 2, 3]))
    batch = m.add("Gather", m.add("Shape", "x"), m.constant(np.array(0)), axis=0)
    one = m.add("Unsqueeze", batch, m.constant(np.array([0])))
    shape = m.add("Concat", one, m.constant(np.array([-1])), axis=0)
    h = m.add("Gemm", m.add("Reshape", "x", shape), m.constant(weights(6, 4)))
    h = m.add("Squeeze", m.add("Unsqueeze", h, m.constant(np.array([0]))), m.constant(np.array([0])))
    h = m.add("Transpose", m.add("Unsqueeze", h, m.constant(np.array([1]))), perm=[1, 0, 2])
    h = m.add("Transpose", h, perm=[1, 0, 2])
    m.record("op_shapes", m.add("Identity", m.add("Dropout", m.add("Reshape", h, m.constant(np.array([0, 4]))))))


if __name__ == "__main__":
    for case in (products, typed, activations, bounds, normalisations, images, parts, shapes):
        case()
