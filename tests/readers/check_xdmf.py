"""XDMF companions of field files. Usage: check_xdmf.py DIRECTORY (written by write_sample).

Each file is followed as the XDMF 2 specification says, into the HDF5 file. Where VTK has its legacy XDMF reader (ParaView's "XDMF Reader"; on
Debian python3-paraview brings it, python3-vtk9 does not), the same is checked through it. The files are read in a directory they were moved to."""
import os
import shutil
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)
try:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOXdmf2 import vtkXdmfReader
except ImportError:
    vtkXdmfReader = None

NL, NY, NX = 2, 6, 8
layer, j, i = np.meshgrid(np.arange(NL), np.arange(NY), np.arange(NX), indexing="ij")
x = 200.0 * np.arange(NX) + 100


def y_of(stretched):
    return 100.0 * np.arange(NY) ** 2 if stretched else 100.0 * np.arange(NY) + 50


def expected(frame):
    q = 10000.0 * frame + 100 * layer + 10 * j + i
    return {"q_1": q[0], "q_2": q[1], "eta": q[0], "depth": 4000.0 + np.arange(NY * NX).reshape(NY, NX)}


def numbers(item):
    return np.array(item.text.split(), dtype=float)


def heavy(item, directory):
    file, dataset = item.text.strip().split(":")
    assert "/" not in file, f"{file} cannot be moved"
    with h5py.File(os.path.join(directory, file), "r") as h5:
        data = h5[dataset]
        assert data.shape == tuple(int(n) for n in item.get("Dimensions").split()), (data.shape, item.attrib)
        assert data.dtype == np.dtype(f"f{item.get('Precision')}") and item.get("NumberType") == "Float"
        return data[()]


def check_specification(path, stretched):
    directory = os.path.dirname(path)
    frames = ElementTree.parse(path).getroot().findall("./Domain/Grid[@CollectionType='Temporal']/Grid")
    assert [float(grid.find("Time").get("Value")) for grid in frames] == [0.0, 864000.0, 1728000.0]
    for frame, grid in enumerate(frames):
        assert grid.find("Topology").get("Dimensions") == f"1 {NY} {NX}"
        items = grid.findall("Geometry/DataItem")
        if stretched:
            assert grid.find("Geometry").get("GeometryType") == "VXVYVZ" and grid.find("Topology").get("TopologyType") == "3DRectMesh"
            assert (heavy(items[0], directory) == x).all() and (heavy(items[1], directory) == y_of(True)).all() and numbers(items[2]) == [0]
        else:
            assert grid.find("Geometry").get("GeometryType") == "ORIGIN_DXDYDZ" and grid.find("Topology").get("TopologyType") == "3DCoRectMesh"
            assert (numbers(items[0]) == [0, 50, 100]).all() and (numbers(items[1]) == [1, 100, 200]).all()
        found = {}
        for attribute in grid.findall("Attribute"):
            slab = attribute.find("DataItem")
            start, stride, count = numbers(slab[0]).astype(int).reshape(3, -1)
            assert slab.get("ItemType") == "HyperSlab" and (stride == 1).all()
            data = heavy(slab[1], directory)[tuple(slice(a, a + n) for a, n in zip(start, count))]
            found[attribute.get("Name")] = data.reshape([int(n) for n in slab.get("Dimensions").split()])[0]
        assert found.keys() == expected(frame).keys(), found.keys()
        for name, values in expected(frame).items():
            assert (found[name] == values).all(), (name, frame)


def check_vtk(path, stretched):
    reader = vtkXdmfReader()
    reader.SetFileName(path)
    reader.UpdateInformation()
    executive = reader.GetExecutive()
    times = executive.GetOutputInformation(0).Get(executive.TIME_STEPS())
    assert times == (0.0, 864000.0, 1728000.0), times
    for frame, time in enumerate(times):
        reader.UpdateTimeStep(time)
        grid = reader.GetOutputDataObject(0)
        while grid.IsA("vtkMultiBlockDataSet"):
            assert grid.GetNumberOfBlocks() == 1
            grid = grid.GetBlock(0)
        assert grid.GetNumberOfPoints() == NY * NX
        points = np.array([grid.GetPoint(n) for n in range(NY * NX)]).reshape(NY, NX, 3)
        assert (points[:, :, 0] == x).all() and (points[:, :, 1] == y_of(stretched)[:, None]).all() and (points[:, :, 2] == 0).all()
        arrays = grid.GetPointData()
        found = {arrays.GetArrayName(n): vtk_to_numpy(arrays.GetArray(n)).reshape(NY, NX) for n in range(arrays.GetNumberOfArrays())}
        assert found.keys() == expected(frame).keys(), found.keys()
        for name, values in expected(frame).items():
            assert (found[name] == values).all(), (name, frame)
        assert found["q_1"].dtype == np.float32 and found["eta"].dtype == np.float64


