/* Surface meshes: OBJ and STL say the same, what is inside is inside, and a surface that is not closed is refused with where it is open. */
#include "harness.h"

#include "solvers/mpm/surface_mesh.h"

#include <unistd.h>

static const double origin[3] = {0, 0, 0};

static const char *Path(const char name[])
{
  static char path[NOMOS_MAX_PATH + 64];
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return path;
}

static const char *WriteText(const char name[], const char text[])
{
  FILE *file = fopen(Path(name), "w");
  fputs(text, file);
  fclose(file);
  return Path(name);
}

/* A torus around z of radii 1 and r, n x n quadrilaterals, turned by an angle about x; `flip`: facing inwards. */
static void Torus(size_t n, double r, double turn, size_t i, size_t j, double x[3])
{
  const double u = 2 * PETSC_PI * (double)(i % n) / (double)n, v = 2 * PETSC_PI * (double)(j % n) / (double)n, y = (1 + r * cos(v)) * sin(u), z = r * sin(v);
  x[0] = (1 + r * cos(v)) * cos(u);
  x[1] = cos(turn) * y - sin(turn) * z;
  x[2] = sin(turn) * y + cos(turn) * z;
}

static const char *WriteTorus(const char name[], size_t n, double r, double turn, bool binary)
{
  const bool obj  = strstr(name, ".obj") != NULL;
  FILE      *file = fopen(Path(name), "wb");
  double     x[4][3];

  if (obj)
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++) {
        Torus(n, r, turn, i, j, x[0]);
        fprintf(file, "v %.9g %.9g %.9g\n", (double)(float)x[0][0], (double)(float)x[0][1], (double)(float)x[0][2]);
      }
  else if (binary) {
    const char     header[80] = "a torus";
    const uint32_t count      = (uint32_t)(2 * n * n);
    fwrite(header, 1, sizeof header, file);
    fwrite(&count, sizeof count, 1, file);
  } else fputs("solid torus\n", file);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      const size_t corner[4][2] = {{i, j}, {i + 1, j}, {i + 1, j + 1}, {i, j + 1}};
      static const int triangle[2][3] = {{0, 1, 2}, {0, 2, 3}};
      for (int k = 0; k < 4; k++) Torus(n, r, turn, corner[k][0], corner[k][1], x[k]);
      for (int t = 0; t < 2; t++) {
        float record[12] = {0};
        for (int k = 0; k < 3; k++)
          for (int a = 0; a < 3; a++) record[3 + 3 * k + a] = (float)x[triangle[t][k]][a];
        if (obj) {
          fputs("f", file);
          for (int k = 0; k < 3; k++) fprintf(file, " %zu//1", 1 + corner[triangle[t][k]][0] % n * n + corner[triangle[t][k]][1] % n);
          fputs("\n", file);
        } else if (binary) {
          fwrite(record, sizeof record, 1, file);
          fwrite("\0", 1, 2, file);
        } else {
          fputs("facet normal 0 0 0\n outer loop\n", file);
          for (int k = 1; k < 4; k++) fprintf(file, "  vertex %.9g %.9g %.9g\n", (double)record[3 * k], (double)record[3 * k + 1], (double)record[3 * k + 2]);
          fputs(" endloop\nendfacet\n", file);
        }
      }
    }
  if (!obj && !binary) fputs("endsolid torus\n", file);
  fclose(file);
  return Path(name);
}

static const char cube[] = "# corners\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\nv 1 0 1\nv 1 1 1\nv 0 1 1\nvn 0 0 1\nf 1/1 4/2 3/3 2/4\nf 5 6 7 8\nf 1 2 6 5\nf 2 3 7 6\nf -6 -5 -1 -2\nf 4 1 5 8\n";

START_TEST(a_cube_of_quadrilaterals)
{
  NomosSurfaceMesh mesh;
  double           low[3], high[3], x[3];

  ck_ok(NomosSurfaceMeshRead(MPI_COMM_WORLD, WriteText("cube.obj", cube), &mesh));
  ck_assert_uint_eq(NomosSurfaceMeshTriangles(mesh), 12);
  ck_close(NomosSurfaceMeshVolume(mesh), 1, 1e-15);
  /* Points right above diagonals and edges of the bottom are no harder than others. */
  for (int i = -1; i <= 9; i++)
    for (int j = -1; j <= 9; j++)
      for (int k = -1; k <= 9; k++) {
        const int place[3] = {i, j, k};
        bool      inside   = true;
        for (int a = 0; a < 3; a++) {
          x[a]   = (place[a] + 0.5) / 9;
          inside = inside && place[a] >= 0 && place[a] < 9;
        }
        ck_assert_msg(NomosSurfaceMeshInside(mesh, x) == inside, "(%g, %g, %g)", x[0], x[1], x[2]);
      }
  ck_ok(NomosSurfaceMeshPlace(mesh, 0.5, (double[]){3, 2, 1}));
  ck_close(NomosSurfaceMeshVolume(mesh), 0.125, 1e-14);
  NomosSurfaceMeshExtent(mesh, low, high);
  ck_close(low[0], 2.75, 1e-15);
  ck_close(high[2], 1.25, 1e-15);
  ck_assert(NomosSurfaceMeshInside(mesh, (double[]){3.2, 2.2, 0.8}) && !NomosSurfaceMeshInside(mesh, (double[]){3.2, 2.3, 0.8}));
  ck_ok(NomosSurfaceMeshDestroy(&mesh));
}
END_TEST

