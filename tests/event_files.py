"""Event files against the metrics of a run or the table of a sweep that they were made from.

usage: event_files.py own|tensorboard FOLDER metrics.jsonl COUNTER
       event_files.py own|tensorboard FOLDER results.csv WAY

"own" reads the files strictly by itself; "tensorboard" uses TensorBoard's reader and ends with status 77 where that is
not installed. Every number of every line must be a scalar at its step, once, and nothing else.
"""
import csv
import glob
import json
import math
import os
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    data = open(path, "rb").read()
    at = 0
    while at < len(data):
        length, of_length = struct.unpack_from("<QI", data, at)
        body = data[at + 12:at + 12 + length]
        (of_body,) = struct.unpack_from("<I", data, at + 12 + length)
        assert len(body) == length and of_length == masked(data[at:at + 8]) and of_body == masked(body), path
        at += 16 + length
        yield body


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif wire == 5:
            value, at = struct.unpack_from("<f", data, at)[0], at + 4
        else:
            assert wire == 2
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        yield number, value


def read_own(folder):
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "events.out.tfevents.*"))):
        bodies = [dict(fields(body)) for body in records(path)]
        assert bodies[0][3] == b"brain.Event:2" and dict(fields(bodies[1][7])) == {1: 1}, path
        first = bodies[1].get(2, 0)
        found = {(tag, step): value for (tag, step), value in found.items() if step < first}
        for body in bodies[2:]:
            assert body[1] > 1.6e9  # seconds since 1970
            for number, value in fields(body[5]):
                scalar = dict(fields(value))
                place = scalar[1].decode(), body[2]
                assert number == 1 and place not in found, f"{path}: {place} twice"
                found[place] = scalar[2]
    return found


def read_with_tensorboard(folder):
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        print("skipped: Python's package tensorboard is not installed")
        sys.exit(77)
    events = EventAccumulator(folder, size_guidance={"scalars": 0})
    events.Reload()
    found = {}
    for tag in events.Tags()["scalars"]:
        for event in events.Scalars(tag):
            assert (tag, event.step) not in found, f"{tag}: step {event.step} twice"
            found[tag, event.step] = event.value
    return found


def read_metrics(path, counter):
    for line in map(json.loads, open(path)):
        yield line.pop(counter), {key: line[key] for key in line if key != "wall_s"}


def read_table(path, way):
    texts = {"way", "method", "importance", "groups", "compensation", "judged", "target_sparsity", "seed"}
    for row in csv.DictReader(open(path)):
        if row["way"] == way:
            yield round(1000 * float(row["target_sparsity"])), \
                {key: float(row[key]) for key in row if row[key] and key not in texts and not key.startswith("c:")}


reader, folder, source, name = sys.argv[1:]
found = read_own(folder) if reader == "own" else read_with_tensorboard(folder)
wanted = {}
for step, line in read_table(source, name) if source.endswith(".csv") else read_metrics(source, name):
    for key, value in line.items():
        if type(value) in (int, float):
            wanted[key, step] = struct.unpack("<f", struct.pack("<f", value))[0]
assert wanted and set(found) == set(wanted), f"{set(found) ^ set(wanted)}"
for place, value in wanted.items():  # the table has ten digits, float32 has seven
    assert math.isclose(found[place], value, rel_tol=2e-7), f"{place}: {found[place]}, expected {value}"
print(f"{len(found)} scalars agree")
