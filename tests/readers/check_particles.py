"""Particles as LagrangeBench's programs write and read them. Usage: check_particles.py DIRECTORY NOMOS CASES.

Files are made as its generator makes them (names, shapes, types, gzip), imported by nomos and exported again; and data that nomos makes are exported and opened by what its class H5Dataset does: groups by their sorted names, as many frames in all as the
first one has, a window of frames by slicing, types, and the keys of metadata.json that its programs ask for."""
import json
import os
import shutil
import subprocess
import sys

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

directory, nomos, cases = os.path.join(sys.argv[1], "particles"), sys.argv[2], sys.argv[3]
shutil.rmtree(directory, ignore_errors=True)
os.makedirs(directory)
random = np.random.default_rng(1)


def run(*arguments, fails=None):
    environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1", NOMOS_CASES=cases)
    done = subprocess.run([nomos, *arguments], capture_output=True, text=True, env=environment)
    assert (done.returncode == 0) == (fails is None), (arguments, done.stdout, done.stderr)
    assert not fails or fails in done.stderr, (fails, done.stderr)


def path(*names):
    return os.path.join(directory, *names)


def make_foreign(folder, d, counts):
    os.makedirs(path(folder))
    made = {}
    for split, n in counts.items():
        with h5py.File(path(folder, f"{split}.h5"), "w") as file:
            for i in range(n):
                particles = int(random.integers(5, 9))
                position = random.random((7, particles, d)).astype(np.float32)
                kind = random.choice([0, 1, 3], particles)
                file.create_dataset(f"{i:05d}/particle_type", data=kind)
                file.create_dataset(f"{i:05d}/position", data=position, dtype=np.float32, compression="gzip")
                made[split, i] = position, kind
    metadata = {"case": "TGV", "solver": "SPH", "dim": d, "dx": 0.02, "dt": 0.0004, "write_every": 100, "sequence_length_train": 6, "num_trajs_train": counts["train"], "num_particles_max": 9,
                "periodic_boundary_conditions": [False] * 3, "bounds": [[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]][:d], "default_connectivity_radius": 0.029}
    with open(path(folder, "metadata.json"), "w") as file:
        json.dump(metadata, file)
    return made, metadata


def open_as_theirs(folder, split):
    """(positions, types) of all trajectories, by the calls of H5Dataset."""
    with h5py.File(path(folder, f"{split}.h5"), "r") as file:
        keys = list(file.keys())
        length = file["00000/position"].shape[0]
        window = [file[key]["position"][2:5].transpose((1, 0, 2)) for key in keys]
        whole = [(file[key]["position"][0:length].transpose((1, 0, 2)), file[key]["particle_type"][:]) for key in keys]
    for part, (all_frames, _) in zip(window, whole):
        assert (part == all_frames[:, 2:5]).all()
    return [(position.transpose((1, 0, 2)), kind) for position, kind in whole]


def check_statistics(metadata, trajectories):
    for name, difference in (("vel", lambda x: x[1:] - x[:-1]), ("acc", lambda x: x[2:] - 2 * x[1:-1] + x[:-2])):
        pooled = np.concatenate([difference(position.astype(np.float64)).reshape(-1, position.shape[2]) for position, _ in trajectories])
        assert np.allclose(metadata[f"{name}_mean"], pooled.mean(0), atol=1e-12, rtol=1e-9), name
        assert np.allclose(metadata[f"{name}_std"], pooled.std(0), rtol=1e-9), name


for d in (2, 3):
    made, metadata = make_foreign(f"theirs_{d}", d, {"train": 4, "valid": 2, "test": 1})
    run("export", path(f"theirs_{d}"), "--format", "lagrangebench", "-o", path(f"back_{d}"))
    with open(path(f"back_{d}", "metadata.json")) as file:
        again = json.load(file)
    for split in ("train", "valid", "test"):
        for i, (position, kind) in enumerate(open_as_theirs(f"back_{d}", split)):
            assert position.dtype == np.float32 and (position == made[split, i][0]).all() and (kind == made[split, i][1]).all(), (split, i)
    assert again["dim"] == d and again["bounds"] == metadata["bounds"] and again["default_connectivity_radius"] == 0.029 and again["num_particles_max"] == max(x.shape[1] for x, _ in made.values())
    assert abs(again["dt"] * again["write_every"] - 0.04) < 1e-15 and again["num_trajs_train"] == 4 and again["num_trajs_test"] == 1 and again["sequence_length_train"] == 6 and again["periodic_boundary_conditions"] == [False] * 3
    check_statistics(again, [made["train", i] for i in range(4)])
    run("import", path(f"theirs_{d}"), "-o", path(f"ours_{d}.h5"))
    with h5py.File(path(f"ours_{d}.h5"), "r") as file:
        assert len(file) == 7 and abs(file.attrs["interval"] - 0.04) < 1e-15 and list(file.attrs["high"]) == [1.0, 2.0, 3.0][:d]
        assert (file["00005/position"][:] == made["valid", 1][0]).all() and (file["00006/particle_type"][:] == made["test", 0][1]).all()

# Data of nomos: throws, and a run.
throws = {"sweep.trajectories": "10", "sweep.set": "[mpm.cells=64, time.stop=0.02, bodies.body.particles_per_cell=1]", "sweep.tests.unseen.trajectories": "1", "sweep.tests.faster.trajectories": "1", "sweep.tests.other_shapes.trajectories": "1"}
run("generate", "graph/sand_data.yaml", "-o", path("sand"), *(argument for key, value in throws.items() for argument in ("--set", f"{key}={value}")))
run("export", path("sand", "data"), "--format", "lagrangebench", "-o", path("SAND"))
with open(path("SAND", "metadata.json")) as file:
    metadata = json.load(file)
splits = {split: open_as_theirs("SAND", split) for split in ("train", "valid", "test")}
assert [len(splits[split]) for split in splits] == [8, 1, 1] and metadata["dim"] == 2 and np.allclose(metadata["bounds"], [[4 / 64, 60 / 64]] * 2) and abs(metadata["dt"] - 0.005) < 1e-15
assert 1.3 / 64 < metadata["default_connectivity_radius"] < 1.6 / 64 and metadata["sequence_length_train"] == 4
check_statistics(metadata, splits["train"])
with h5py.File(path("sand", "data", "sweep.h5"), "r") as file:
    assert list(file.attrs["kinds"]) == ["sand"] and file["00000"].attrs["simulation"] == "graph/sand_throw.yaml" and any(text.startswith("bodies.body.velocity=") for text in file["00000"].attrs["set"])
    everything = {file[key]["position"][:].tobytes() for key in file}
assert everything == {position.tobytes() for split in splits.values() for position, _ in split}

run("run", "graph/water_throw.yaml", "-o", path("water"), "--set", "bodies.body.particles_per_cell=1", "--set", "time.stop=0.02", "--set", "output.pictures=no")
run("export", path("water"), "--format", "lagrangebench", "-o", path("WATER"))
with h5py.File(path("water", "fields.nc"), "r") as file:
    assert (open_as_theirs("WATER", "train")[0][0] == file["position"][:].astype(np.float32)).all()
run("export", path("water"), "--format", "lagrangebnch", "-o", path("WATER"), fails="pdebench, well, lagrangebench")
run("import", path("ours_2.h5"), "-o", path("ours_2.h5"), fails="is what is read: choose another one")
print("particles as LagrangeBench has them: good")