/* Inside of a torus of n x n facets is known but for a layer of the height of facets; the middle of the hole is outside. */
START_TEST(a_torus_from_three_kinds_of_file)
{
  static const char *const files[] = {"torus.obj", "torus.stl", "binary.stl"};
  const size_t             n = 40;
  const double             r = 0.4, turn = 0.3, height = 4 / (double)(n * n);
  double                   volume[3];
  NomosSurfaceMesh         mesh[3];

  for (int f = 0; f < 3; f++) {
    ck_ok(NomosSurfaceMeshRead(MPI_COMM_WORLD, WriteTorus(files[f], n, r, turn, f == 2), &mesh[f]));
    ck_assert_uint_eq(NomosSurfaceMeshTriangles(mesh[f]), 2 * n * n);
    volume[f] = NomosSurfaceMeshVolume(mesh[f]);
    ck_close(volume[f], 2 * PETSC_PI * PETSC_PI * r * r, 4 * height);
    ck_close(volume[f], volume[0], 1e-8); /* nine digits as text, 24 bits */
  }
  size_t n_inside = 0, n_all = 0;
  for (int i = -20; i <= 20; i++)
    for (int j = -20; j <= 20; j++)
      for (int k = -20; k <= 20; k++) {
        const double x[3] = {0.075 * i, 0.075 * j, 0.075 * k}, y = cos(turn) * x[1] + sin(turn) * x[2], z = -sin(turn) * x[1] + cos(turn) * x[2];
        const double depth = r - hypot(hypot(x[0], y) - 1, z);
        const bool   inside = NomosSurfaceMeshInside(mesh[0], x);
        for (int f = 1; f < 3; f++) ck_assert(NomosSurfaceMeshInside(mesh[f], x) == inside);
        if (fabs(depth) > 2 * height) ck_assert_msg(inside == (depth > 0), "(%g, %g, %g) at depth %g", x[0], x[1], x[2], depth);
        n_inside += inside;
        n_all++;
      }
  ck_close((double)n_inside * pow(0.075, 3), volume[0], 0.01);
  ck_assert(!NomosSurfaceMeshInside(mesh[0], origin));
  ck_assert_uint_lt(n_inside, n_all);
  for (int f = 0; f < 3; f++) ck_ok(NomosSurfaceMeshDestroy(&mesh[f]));
}
END_TEST

/* A cube in a cube that faces the other way is a cavity. */
START_TEST(a_cavity_is_outside)
{
  char             text[4096];
  NomosSurfaceMesh mesh;

  snprintf(text, sizeof text, "%s%s", cube, "v .25 .25 .25\nv .75 .25 .25\nv .75 .75 .25\nv .25 .75 .25\nv .25 .25 .75\nv .75 .25 .75\nv .75 .75 .75\nv .25 .75 .75\nf 10 11 12 9\nf 16 15 14 13\nf 13 14 10 9\nf 14 15 11 10\nf 15 16 12 11\nf 16 13 9 12\n");
  ck_ok(NomosSurfaceMeshRead(MPI_COMM_WORLD, WriteText("cavity.obj", text), &mesh));
  ck_close(NomosSurfaceMeshVolume(mesh), 1 - 0.125, 1e-14);
  ck_assert(!NomosSurfaceMeshInside(mesh, (double[]){0.5, 0.5, 0.5}) && !NomosSurfaceMeshInside(mesh, (double[]){0.3, 0.41, 0.6}));
  ck_assert(NomosSurfaceMeshInside(mesh, (double[]){0.5, 0.5, 0.1}) && NomosSurfaceMeshInside(mesh, (double[]){0.5, 0.5, 0.9}) && NomosSurfaceMeshInside(mesh, (double[]){0.1, 0.52, 0.5}));
  ck_ok(NomosSurfaceMeshDestroy(&mesh));
}
END_TEST

START_TEST(what_is_no_closed_surface_is_refused)
{
  static const struct {
    const char *text, *fragment;
  } bad[] = {
    {"", "no triangles"},
    {"v 0 0 0\nv 1 0 0\n", "no triangles"},
    {"v 0 0\n", "bad.obj:1: three coordinates"},
    {"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2\n", "bad.obj:4: a face of 2 points"},
    {"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "bad.obj:4: a face of point 4, but there are 3"},
    {"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "not watertight: 3 of its edges are open"},
    {"v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 3 4\n", "its two triangles face opposite sides"}, /* the last the wrong way round */
    {"v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\n", "3 of its edges are open or wrongly joined, the first from (0, 0, 0) to (0, 0, 1): 1 triangle has it"},
    {"v 0 0 0\nv 0 0 0\nv 0 0 0\nf 1 2 3\n", "points or lines"},
    {"solid x\nfacet\nouter loop\nvertex 0 0 0\nvertex 1 0 0\n", "no whole number of triangles"},
  };
  NomosSurfaceMesh mesh = NULL;

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ck_refused(NomosSurfaceMeshRead(MPI_COMM_WORLD, WriteText("bad.obj", bad[i].text), &mesh), bad[i].fragment);
    ck_assert_ptr_null(mesh);
  }
  ck_refused(NomosSurfaceMeshRead(MPI_COMM_WORLD, "no/such.obj", &mesh), "cannot be read");
  /* A binary STL file that was cut short. */
  char path[NOMOS_MAX_PATH];
  snprintf(path, sizeof path, "%s", WriteTorus("short.stl", 8, 0.3, 0, true));
  ck_assert_int_eq(truncate(path, 84 + 50 * 100), 0);
  ck_refused(NomosSurfaceMeshRead(MPI_COMM_WORLD, path, &mesh), "neither OBJ nor STL");
}
END_TEST

NOMOS_TEST_SUITE("surface_mesh", a_cube_of_quadrilaterals, a_torus_from_three_kinds_of_file, a_cavity_is_outside, what_is_no_closed_surface_is_refused)
