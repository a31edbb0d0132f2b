"""Safetensors between programs: a reader and a writer after the format's description, with NumPy alone. Usage: check_safetensors.py DIRECTORY PROGRAM (safetensors_sample)."""
import json
import struct
import subprocess
import sys

try:
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

dtypes = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata, tensors, end = header.pop("__metadata__", {}), {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        start, stop = entry["data_offsets"]
        assert start == end and (8 + length + start) % dtypes[entry["dtype"]].itemsize == 0, f"{name}: a hole, an overlap, or not aligned"
        tensors[name], end = np.frombuffer(data[start:stop], dtypes[entry["dtype"]]).reshape(entry["shape"]), stop
    assert end == len(data)
    return tensors, metadata


def write(path, tensors, metadata):
    header, blocks, offset = {"__metadata__": metadata}, [], 0
    for name, array in tensors.items():
        blocks.append(array.tobytes())
        header[name] = {"dtype": "F32" if array.dtype == np.float32 else "F64", "shape": array.shape, "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blocks))


w = (np.arange(3)[:, None] + np.arange(5)[None, :] / 8).astype(np.float32)
b = 1 / (np.arange(3) + 1)
ours, theirs = f"{sys.argv[1]}/ours.safetensors", f"{sys.argv[1]}/theirs.safetensors"
subprocess.run([sys.argv[2], "write", ours], check=True)
tensors, metadata = read(ours)
assert set(tensors) == {"layer.weight", "layer.bias", "step"} and tensors["step"].shape == ()
assert tensors["layer.weight"].dtype == np.float32 and (tensors["layer.weight"] == w).all() and (tensors["layer.bias"] == b).all() and tensors["step"] == b[1]
assert metadata["format"] == "nomos" and json.loads(metadata["architecture"]) == {"width": 5, "name": "café"}
try:
    from safetensors.numpy import load_file
    assert (load_file(ours)["layer.weight"] == w).all()
    also = ", the safetensors package too"
except ImportError:
    also = ""
write(theirs, {"step": b[1], "layer.weight": w, "layer.bias": b}, {"author": "another"})
subprocess.run([sys.argv[2], "read", theirs], check=True)
print(f"NumPy reads our safetensors and we read NumPy's{also}")
