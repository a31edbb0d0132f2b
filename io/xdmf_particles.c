/* XDMF of particles: a cloud of vertices per frame. `position` (time, particle, axis) is the geometry; what else is over the same particles is an attribute: a scalar, a vector of as many
   components as there are axes, a tensor of nine (as one dimension or as two of three); anything of another number of components is one scalar for each, `affine_1` ... */
#include "io/xdmf_impl.h"

#include <string.h>

static const char position[] = "position";

typedef struct {
  size_t         n, d; /* particles, axes */
  NomosXdmfArray position;
} Cloud;

static PetscErrorCode Find(const NomosXdmf *xdmf, void *ctx, bool *found)
{
  Cloud *cloud = ctx;
  size_t n;

  PetscFunctionBeginUser;
  *found = false;
  PetscCall(NomosXdmfArrays_Private(xdmf, &n));
  for (size_t i = 0; i < n && !*found; i++) {
    PetscCall(NomosXdmfArray_Private(xdmf, i, &cloud->position, found));
    *found = *found && !strcmp(cloud->position.name, position) && cloud->position.over_time && cloud->position.n_dims == 3 && (cloud->position.shape[2] == 2 || cloud->position.shape[2] == 3);
  }
  if (*found) cloud->n = cloud->position.shape[1], cloud->d = cloud->position.shape[2];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Components of an array over the particles; 0: it is none. */
static size_t Components(const Cloud *cloud, const NomosXdmfArray *array)
{
  size_t n = 1;

  if (array->n_dims <= array->over_time || array->shape[array->over_time] != cloud->n) return 0;
  for (int i = array->over_time + 1; i < array->n_dims; i++) n *= array->shape[i];
  return n;
}

/* The block of a frame: all components, or (`component` not negative) one. */
static void PutSlab(const NomosXdmf *xdmf, const NomosXdmfArray *array, size_t frame, int64_t component, const char dimensions[])
{
  size_t start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1], rest = (size_t)component;

  for (int i = 0; i < array->n_dims; i++) count[i] = array->shape[i];
  if (array->over_time) start[0] = frame, count[0] = 1;
  for (int i = array->n_dims - 1; component >= 0 && i > array->over_time; i--) {
    start[i] = rest % array->shape[i];
    count[i] = 1;
    rest /= array->shape[i];
  }
  fputs("          ", xdmf->out);
  NomosXdmfSlab_Private(xdmf, array, dimensions, start, count);
}

static void PutAttribute(const NomosXdmf *xdmf, const Cloud *cloud, const NomosXdmfArray *array, size_t frame, size_t components)
{
  const bool  vector = components == cloud->d, tensor = components == 9, whole = components == 1 || vector || tensor;
  const char *type = vector ? "Vector" : tensor ? "Tensor" : "Scalar";
  char        dimensions[64];

  for (size_t c = 0; c < (whole ? 1 : components); c++) {
    fprintf(xdmf->out, "        <Attribute AttributeType=\"%s\" Center=\"Node\" Name=\"", type);
    NomosXdmfText_Private(xdmf->out, array->name);
    if (!whole) fprintf(xdmf->out, "_%zu", c + 1);
    fputs("\">\n", xdmf->out);
    if (whole && components > 1) snprintf(dimensions, sizeof dimensions, "%zu %zu", cloud->n, components);
    else snprintf(dimensions, sizeof dimensions, "%zu", cloud->n);
    PutSlab(xdmf, array, frame, whole ? -1 : (int64_t)c, dimensions);
    fputs("        </Attribute>\n", xdmf->out);
  }
}

static PetscErrorCode Frame(const NomosXdmf *xdmf, void *ctx, size_t frame)
{
  const Cloud   *cloud = ctx;
  NomosXdmfArray array;
  size_t         n;
  bool           good;
  char           dimensions[64];

  PetscFunctionBeginUser;
  fprintf(xdmf->out, "        <Topology TopologyType=\"Polyvertex\" NumberOfElements=\"%zu\" NodesPerElement=\"1\"/>\n", cloud->n);
  fprintf(xdmf->out, "        <Geometry GeometryType=\"%s\">\n", cloud->d == 2 ? "XY" : "XYZ");
  snprintf(dimensions, sizeof dimensions, "%zu %zu", cloud->n, cloud->d);
  PutSlab(xdmf, &cloud->position, frame, -1, dimensions);
  fputs("        </Geometry>\n", xdmf->out);
  PetscCall(NomosXdmfArrays_Private(xdmf, &n));
  for (size_t i = 0; i < n; i++) {
    PetscCall(NomosXdmfArray_Private(xdmf, i, &array, &good));
    if (good && strcmp(array.name, position)) PutAttribute(xdmf, cloud, &array, frame, Components(cloud, &array));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosXdmfKind nomos_xdmf_particles = {.name = "particles", .find = Find, .frame = Frame, .context_bytes = sizeof(Cloud)};
