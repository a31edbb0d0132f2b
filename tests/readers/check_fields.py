"""Field files as xarray and ncdump see them. Usage: check_fields.py DIRECTORY (written by write_sample)."""
import re
import subprocess
import sys
import warnings

try:
    import h5netcdf  # noqa: F401
    import numpy as np
    import xarray as xr
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

NL, NY, NX = 2, 6, 8
steps = np.array([0, 10, 20])
layer, y, x = np.meshgrid(np.arange(NL), np.arange(NY), np.arange(NX), indexing="ij")


def check_xarray(path, frames_there_is_room_for):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = xr.open_dataset(path, engine="h5netcdf")
    assert dict(data.sizes) == {"time": frames_there_is_room_for, "layer": NL, "y": NY, "x": NX}, data.sizes
    assert set(data.coords) == {"time", "layer", "y", "x"}, data.coords
    assert list(data.data_vars) == ["step", "q", "eta", "energy", "depth"], list(data.data_vars)
    assert data.encoding["unlimited_dims"] == {"time"}, data.encoding
    assert np.isnan(data.time.values[3:]).all()
    data = data.isel(time=slice(0, 3))
    assert data.q.dims == ("time", "layer", "y", "x") and data.q.dtype == np.float32
    assert data.eta.dims == ("time", "y", "x") and data.eta.dtype == np.float64
    assert data.energy.dims == ("time",) and data.depth.dims == ("y", "x") and data.step.dtype == np.int64
    assert (data.time.values == 86400.0 * steps).all() and (data.step.values == steps).all()
    assert (data.x.values == 200.0 * np.arange(NX) + 100).all()
    frame = 100 * layer + 10 * y + x
    assert (data.q.values == 1000 * steps[:, None, None, None] + frame).all()
    assert (data.eta.values == 1000 * steps[:, None, None] + frame[0]).all()
    assert (data.depth.values == 4000 + np.arange(NY * NX).reshape(NY, NX)).all()
    assert (data.energy.values == 0.5 * steps).all()
    assert data.q.attrs == {"units": "s-1", "long_name": "potential vorticity"}, data.q.attrs
    assert data.eta.attrs["standard_name"] == "height"
    assert data.time.attrs == {"units": "s", "long_name": "time", "standard_name": "time", "axis": "T"}, data.time.attrs
    assert data.y.attrs == {"units": "m", "long_name": "northward distance", "axis": "Y"}, data.y.attrs
    wanted = {"Conventions": "CF-1.8", "title": "A sample, été", "references": "doi:10.0/none", "config": "solver: none\n", "provenance": '{"seed": 1}'}
    for name, value in wanted.items():
        assert data.attrs[name] == value, (name, data.attrs.get(name))
    assert data.attrs["source"].startswith("nomos ") and "created by nomos" in data.attrs["history"]
    data.close()


def check_ncdump(path, frames_there_is_room_for):
    run = subprocess.run(["ncdump", "-h", path], capture_output=True, text=True)
    assert run.returncode == 0 and not run.stderr, run.stderr
    header = re.sub(r"\s+", " ", run.stdout)
    for line in (
        f"dimensions: time = UNLIMITED ; // ({frames_there_is_room_for} currently) layer = 2 ; y = 6 ; x = 8 ; variables:",
        "double time(time) ;", 'time:units = "s" ;', 'time:axis = "T" ;', "double layer(layer) ;", "double y(y) ;", 'y:units = "m" ;', "double x(x) ;",
        "int64 step(time) ;", "float q(time, layer, y, x) ;", 'q:units = "s-1" ;', "double eta(time, y, x) ;", "double energy(time) ;", "double depth(y, x) ;",
        ':Conventions = "CF-1.8" ;', ':title = "A sample, été" ;', ':config = "solver: none\\n" ;',
    ):
        assert line in header, f"ncdump -h {path} lacks: {line}\n{run.stdout}"
    assert "phony" not in header and "group:" not in header
    kind = subprocess.run(["ncdump", "-k", path], capture_output=True, text=True).stdout.strip()
    assert kind == "netCDF-4", kind


for name, room in (("fields", 3), ("compressed", 3), ("running", 7)):
    check_xarray(f"{sys.argv[1]}/{name}.nc", room)
    check_ncdump(f"{sys.argv[1]}/{name}.nc", room)
print("xarray and ncdump read the field files")