# Of every array of particles entry c of particle p is 1000 frame + 10 p + c, of the constant `material` 10 p.
NP = 5


def of_particles(frame, d):
    entry = lambda n: 1000.0 * frame + 10.0 * np.arange(NP)[:, None] + np.arange(n)
    found = {"velocity": entry(d), "deformation_gradient": entry(9), "material": 10.0 * np.arange(NP)[:, None]}
    if d == 3:  # as many components as a tensor has
        return entry(d), found | {"affine": entry(9)}
    return entry(d), found | {f"affine_{c + 1}": entry(4)[:, c : c + 1] for c in range(4)}


def slab(item, directory):
    start, stride, count = numbers(item[0]).astype(int).reshape(3, -1)
    assert item.get("ItemType") == "HyperSlab" and (stride == 1).all()
    data = heavy(item[1], directory)[tuple(slice(a, a + n) for a, n in zip(start, count))]
    return data.reshape([int(n) for n in item.get("Dimensions").split()]).reshape(NP, -1)


def check_particles(path, d):
    directory = os.path.dirname(path)
    frames = ElementTree.parse(path).getroot().findall("./Domain/Grid[@CollectionType='Temporal']/Grid")
    assert [float(grid.find("Time").get("Value")) for grid in frames] == [0.0, 0.5]
    for frame, grid in enumerate(frames):
        points, arrays = of_particles(frame, d)
        assert grid.find("Topology").get("TopologyType") == "Polyvertex" and int(grid.find("Topology").get("NumberOfElements")) == NP
        assert grid.find("Geometry").get("GeometryType") == "XYZ"[:d]
        assert (slab(grid.find("Geometry/DataItem"), directory) == points).all()
        kinds = {1: "Scalar", d: "Vector", 9: "Tensor"}
        found = {attribute.get("Name"): attribute for attribute in grid.findall("Attribute")}
        assert found.keys() == arrays.keys(), found.keys()
        for name, values in arrays.items():
            assert found[name].get("AttributeType") == kinds[values.shape[1]]
            assert (slab(found[name].find("DataItem"), directory) == values).all(), (name, frame)


def check_particles_vtk(path, d):
    reader = vtkXdmfReader()
    reader.SetFileName(path)
    reader.UpdateInformation()
    executive = reader.GetExecutive()
    times = executive.GetOutputInformation(0).Get(executive.TIME_STEPS())
    assert times == (0.0, 0.5), times
    for frame, time in enumerate(times):
        reader.UpdateTimeStep(time)
        grid = reader.GetOutputDataObject(0)
        while grid.IsA("vtkMultiBlockDataSet"):
            assert grid.GetNumberOfBlocks() == 1
            grid = grid.GetBlock(0)
        points, expected_arrays = of_particles(frame, d)
        assert grid.GetNumberOfPoints() == NP and grid.GetNumberOfCells() == NP
        padded = lambda values: np.hstack([values, np.zeros((NP, 3 - d))])
        assert (np.array([grid.GetPoint(n) for n in range(NP)]) == padded(points)).all()
        arrays = grid.GetPointData()
        found = {arrays.GetArrayName(n): vtk_to_numpy(arrays.GetArray(n)).reshape(NP, -1) for n in range(arrays.GetNumberOfArrays())}
        assert found.keys() == expected_arrays.keys(), found.keys()
        for name, values in expected_arrays.items():
            assert (found[name] == (padded(values) if name == "velocity" else values)).all(), (name, frame, found[name])


checks = [check_specification] + ([check_vtk] if vtkXdmfReader else [])
with tempfile.TemporaryDirectory() as moved:
    for name in ("fields", "compressed", "running", "stretched"):
        for ending in ("nc", "xdmf"):
            shutil.copy(f"{sys.argv[1]}/{name}.{ending}", moved)
    for check in checks:
        os.chdir("/")
        for name in ("fields", "compressed", "running", "stretched"):
            check(f"{moved}/{name}.xdmf", name == "stretched")
        os.chdir(moved)
        check("fields.xdmf", False)
        os.chdir("/")
    for name, d in (("particles", 3), ("particles_2d", 2)):
        for ending in ("nc", "xdmf"):
            shutil.copy(f"{sys.argv[1]}/{name}.{ending}", moved)
        check_particles(f"{moved}/{name}.xdmf", d)
        if vtkXdmfReader:
            check_particles_vtk(f"{moved}/{name}.xdmf", d)
print("the XDMF files are right" + (", and VTK reads them" if vtkXdmfReader else "; VTK's reader is not here to read them"))
