"""Files of PDEBench and The Well as h5py (and so PDEBench's own programs) makes and sees them. Usage: check_layouts.py DIRECTORY NOMOS CASES.

Every file below is made by h5py as PDEBench's generators make theirs (names, shapes, types, attributes, lzf), imported by nomos, compared, and exported again: it must come out as it was. Runs of ours come out with the same names, shapes
and types."""
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

directory, nomos, cases = os.path.join(sys.argv[1], "layouts"), sys.argv[2], sys.argv[3]
shutil.rmtree(directory, ignore_errors=True)
os.makedirs(directory)
random = np.random.default_rng(1)
N, T, X, Y, Z = 3, 5, 16, 8, 4


def run(*arguments):
    environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1", NOMOS_CASES=cases)
    done = subprocess.run([nomos, *arguments], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stderr


def path(*names):
    return os.path.join(directory, *names)


def numbers(*shape):
    """Few different values, so that lzf has something to do."""
    return np.round(random.normal(size=shape), 1).astype(np.float32)


def axis(n):
    return ((np.arange(n) + 0.5) / n).astype(np.float32)


def flat(fields, space, attributes, device=False, t=True):
    def make(file):
        for name in fields:
            file[name] = numbers(*((1,) if device else ()), N, T, *space.values())
        for name, n in space.items():
            file[f"{name}-coordinate"] = axis(n)
        if t:
            file["t-coordinate"] = (0.25 * np.arange(T + 1)).astype(np.float32)
        file.attrs.update(attributes)
    return make


def groups(space, components, compression, order=None):
    def make(file):
        for n in range(N):
            group = file.create_group(f"{n:04d}")
            group.create_dataset("data", data=numbers(T, *(space[name] for name in order or space), components), dtype="f", compression=compression)
            for name, size in space.items():
                group.create_dataset(f"grid/{name}", data=axis(size), dtype="f", compression=compression)
            group.create_dataset("grid/t", data=np.arange(T), dtype="f", compression=compression)
            group.attrs["config"] = f"sim:\n  seed: {n}\n  dam_radius: {0.25 + n / 8}\n  nu: 0.5\n"  # each has its own
    return make


def darcy(file):
    file["tensor"], file["nu"] = numbers(N, 1, X, Y), numbers(N, X, Y)
    file["x-coordinate"], file["y-coordinate"], file["t-coordinate"] = axis(X), axis(Y), np.zeros(1, np.float32)
    file.attrs["beta"] = 0.1


def incompressible(file):
    for name, shape in (("velocity", (N, T, X, Y, 2)), ("particles", (N, T, X, Y, 1)), ("force", (N, X, Y, 2))):
        file.create_dataset(name, data=numbers(*shape), compression="lzf", chunks=(1, 1, *shape[2:]), shuffle=True)
    file.create_dataset("t", data=np.tile(np.arange(T, dtype=np.float32), (N, 1)), compression="lzf", chunks=(1, 1), shuffle=True)
    file.attrs.update(latestIndex=T - 1, config="sim:\n  nu: 0.01\n")


def well(file):
    file.attrs.update(dataset_name="sample", grid_type="cartesian", n_spatial_dims=2, n_trajectories=N, simulation_parameters=["a"], a=2.0)
    dimensions = file.create_group("dimensions")
    dimensions.attrs["spatial_dims"] = ["x", "y"]
    for name, values in (("time", np.arange(T)), ("x", axis(X)), ("y", axis(Y))):
        dimensions[name] = values.astype(np.float32)
        dimensions[name].attrs["sample_varying"] = False
        dimensions[name].attrs["time_varying"] = name == "time"
    boundary = file.create_group("boundary_conditions/x_periodic")
    boundary.attrs.update(associated_dims=["x"], associated_fields=[], bc_type="PERIODIC", sample_varying=False, time_varying=False)
    boundary["mask"] = np.isin(np.arange(X), (0, X - 1))
    scalars = file.create_group("scalars")
    scalars.attrs["field_names"] = ["a", "b"]
    for name, values in (("a", np.float32(2)), ("b", np.arange(N, dtype=np.float32))):
        scalars[name] = values
        scalars[name].attrs.update(sample_varying=name == "b", time_varying=False)
    for rank, fields in enumerate(((("density", (N, T, X, Y)), ("bottom", (X, Y)), ("profile", (N, T, X))), (("velocity", (N, T, X, Y, 2)),), (("stress", (N, T, X, Y, 2, 2)),))):
        group = file.create_group(f"t{rank}_fields")
        group.attrs["field_names"] = [name for name, _ in fields]
        for name, shape in fields:
            group[name] = numbers(*shape)
            group[name].attrs.update(sample_varying=name != "bottom", time_varying=name != "bottom", dim_varying=np.array([True, name != "profile"]))


def shape_of(file):
    """Every dataset: name, shape, type, whether lzf compresses it, its chunks; and the attributes of the file that are numbers."""
    found = {}
    file.visititems(lambda name, item: found.update({name: (item.shape, item.dtype, item.compression, item.chunks)}) if isinstance(item, h5py.Dataset) else None)
    return found, {name: value for name, value in file.attrs.items() if np.isscalar(value) and not isinstance(value, str) and name != "latestIndex"}


def texts_of(file):
    """What a file says of itself: with its first field, where programs take its own attributes for parameters."""
    attributes = next((file[name].attrs for name in ("tensor", "density") if name in file and "equation" in file[name].attrs), file.attrs)
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in attributes.items()}


