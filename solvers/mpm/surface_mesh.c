#include "solvers/mpm/surface_mesh.h"

#include "io/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct NomosSurfaceMesh_s {
  MPI_Comm comm;
  size_t   n_points, n_triangles;
  double (*point)[3];
  int32_t (*triangle)[3];
  /* Triangles that lie above or below a cell of the xy-plane: those of cell (i, j) are list[first[j n_cells + i] ... first[j n_cells + i + 1] - 1]. */
  int      n_cells;
  size_t  *first;
  int32_t *list;
  double   low[3], high[3];
};

enum { MAX_POINTS = 100000000 };

/* ---- reading: soup of points and triangles ---- */

typedef struct {
  const char *path;
  MPI_Comm    comm;
  double (*point)[3];
  int32_t (*triangle)[3];
  size_t n_points, n_triangles, max_points, max_triangles;
} Soup;

static PetscErrorCode AddPoint(Soup *soup, const double x[3])
{
  PetscFunctionBeginUser;
  PetscCheck(isfinite(x[0]) && isfinite(x[1]) && isfinite(x[2]), soup->comm, PETSC_ERR_FP, "%s: point %zu is not finite", soup->path, soup->n_points + 1);
  PetscCheck(soup->n_points < MAX_POINTS, soup->comm, PETSC_ERR_ARG_SIZ, "%s: more than %d points", soup->path, MAX_POINTS);
  if (soup->n_points == soup->max_points) {
    soup->max_points = 2 * soup->max_points + 1024;
    PetscCall(PetscRealloc(sizeof *soup->point * soup->max_points, &soup->point));
  }
  memcpy(soup->point[soup->n_points++], x, sizeof *soup->point);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddTriangle(Soup *soup, int64_t a, int64_t b, int64_t c)
{
  PetscFunctionBeginUser;
  if (soup->n_triangles == soup->max_triangles) {
    soup->max_triangles = 2 * soup->max_triangles + 1024;
    PetscCall(PetscRealloc(sizeof *soup->triangle * soup->max_triangles, &soup->triangle));
  }
  const int32_t corners[3] = {(int32_t)a, (int32_t)b, (int32_t)c};
  memcpy(soup->triangle[soup->n_triangles++], corners, sizeof corners);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Three numbers at `text`. */
static bool ReadVector(const char *text, double x[3])
{
  for (int a = 0; a < 3 && text; a++) {
    text += strspn(text, " \t");
    text = NomosNumberRead(text, &x[a]);
  }
  return text != NULL;
}

/* `f 1/2/3 4//5 -1 ...`: the first number of each word is a point, counted from 1, or backwards from the last. */
static PetscErrorCode ReadFace(Soup *soup, size_t line, const char *text)
{
  int64_t corner[3];
  int     n = 0;

  PetscFunctionBeginUser;
  for (;;) {
    char *end;
    int64_t index = strtoll(text, &end, 10);
    if (end == text) break;
    if (index < 0) index += (int64_t)soup->n_points + 1;
    PetscCheck(index >= 1 && index <= (int64_t)soup->n_points, soup->comm, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: a face of point %lld, but there are %zu points above it", soup->path, line, (long long)index, soup->n_points);
    corner[PetscMin(n, 2)] = index - 1;
    if (++n >= 3) {
      PetscCall(AddTriangle(soup, corner[0], corner[1], corner[2]));
      corner[1] = corner[2];
    }
    text = end + strcspn(end, " \t\r\n");
  }
  PetscCheck(n >= 3, soup->comm, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: a face of %d points; three or more are needed", soup->path, line, n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OBJ and ASCII STL are lines that begin with a word. `text` ends with a zero. */
static PetscErrorCode ReadLines(Soup *soup, char *text, bool stl)
{
  size_t line = 0, n_corners = 0;
  double x[3];

  PetscFunctionBeginUser;
  for (char *next; text; text = next) {
    next = strchr(text, '\n');
    if (next) *next++ = '\0';
    line++;
    text += strspn(text, " \t");
    const char  *word   = stl ? "vertex" : "v";
    const size_t length = strlen(word);
    if (!strncmp(text, word, length) && strchr(" \t", text[length]) && text[length]) {
      PetscCheck(ReadVector(text + length, x), soup->comm, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: three coordinates are expected after `%s`", soup->path, line, word);
      PetscCall(AddPoint(soup, x));
      if (stl && ++n_corners % 3 == 0) PetscCall(AddTriangle(soup, (int64_t)n_corners - 3, (int64_t)n_corners - 2, (int64_t)n_corners - 1));
    } else if (!stl && !strncmp(text, "f", 1) && (text[1] == ' ' || text[1] == '\t')) PetscCall(ReadFace(soup, line, text + 1));
  }
  PetscCheck(n_corners % 3 == 0, soup->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %zu corners are no whole number of triangles: the file ends too early", soup->path, n_corners);
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { STL_HEADER = 84, STL_TRIANGLE = 50 };

/* Little-endian, as all machines here are: normal and three corners as floats, and two bytes of no meaning. */
static PetscErrorCode ReadBinaryStl(Soup *soup, const char *bytes, size_t n)
{
  PetscFunctionBeginUser;
  for (size_t t = 0; t < n; t++) {
    float corner[12];
    memcpy(corner, bytes + STL_HEADER + t * STL_TRIANGLE, sizeof corner);
    for (int k = 1; k < 4; k++) PetscCall(AddPoint(soup, (double[]){corner[3 * k], corner[3 * k + 1], corner[3 * k + 2]}));
    PetscCall(AddTriangle(soup, (int64_t)(3 * t), (int64_t)(3 * t + 1), (int64_t)(3 * t + 2)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All of a file on every rank, a zero behind it. */
static PetscErrorCode ReadFile(MPI_Comm comm, const char path[], size_t *n, char **bytes)
{
  long long size = -1;
  int       rank;

  PetscFunctionBeginUser;
  *bytes = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  FILE *file = rank ? NULL : fopen(path, "rb");
  if (file && !fseek(file, 0, SEEK_END)) {
    size = ftell(file);
    rewind(file);
  }
  PetscCallMPI(MPI_Bcast(&size, 1, MPI_LONG_LONG, 0, comm));
  if (size >= 0 && size < INT32_MAX) PetscCall(PetscMalloc1((size_t)size + 1, bytes));
  if (file && *bytes && fread(*bytes, 1, (size_t)size, file) != (size_t)size) size = -1;
  if (file) fclose(file);
  PetscCallMPI(MPI_Bcast(&size, 1, MPI_LONG_LONG, 0, comm));
  PetscCheck(size >= 0, comm, PETSC_ERR_FILE_OPEN, "%s: cannot be read", path);
  PetscCheck(*bytes, comm, PETSC_ERR_ARG_SIZ, "%s: %lld bytes; meshes of up to 2 GB can be read", path, size);
  PetscCallMPI(MPI_Bcast(*bytes, (int)size, MPI_CHAR, 0, comm));
  (*bytes)[size] = '\0';
  *n             = (size_t)size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSoup(Soup *soup)
{
  size_t   n;
  uint32_t n_triangles = 0;
  char    *bytes;

  PetscFunctionBeginUser;
  PetscCall(ReadFile(soup->comm, soup->path, &n, &bytes));
  if (n >= STL_HEADER) memcpy(&n_triangles, bytes + STL_HEADER - sizeof n_triangles, sizeof n_triangles);
  const char *begin = bytes + strspn(bytes, " \t\r\n");
  if (n >= STL_HEADER && n == STL_HEADER + (size_t)STL_TRIANGLE * n_triangles) PetscCall(ReadBinaryStl(soup, bytes, n_triangles));
  else {
    PetscCheck(strlen(bytes) == n, soup->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: neither OBJ nor STL: it is not text, and %zu bytes are not what a binary STL file of %u triangles has", soup->path, n, n_triangles);
    PetscCall(ReadLines(soup, bytes, !strncmp(begin, "solid", 5)));
  }
  PetscCall(PetscFree(bytes));
  PetscCheck(soup->n_triangles, soup->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: no triangles in it; a mesh is an OBJ file with lines `v` and `f`, or an STL file", soup->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- one point for equal coordinates; edges ---- */

typedef struct {
  double  x[3];
  int32_t index;
} Place;

static int ComparePlaces(const void *a, const void *b)
{
  const Place *p = a, *q = b;

  for (int k = 0; k < 3; k++)
    if (p->x[k] != q->x[k]) return p->x[k] < q->x[k] ? -1 : 1;
  return p->index < q->index ? -1 : p->index > q->index;
}

/* Triangles of which two corners become one go: their two other edges cancel. */
static PetscErrorCode Merge(Soup *soup)
{
  Place   *places;
  int32_t *to;
  size_t   n = 0, kept = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(soup->n_points, &places, soup->n_points, &to));
  for (size_t i = 0; i < soup->n_points; i++) {
    for (int a = 0; a < 3; a++) places[i].x[a] = soup->point[i][a] + 0.0; /* -0 is 0 */
    places[i].index = (int32_t)i;
  }
  qsort(places, soup->n_points, sizeof *places, ComparePlaces);
  for (size_t i = 0; i < soup->n_points; i++) {
    if (!i || memcmp(places[i].x, places[i - 1].x, sizeof places[i].x)) memcpy(soup->point[n++], places[i].x, sizeof *soup->point);
    to[places[i].index] = (int32_t)n - 1;
  }
  soup->n_points = n;
  for (size_t t = 0; t < soup->n_triangles; t++) {
    int32_t corner[3];
    for (int k = 0; k < 3; k++) corner[k] = to[soup->triangle[t][k]];
    if (corner[0] == corner[1] || corner[1] == corner[2] || corner[2] == corner[0]) continue;
    memcpy(soup->triangle[kept++], corner, sizeof corner);
  }
  soup->n_triangles = kept;
  PetscCall(PetscFree2(places, to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  int32_t low, high;
  int     direction; /* 1: the triangle runs from low to high */
} Edge;

static int CompareEdges(const void *a, const void *b)
{
  const Edge *e = a, *f = b;

  if (e->low != f->low) return e->low < f->low ? -1 : 1;
  if (e->high != f->high) return e->high < f->high ? -1 : 1;
  return e->direction - f->direction;
}

static PetscErrorCode CheckWatertight(const Soup *soup)
{
  const size_t n     = 3 * soup->n_triangles;
  size_t       n_bad = 0, bad = 0, shared_by = 0;
  Edge        *edges;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &edges));
  for (size_t e = 0; e < n; e++) {
    const int32_t a = soup->triangle[e / 3][e % 3], b = soup->triangle[e / 3][(e + 1) % 3];
    edges[e] = (Edge){.low = PetscMin(a, b), .high = PetscMax(a, b), .direction = a < b ? 1 : -1};
  }
  qsort(edges, n, sizeof *edges, CompareEdges);
  for (size_t e = 0, end; e < n; e = end) {
    int sum = 0;
    for (end = e; end < n && edges[end].low == edges[e].low && edges[end].high == edges[e].high; end++) sum += edges[end].direction;
    if (end - e == 2 && sum == 0) continue;
    if (!n_bad++) {
      bad       = e;
      shared_by = end - e;
    }
  }
  if (n_bad) {
    const double *a = soup->point[edges[bad].low], *b = soup->point[edges[bad].high];
    char          why[128];
    if (shared_by == 2) snprintf(why, sizeof why, "its two triangles face opposite sides");
    else snprintf(why, sizeof why, "%zu triangle%s", shared_by, shared_by == 1 ? " has it" : "s share it");
    NomosCheck(false, soup->comm, PETSC_ERR_ARG_WRONG, "%s: not watertight: %zu of its edges are open or wrongly joined, the first from (%g, %g, %g) to (%g, %g, %g): %s; each must be shared by two triangles that face the same side", soup->path, n_bad, a[0], a[1], a[2], b[0], b[1], b[2], why);
  }
  PetscCall(PetscFree(edges));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- where triangles are ---- */

static int CellOf(NomosSurfaceMesh mesh, int axis, double x)
{
  const double width = mesh->high[axis] - mesh->low[axis];
  const int    cell  = width > 0 ? (int)floor((x - mesh->low[axis]) / width * mesh->n_cells) : 0;

  return PetscMin(PetscMax(cell, 0), mesh->n_cells - 1);
}

static PetscErrorCode Locate(NomosSurfaceMesh mesh)
{
  PetscFunctionBeginUser;
  for (int a = 0; a < 3; a++) {
    mesh->low[a] = mesh->high[a] = mesh->point[mesh->triangle[0][0]][a];
    for (size_t t = 0; t < mesh->n_triangles; t++)
      for (int k = 0; k < 3; k++) {
        mesh->low[a]  = PetscMin(mesh->low[a], mesh->point[mesh->triangle[t][k]][a]);
        mesh->high[a] = PetscMax(mesh->high[a], mesh->point[mesh->triangle[t][k]][a]);
      }
  }
  mesh->n_cells = PetscMin(1024, 1 + (int)sqrt((double)mesh->n_triangles));
  const size_t n = (size_t)mesh->n_cells * (size_t)mesh->n_cells;
  PetscCall(PetscFree(mesh->list));
  PetscCall(PetscFree(mesh->first));
  PetscCall(PetscCalloc1(n + 1, &mesh->first));
  for (int pass = 0; pass < 2; pass++) { /* count, then fill */
    for (size_t t = 0; t < mesh->n_triangles; t++) {
      int range[2][2];
      for (int a = 0; a < 2; a++) {
        double low = mesh->point[mesh->triangle[t][0]][a], high = low;
        for (int k = 1; k < 3; k++) {
          low  = PetscMin(low, mesh->point[mesh->triangle[t][k]][a]);
          high = PetscMax(high, mesh->point[mesh->triangle[t][k]][a]);
        }
        range[a][0] = CellOf(mesh, a, low);
        range[a][1] = CellOf(mesh, a, high);
      }
      for (int j = range[1][0]; j <= range[1][1]; j++)
        for (int i = range[0][0]; i <= range[0][1]; i++) {
          size_t *place = &mesh->first[(size_t)j * (size_t)mesh->n_cells + (size_t)i];
          if (pass) mesh->list[*place] = (int32_t)t;
          (*place)++;
        }
    }
    /* first[c]: after counting the beginning of c; after filling that of c + 1, shifted back. */
    size_t sum = 0;
    for (size_t c = 0; c < n && !pass; c++) {
      const size_t count = mesh->first[c];
      mesh->first[c]     = sum;
      sum += count;
    }
    if (!pass) PetscCall(PetscMalloc1(sum, &mesh->list));
  }
  memmove(mesh->first + 1, mesh->first, sizeof *mesh->first * n);
  mesh->first[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the mesh ---- */

PetscErrorCode NomosSurfaceMeshRead(MPI_Comm comm, const char path[], NomosSurfaceMesh *mesh)
{
  Soup           soup = {.path = path, .comm = comm};
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *mesh = NULL;
  code  = ReadSoup(&soup);
  if (!code) code = Merge(&soup);
  if (!code) PetscCheck(soup.n_triangles, comm, PETSC_ERR_FILE_UNEXPECTED, "%s: all its triangles are points or lines", path);
  if (!code) code = CheckWatertight(&soup);
  if (code) {
    PetscCall(PetscFree(soup.point));
    PetscCall(PetscFree(soup.triangle));
    PetscFunctionReturn(code);
  }
  PetscCall(PetscNew(mesh));
  (*mesh)->comm        = comm;
  (*mesh)->n_points    = soup.n_points;
  (*mesh)->n_triangles = soup.n_triangles;
  (*mesh)->point       = soup.point;
  (*mesh)->triangle    = soup.triangle;
  PetscCall(Locate(*mesh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSurfaceMeshDestroy(NomosSurfaceMesh *mesh)
{
  PetscFunctionBeginUser;
  if (!*mesh) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*mesh)->point));
  PetscCall(PetscFree((*mesh)->triangle));
  PetscCall(PetscFree((*mesh)->first));
  PetscCall(PetscFree((*mesh)->list));
  PetscCall(PetscFree(*mesh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSurfaceMeshPlace(NomosSurfaceMesh mesh, double size, const double centre[3])
{
  double extent = 0;

  PetscFunctionBeginUser;
  for (int a = 0; a < 3; a++) extent = PetscMax(extent, mesh->high[a] - mesh->low[a]);
  for (size_t i = 0; i < mesh->n_points; i++)
    for (int a = 0; a < 3; a++) mesh->point[i][a] = centre[a] + (mesh->point[i][a] - 0.5 * (mesh->low[a] + mesh->high[a])) * size / extent;
  PetscCall(Locate(mesh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosSurfaceMeshTriangles(NomosSurfaceMesh mesh)
{
  return mesh->n_triangles;
}

void NomosSurfaceMeshExtent(NomosSurfaceMesh mesh, double low[3], double high[3])
{
  memcpy(low, mesh->low, sizeof mesh->low);
  memcpy(high, mesh->high, sizeof mesh->high);
}

static void Corners(NomosSurfaceMesh mesh, size_t t, const double origin[3], double corner[3][3])
{
  for (int k = 0; k < 3; k++)
    for (int a = 0; a < 3; a++) corner[k][a] = mesh->point[mesh->triangle[t][k]][a] - origin[a];
}

static double Triple(double corner[3][3])
{
  const double *a = corner[0], *b = corner[1], *c = corner[2];
  return a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
}

double NomosSurfaceMeshVolume(NomosSurfaceMesh mesh)
{
  double sum = 0, corner[3][3];

  for (size_t t = 0; t < mesh->n_triangles; t++) {
    Corners(mesh, t, mesh->low, corner);
    sum += Triple(corner);
  }
  return fabs(sum) / 6;
}

static double Dot(const double a[3], const double b[3])
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* The solid angle of the whole surface is 4 pi (with a sign) inside and 0 outside. */
static bool InsideBySolidAngle(NomosSurfaceMesh mesh, const double x[3])
{
  double sum = 0, corner[3][3], length[3];

  for (size_t t = 0; t < mesh->n_triangles; t++) {
    Corners(mesh, t, x, corner);
    for (int k = 0; k < 3; k++) length[k] = sqrt(Dot(corner[k], corner[k]));
    sum += 2 * atan2(Triple(corner), length[0] * length[1] * length[2] + Dot(corner[0], corner[1]) * length[2] + Dot(corner[1], corner[2]) * length[0] + Dot(corner[2], corner[0]) * length[1]);
  }
  return fabs(sum) > 2 * PETSC_PI;
}

bool NomosSurfaceMeshInside(NomosSurfaceMesh mesh, const double x[3])
{
  int winding = 0;

  for (int a = 0; a < 3; a++)
    if (x[a] < mesh->low[a] || x[a] > mesh->high[a]) return false;
  const size_t cell = (size_t)CellOf(mesh, 1, x[1]) * (size_t)mesh->n_cells + (size_t)CellOf(mesh, 0, x[0]);
  for (size_t l = mesh->first[cell]; l < mesh->first[cell + 1]; l++) {
    double corner[3][3], edge[3], scale = 0;
    int    positive = 0, negative = 0;
    Corners(mesh, (size_t)mesh->list[l], x, corner);
    for (int k = 0; k < 3; k++) scale = PetscMax(scale, PetscMax(fabs(corner[k][0]), fabs(corner[k][1])));
    for (int k = 0; k < 3; k++) { /* twice the area, in the plane, of x and the edge opposite to corner k */
      const double *a = corner[(k + 1) % 3], *b = corner[(k + 2) % 3];
      edge[k] = a[0] * b[1] - a[1] * b[0];
      positive += edge[k] > 1e-12 * scale * scale;
      negative += edge[k] < -1e-12 * scale * scale;
    }
    if (positive && negative) continue;
    if (positive + negative < 3) return InsideBySolidAngle(mesh, x);
    const double area = edge[0] + edge[1] + edge[2], z = (edge[0] * corner[0][2] + edge[1] * corner[1][2] + edge[2] * corner[2][2]) / area;
    if (z > 0) winding += positive ? 1 : -1;
  }
  return winding != 0;
}
