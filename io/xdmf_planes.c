/* XDMF of fields over a plane: one attribute per variable, or per layer of one. */
#include "io/xdmf_impl.h"

#include <math.h>
#include <string.h>

/* The plane all fields share. */
typedef struct {
  char   name[2][NOMOS_MAX_NAME * 4];
  size_t size[2]; /* y, x */
  double origin[2], spacing[2];
  bool   found, uniform;
} Plane;

/* Origin and spacing of one coordinate; without coordinates points are counted. */
static PetscErrorCode ReadAxis(const NomosXdmf *xdmf, Plane *plane, int i)
{
  const size_t n = plane->size[i];
  double      *x, largest;
  bool         has;

  PetscFunctionBeginUser;
  plane->origin[i]  = 0;
  plane->spacing[i] = 1;
  PetscCall(NomosFieldReaderHas(xdmf->reader, plane->name[i], &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(n, &x));
  PetscErrorCode failed = NomosFieldReaderRead(xdmf->reader, plane->name[i], (size_t[]){0}, &n, x);
  if (!failed) {
    plane->origin[i] = x[0];
    if (n > 1) plane->spacing[i] = (x[n - 1] - x[0]) / (double)(n - 1);
    largest = fmax(fabs(x[0]), fabs(x[n - 1]));
    for (size_t j = 0; j < n; j++)
      if (!(fabs(x[j] - (x[0] + (double)j * plane->spacing[i])) <= 1e-6 * fabs(plane->spacing[i]) + 1e-12 * largest)) plane->uniform = false;
  }
  PetscCall(PetscFree(x));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the variable (..., y, x) with at most one dimension between time and y, on the plane of the first such variable? */
static PetscErrorCode Take(const NomosXdmf *xdmf, Plane *plane, const NomosXdmfArray *array, bool *take)
{
  const char *dim[2];

  PetscFunctionBeginUser;
  *take = array->n_dims == array->over_time + 2 || array->n_dims == array->over_time + 3;
  if (!*take) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < 2; i++) PetscCall(NomosFieldReaderDimName(xdmf->reader, array->name, array->n_dims - 2 + i, &dim[i]));
  if (!plane->found) {
    plane->uniform = plane->found = true;
    for (int i = 0; i < 2; i++) {
      snprintf(plane->name[i], sizeof plane->name[i], "%s", dim[i]);
      plane->size[i] = array->shape[array->n_dims - 2 + i];
      PetscCall(ReadAxis(xdmf, plane, i));
    }
  }
  for (int i = 0; i < 2; i++) *take = *take && !strcmp(dim[i], plane->name[i]) && array->shape[array->n_dims - 2 + i] == plane->size[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fields over time give the plane; constants on it are repeated in every frame. */
static PetscErrorCode Find(const NomosXdmf *xdmf, void *ctx, bool *found)
{
  Plane         *plane = ctx;
  NomosXdmfArray array;
  size_t         n;
  bool           take;

  PetscFunctionBeginUser;
  PetscCall(NomosXdmfArrays_Private(xdmf, &n));
  for (size_t i = 0; i < n && !plane->found; i++) {
    PetscCall(NomosXdmfArray_Private(xdmf, i, &array, &take));
    if (take && array.over_time) PetscCall(Take(xdmf, plane, &array, &take));
  }
  *found = plane->found;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A plane of a three-dimensional mesh: VTK's reader would turn a two-dimensional one into the y-z plane. */
static void PutGeometry(const NomosXdmf *xdmf, const Plane *plane)
{
  static const char number[] = "          <DataItem Format=\"XML\" NumberType=\"Float\" Precision=\"8\" Dimensions=";
  FILE             *out      = xdmf->out;

  fprintf(out, "        <Topology TopologyType=\"%s\" Dimensions=\"1 %zu %zu\"/>\n", plane->uniform ? "3DCoRectMesh" : "3DRectMesh", plane->size[0], plane->size[1]);
  fprintf(out, "        <Geometry GeometryType=\"%s\">\n", plane->uniform ? "ORIGIN_DXDYDZ" : "VXVYVZ");
  if (plane->uniform) {
    fprintf(out, "%s\"3\">0 %.17g %.17g</DataItem>\n", number, plane->origin[0], plane->origin[1]);
    fprintf(out, "%s\"3\">1 %.17g %.17g</DataItem>\n", number, plane->spacing[0], plane->spacing[1]);
  } else {
    for (int i = 1; i >= 0; i--) {
      fputs("          ", out);
      NomosXdmfHeavy_Private(xdmf, &(NomosXdmfArray){.name = plane->name[i], .n_dims = 1, .shape = {plane->size[i]}});
    }
    fprintf(out, "%s\"1\">0</DataItem>\n", number);
  }
  fputs("        </Geometry>\n", out);
}

/* One attribute: the slab of one frame and layer of the dataset. */
static void PutAttribute(const NomosXdmf *xdmf, const Plane *plane, const NomosXdmfArray *array, size_t frame, size_t layer, bool layered)
{
  size_t start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1];
  char   dimensions[64];
  int    d = 0;

  fputs("        <Attribute AttributeType=\"Scalar\" Center=\"Node\" Name=\"", xdmf->out);
  NomosXdmfText_Private(xdmf->out, array->name);
  if (layered) fprintf(xdmf->out, "_%zu", layer + 1);
  fputs("\">\n          ", xdmf->out);
  for (int i = 0; i < array->n_dims; i++) count[i] = i < array->n_dims - 2 ? 1 : array->shape[i];
  if (array->over_time) start[d++] = frame;
  if (layered) start[d] = layer;
  snprintf(dimensions, sizeof dimensions, "1 %zu %zu", plane->size[0], plane->size[1]);
  NomosXdmfSlab_Private(xdmf, array, dimensions, start, count);
  fputs("        </Attribute>\n", xdmf->out);
}

static PetscErrorCode Frame(const NomosXdmf *xdmf, void *ctx, size_t frame)
{
  Plane         *plane = ctx;
  NomosXdmfArray array;
  size_t         n;
  bool           take;

  PetscFunctionBeginUser;
  PutGeometry(xdmf, plane);
  PetscCall(NomosXdmfArrays_Private(xdmf, &n));
  for (size_t i = 0; i < n; i++) {
    PetscCall(NomosXdmfArray_Private(xdmf, i, &array, &take));
    if (take) PetscCall(Take(xdmf, plane, &array, &take));
    const bool layered = array.n_dims == array.over_time + 3;
    for (size_t layer = 0; take && layer < (layered ? array.shape[array.over_time] : 1); layer++) PutAttribute(xdmf, plane, &array, frame, layer, layered);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosXdmfKind nomos_xdmf_planes = {.name = "fields", .find = Find, .frame = Frame, .context_bytes = sizeof(Plane)};