def units_of(file):
    units = {}
    file.visititems(lambda name, item: units.update({name: item.attrs["units"]}) if isinstance(item, h5py.Dataset) else None)
    return units


# name: how it is made, and what is imported: our name, theirs, the axes there with the component that is ours
files = {
    "advection": (flat(["tensor"], {"x": X}, {"beta": 0.4}), {"u": ("tensor", "ntx")}),
    "burgers": (flat(["tensor"], {"x": X}, {"Nu": 0.01}), {"u": ("tensor", "ntx")}),
    "reaction_diffusion": (flat(["tensor"], {"x": X}, {"Nu": 0.5, "rho": 1.0}), {"u": ("tensor", "ntx")}),
    "merged": (flat(["tensor"], {"x": X}, {"Nu": 0.01}, device=True), {"u": ("tensor", "dntx")}),
    "cfd_1d": (flat(["density", "pressure", "Vx"], {"x": X}, {"eta": 0.1, "zeta": 0.1}), {name: (name, "ntx") for name in ("density", "pressure", "Vx")}),
    "cfd_2d": (flat(["density", "pressure", "Vx", "Vy"], {"x": X, "y": Y}, {"M": 0.1, "eta": 0.01, "zeta": 0.01}), {name: (name, "ntxy") for name in ("density", "pressure", "Vx", "Vy")}),
    "cfd_3d": (flat(["density", "pressure", "Vx", "Vy", "Vz"], {"x": X, "y": Y, "z": Z}, {"M": 1.0, "eta": 0.01, "zeta": 0.01}), {name: (name, "ntxyz") for name in ("density", "pressure", "Vx", "Vy", "Vz")}),
    "darcy": (darcy, {"u": ("tensor", "ntxy"), "coefficient": ("nu", "nxy")}),
    "incompressible": (incompressible, {"Vx": ("velocity", "ntxy0"), "Vy": ("velocity", "ntxy1"), "particles": ("particles", "ntxy0"), "force_y": ("force", "nxy1")}),
    "diffusion_sorption": (groups({"x": X}, 1, "lzf"), {"u": ("data", "tx0")}),
    "diffusion_reaction": (groups({"x": X, "y": Y}, 2, "lzf", order="yx"), {"u": ("data", "tyx0"), "v": ("data", "tyx1")}),
    "shallow_water": (groups({"x": X, "y": Y}, 1, None), {"h": ("data", "txy0")}),
    "well": (well, {"density": ("t0_fields/density", "ntxy"), "velocity_y": ("t1_fields/velocity", "ntxy1"), "stress_xy": ("t2_fields/stress", "ntxy01")}),
}

