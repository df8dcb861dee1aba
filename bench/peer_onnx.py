#!/usr/bin/env python3
"""Times one input through an ONNX file in espalier and in onnxruntime, one thread each, in turns.

    bench/peer_onnx.py FILE.onnx [--espalier build/release/espalier] [--rounds N]

Prints microseconds per answer, medians of the rounds, and the ratio. onnxruntime runs with one intra-op and one
inter-op thread, all graph optimisations, and inputs and outputs bound beforehand, its fastest call from Python.
Needs the packages onnxruntime and numpy.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time

try:
    import numpy
    import onnxruntime
except ImportError:
    sys.exit("peer_onnx.py: onnxruntime and numpy are needed (pip install onnxruntime)")

CALLS = 2000


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    rng = numpy.random.default_rng(1)
    for i in session.get_inputs():
        shape = [d if isinstance(d, int) else 1 for d in i.shape]
        binding.bind_ortvalue_input(i.name, onnxruntime.OrtValue.ortvalue_from_numpy(
            rng.standard_normal(shape).astype(numpy.float32)))
    for o in session.get_outputs():
        binding.bind_output(o.name, "cpu")
    return session, binding


def peer_microseconds(session, binding):
    started = time.perf_counter()
    for _ in range(CALLS):
        session.run_with_iobinding(binding)
    return 1e6 * (time.perf_counter() - started) / CALLS


def own_microseconds(executable, path):
    out = subprocess.run([executable, "bench", path, "--only", "answer.1", "--threads", "1", "--json", "--quiet"],
                         check=True, stdout=subprocess.PIPE).stdout
    return 1e6 / json.loads(out)["rows"][0]["median"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--espalier", default="build/release/espalier", help="the executable to compare with")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each program")
    args = parser.parse_args()
    session, binding = session_of(args.file)
    peer_microseconds(session, binding)
    own, peer = [], []
    for _ in range(args.rounds):
        peer.append(peer_microseconds(session, binding))
        own.append(own_microseconds(args.espalier, args.file))
    ours, theirs = statistics.median(own), statistics.median(peer)
    print(f"onnxruntime {onnxruntime.__version__}: {theirs:.2f} us per answer ({min(peer):.2f} to {max(peer):.2f})")
    print(f"espalier: {ours:.2f} us per answer ({min(own):.2f} to {max(own):.2f}), {theirs / ours:.2f} times as fast")


if __name__ == "__main__":
    main()