for name, (make, fields) in files.items():
    with h5py.File(path(f"{name}.h5"), "w") as file:
        make(file)
    run("import", path(f"{name}.h5"), "-q", "-o", path(f"{name}.nc"))
    with h5py.File(path(f"{name}.h5")) as original, h5py.File(path(f"{name}.nc")) as imported:
        for ours, (theirs, axes) in fields.items():
            values = np.stack([original[f"{n:04d}/{theirs}"][:] for n in range(N)]) if theirs == "data" else original[theirs][:]
            values = values[0] if axes.startswith("d") else values
            values = values[(..., *(int(c) for c in axes if c.isdigit()))]
            space = axes.count("x") + axes.count("y") + axes.count("z")
            lead = values.ndim - space
            if "yx" not in axes:
                values = values.transpose(*range(lead), *reversed(range(lead, values.ndim)))
            assert imported[ours].dtype == np.float32 and imported[ours].shape == values.shape, (name, ours, imported[ours])
            assert (imported[ours][:] == values).all(), (name, ours)
        for key, value in original.attrs.items():
            parameter = {"Nu": "nu"}.get(key, key)
            if np.isscalar(value) and not isinstance(value, str) and not key.startswith(("n_", "latest")):
                assert (imported[parameter][:] == value).all() and imported[parameter].dtype == np.float64, (name, key)
        if name != "darcy":
            assert imported["time"].shape == (T,), name
    if name == "well":
        assert (h5py.File(path("well.nc"))["b"][:] == np.arange(N)).all()

# ours to PDEBench's: every dataset is back with its name, shape, type, compression, chunks and values; but for what is open: h5py cuts groups into chunks of its own, and a steady state has no time
for name in ("advection", "burgers", "reaction_diffusion", "cfd_1d", "cfd_2d", "cfd_3d", "incompressible", "diffusion_sorption", "diffusion_reaction", "shallow_water", "darcy"):
    run("export", path(f"{name}.nc"), "--format", "pdebench", "-q", "-o", path(f"{name}_back.h5"))
    with h5py.File(path(f"{name}.h5")) as original, h5py.File(path(f"{name}_back.h5")) as back:
        (before, parameters), (after, parameters_after) = shape_of(original), shape_of(back)
        if name == "incompressible":
            assert all(back.attrs[key] == original.attrs[key] for key in ("latestIndex", "config"))
        if name not in ("diffusion_sorption", "diffusion_reaction", "shallow_water"):
            assert parameters == parameters_after, (name, parameters, parameters_after)
        assert before.keys() == after.keys(), (name, before.keys() ^ after.keys())
        for dataset, (*kind, chunks) in before.items():
            if name == "darcy" and dataset == "t-coordinate":
                continue
            *kind_after, chunks_after = after[dataset]
            assert kind_after == kind and (chunks_after == chunks or (dataset.endswith("/data") and chunks and chunks_after)), (name, dataset, before[dataset], after[dataset])
            assert (back[dataset][:] == original[dataset][:]).all(), (name, dataset)
        if "0000" in back:
            assert all(f"seed: {n}\n" in config and f"dam_radius: {0.25 + n / 8}\n" in config and "nu: 0.5" in config for n, config in ((n, back[f"{n:04d}"].attrs["config"]) for n in range(N)))

# equation, scheme and units go along, into either layout
units = {"density": "kg m-3", "pressure": "Pa", "Vx": "m s-1", "x": "km", "time": "h"}
with h5py.File(path("cfd_1d.nc"), "a") as file:
    file.attrs.update(equation="rho_t + (rho v)_x = 0", scheme="by hand")
    for name, unit in units.items():
        file[name].attrs["units"] = unit
for layout, places in (("pdebench", {"x": "x-coordinate", "time": "t-coordinate"}), ("well", {"x": "dimensions/x", "time": "dimensions/time", **{name: f"t0_fields/{name}" for name in ("density", "pressure", "Vx")}})):
    run("export", path("cfd_1d.nc"), "--format", layout, "-q", "-o", path(f"described_{layout}.h5"))
    with h5py.File(path(f"described_{layout}.h5")) as back:
        assert texts_of(back)["equation"] == "rho_t + (rho v)_x = 0" and texts_of(back)["scheme"] == "by hand", (layout, texts_of(back))
        assert units_of(back).items() >= {places.get(name, name): unit for name, unit in units.items()}.items(), (layout, units_of(back))

# in a file with one value for all, what differs and is no coefficient is left out, and named
with h5py.File(path("diffusion_sorption.nc"), "a") as file:
    file.attrs["family"] = "none"
told = run("export", path("diffusion_sorption.nc"), "--format", "pdebench", "-o", path("none.h5"))
assert "seed is left out: it differs between trajectories" in told and "dam_radius is left out" in told and "nu is left out" not in told, told
with h5py.File(path("none.h5")) as back:
    assert back.attrs["Nu"] == 0.5 and not {"seed", "dam_radius"} & {*back.attrs, *back["tensor"].attrs}

# runs of ours: what there is, and how it is stored; nothing else
runs = {
    "darcy": (["darcy.nx=16"], {"tensor": (1, 1, 16, 16), "nu": (1, 16, 16)}, {"beta": 1}),
    "incompressible": (["incompressible.nx=16"], {"velocity": (1, 5, 16, 16, 2), "particles": (1, 5, 16, 16, 1), "force": (1, 16, 16, 2), "t": (1, 5)}, {"nu": 0.01, "latestIndex": 4}),
}
for name, (settings, datasets, attributes) in runs.items():
    run("run", f"pde/{name}", "--smoke", "--force", "-q", "-o", path(f"run_{name}"), *(part for setting in settings for part in ("--set", setting)))
    run("export", path(f"run_{name}"), "--format", "pdebench", "-q", "-o", path(f"run_{name}.h5"))
    with h5py.File(path(f"run_{name}.h5")) as back:
        found = {dataset: item.shape for dataset, item in back.items() if not dataset.endswith("-coordinate")}
        assert found == datasets and all(back[dataset].dtype == np.float32 for dataset in datasets), (name, found)
        assert all(back.attrs[key] == value for key, value in attributes.items()), (name, dict(back.attrs))
        with h5py.File(path(f"run_{name}", "fields.nc")) as fields:
            assert all(texts_of(back)[key] == texts_of(fields)[key] for key in ("equation", "scheme")) and "16 x 16 cells" in texts_of(back)["scheme"], (name, texts_of(back))
            assert {*units_of(back).values()} == {"1"}, (name, units_of(back))
            for theirs, axes, ours in (("nu", (0, Ellipsis), "coefficient"), ("force", (0, Ellipsis, 1), "force_y"), ("velocity", (0, -1, Ellipsis, 1), "Vy"), ("tensor", (0, -1), "u")):
                if theirs in back:
                    values = fields[ours][:]
                    values = values if ours.startswith("force") else values[-1]
                    assert (back[theirs][axes] == values.T.astype(np.float32)).all() and np.ptp(values) > 0, (name, theirs)

# our data by the seed alone, as PDEBench's, and by a Mach number: the family is known
GAS = ["grid_pde.dimensions=2", "grid_pde.nx=8", "grid_pde.origin=[0, 0]", "initial.type=random_modes", "time.dt=0.05", "time.stop=0.1", "output.fields_every=0.05"]
eta = "{key: compressible.eta, also: [compressible.zeta], values: [0.01]}"
sweeps = {
    "diffusion_reaction": (["grid_pde.nx=8", "time.stop=0.1"], "", {"0001/data": (3, 8, 8, 2)}, {}),
    "diffusion_sorption": (["initial.type=random_constant", "grid_pde.nx=16", "time.stop=10"], "", {"0001/data": (3, 16, 1)}, {}),
    "dam_break": (["initial.type=random_dam", "grid_pde.nx=8", "time.dt=0.02", "time.stop=0.04", "output.fields_every=0.02", "output.scalars_every=0.02"], "", {"0001/data": (3, 8, 8, 1)}, {}),
    "darcy": (["darcy.nx=8"], "", {"tensor": (2, 1, 8, 8), "nu": (2, 8, 8)}, {"beta": 1}),
    "mach": (GAS, f"mach: {{key: initial.mach, values: [0.5]}}, eta: {eta}", {name: (2, 3, 8, 8) for name in ("density", "pressure", "Vx", "Vy")}, {"M": 0.5, "eta": 0.01, "zeta": 0.01}),
    "incompressible": (["incompressible.nx=8", "time.stop=0.1"], "", {"velocity": (2, 3, 8, 8, 2), "particles": (2, 3, 8, 8, 1), "force": (2, 8, 8, 2), "t": (2, 3)}, {"latestIndex": 2}),
}
for name, (settings, parameters, datasets, attributes) in sweeps.items():
    with open(path(f"{name}.yaml"), "w") as file:
        file.write(f"case: {{units: nondimensional}}\ndata: {{generator: sweep}}\nsweep:\n  case: pde/{'gas_waves' if name == 'mach' else name}\n  set: {settings}\n  trajectories: 2\n"
                   f"  parameters: {{{parameters}}}\n  fields: {'[Vx, Vy, particles, force_x, force_y]' if name == 'incompressible' else '[]'}\n")
    run("generate", path(f"{name}.yaml"), "--force", "-q", "-o", path(f"sweep_{name}"))
    run("export", path(f"sweep_{name}"), "--format", "pdebench", "-q", "-o", path(f"sweep_{name}.h5"))
    with h5py.File(path(f"sweep_{name}.h5")) as back:
        found, numbers_found = shape_of(back)
        found = {dataset: shape for dataset, (shape, dtype, *_) in found.items() if "coordinate" not in dataset and "grid/" not in dataset and not dataset.startswith("0000") and dtype == np.float32}
        assert found == datasets, (name, found)
        assert all(back.attrs[key] == value for key, value in attributes.items()) and numbers_found.keys() <= attributes.keys() | {"nu", "kappa", "force", "first_seed"}, (name, dict(back.attrs))
        assert "density" not in back or abs(back["density"].attrs["gamma"] - 5 / 3) < 1e-15, name
        with h5py.File(path(f"sweep_{name}", "data", "sweep.nc")) as fields:
            assert all(texts_of(back)[key] == texts_of(fields)[key] for key in ("equation", "scheme")), (name, texts_of(back))
        assert {*units_of(back).values()} == {"1"}, (name, units_of(back))
    run("import", path(f"sweep_{name}.h5"), "-q", "-o", path(f"sweep_{name}_back.nc"))
    if "density" in datasets:
        with h5py.File(path(f"sweep_{name}_back.nc")) as back:
            assert abs(back["gamma"][:] - 5 / 3).max() < 1e-15 and (back["zeta"][:] == 0.01).all()

# ours to The Well's, as its programs ask for it
run("export", path("well.nc"), "--format", "well", "-q", "-o", path("well_back.h5"))
with h5py.File(path("well.h5")) as original, h5py.File(path("well_back.h5")) as back:
    assert back.attrs["n_trajectories"] == N and back.attrs["n_spatial_dims"] == 2 and back.attrs["grid_type"] == "cartesian" and isinstance(back.attrs["grid_type"], str) and list(back.attrs["simulation_parameters"]) == ["a"] and back.attrs["a"] == 2
    assert list(back["dimensions"].attrs["spatial_dims"]) == ["x", "y"]
    assert list(back["t1_fields"].attrs["field_names"]) == ["velocity"] and len(back["t2_fields"].attrs["field_names"]) == 0
    for field in ("t0_fields/density", "t1_fields/velocity"):
        assert back[field].dtype == np.float32 and (back[field][:] == original[field][:]).all(), field
        assert back[field].attrs["time_varying"] and back[field].attrs["sample_varying"] and back[field].attrs["dim_varying"].all() and back[field].attrs["dim_varying"].dtype == bool
    assert back["scalars/a"].shape == () and not back["scalars/a"].attrs["sample_varying"] and back["scalars/b"].attrs["sample_varying"] and (back["scalars/b"][:] == np.arange(N)).all()
    assert back["boundary_conditions"].keys() == {"x_periodic"}
    known, returned = original["boundary_conditions/x_periodic"], back["boundary_conditions/x_periodic"]
    assert returned.attrs["bc_type"] == "PERIODIC" and list(returned.attrs["associated_dims"]) == ["x"] and (returned["mask"][:] == known["mask"][:]).all()
print("all as it should be")
