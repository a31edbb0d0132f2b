/* The XDMF companion of a field file, for ParaView's and VTK's legacy reader: light XML that points into the HDF5 file. */
#include "io/checkpoint.h"
#include "io/field_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The plane all fields share, and where the heavy data are. */
typedef struct {
  NomosFieldReader reader;
  char             file[NOMOS_MAX_PATH]; /* as the XDMF file names it */
  char             name[2][NOMOS_MAX_NAME * 4];
  size_t           size[2]; /* y, x */
  double           origin[2], spacing[2];
  bool             found, uniform;
} Plane;

static void PutEscaped(FILE *out, const char text[])
{
  for (; *text; text++) {
    switch (*text) {
    case '&':
      fputs("&amp;", out);
      break;
    case '<':
      fputs("&lt;", out);
      break;
    case '>':
      fputs("&gt;", out);
      break;
    case '"':
      fputs("&quot;", out);
      break;
    default:
      fputc(*text, out);
    }
  }
}

/* Origin and spacing of one coordinate; without coordinates points are counted. */
static PetscErrorCode ReadAxis(Plane *plane, int i)
{
  const size_t n = plane->size[i];
  double      *x, largest;
  bool         has;

  PetscFunctionBeginUser;
  plane->origin[i]  = 0;
  plane->spacing[i] = 1;
  PetscCall(NomosFieldReaderHas(plane->reader, plane->name[i], &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(n, &x));
  PetscErrorCode failed = NomosFieldReaderRead(plane->reader, plane->name[i], (size_t[]){0}, &n, x);
  if (!failed) {
    plane->origin[i] = x[0];
    if (n > 1) plane->spacing[i] = (x[n - 1] - x[0]) / (double)(n - 1);
    largest = fmax(fabs(x[0]), fabs(x[n - 1]));
    for (size_t j = 0; j < n; j++) {
      if (!(fabs(x[j] - (x[0] + (double)j * plane->spacing[i])) <= 1e-6 * fabs(plane->spacing[i]) + 1e-12 * largest))
        plane->uniform = false;
    }
  }
  PetscCall(PetscFree(x));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the variable (..., y, x) with at most one dimension between time and y, on the plane of the first such variable? */
static PetscErrorCode TakeVariable(Plane *plane, const char name[], int first, bool *take, int *n_dims, size_t shape[])
{
  const char *dim[2];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(plane->reader, name, n_dims, shape));
  *take = (*n_dims == first + 2 || *n_dims == first + 3) && NomosFieldReaderRealSize(plane->reader, name) > 0;
  if (!*take) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < 2; i++) PetscCall(NomosFieldReaderDimName(plane->reader, name, *n_dims - 2 + i, &dim[i]));
  if (!plane->found) {
    plane->uniform = plane->found = true;
    for (int i = 0; i < 2; i++) {
      snprintf(plane->name[i], sizeof plane->name[i], "%s", dim[i]);
      plane->size[i] = shape[*n_dims - 2 + i];
      PetscCall(ReadAxis(plane, i));
    }
  }
  for (int i = 0; i < 2; i++) *take = *take && !strcmp(dim[i], plane->name[i]) && shape[*n_dims - 2 + i] == plane->size[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void PutHeavy(FILE *out, const Plane *plane, const char name[], int n_dims, const size_t shape[])
{
  fprintf(out, "<DataItem Format=\"HDF\" NumberType=\"Float\" Precision=\"%zu\" Dimensions=\"",
          NomosFieldReaderRealSize(plane->reader, name));
  for (int d = 0; d < n_dims; d++) fprintf(out, "%s%zu", d ? " " : "", shape[d]);
  fputs("\">", out);
  PutEscaped(out, plane->file);
  fputs(":/", out);
  PutEscaped(out, name);
  fputs("</DataItem>\n", out);
}

/* A plane of a three-dimensional mesh: VTK's reader would turn a two-dimensional one into the y-z plane. */
static void PutGeometry(FILE *out, const Plane *plane)
{
  static const char number[] = "          <DataItem Format=\"XML\" NumberType=\"Float\" Precision=\"8\" Dimensions=";

  fprintf(out, "        <Topology TopologyType=\"%s\" Dimensions=\"1 %zu %zu\"/>\n", plane->uniform ? "3DCoRectMesh" : "3DRectMesh",
          plane->size[0], plane->size[1]);
  fprintf(out, "        <Geometry GeometryType=\"%s\">\n", plane->uniform ? "ORIGIN_DXDYDZ" : "VXVYVZ");
  if (plane->uniform) {
    fprintf(out, "%s\"3\">0 %.17g %.17g</DataItem>\n", number, plane->origin[0], plane->origin[1]);
    fprintf(out, "%s\"3\">1 %.17g %.17g</DataItem>\n", number, plane->spacing[0], plane->spacing[1]);
  } else {
    for (int i = 1; i >= 0; i--) {
      fputs("          ", out);
      PutHeavy(out, plane, plane->name[i], 1, &plane->size[i]);
    }
    fprintf(out, "%s\"1\">0</DataItem>\n", number);
  }
  fputs("        </Geometry>\n", out);
}

/* One attribute: the slab of one frame and layer of the dataset. */
static void PutAttribute(FILE *out, const Plane *plane, const char name[], int n_dims, const size_t shape[], int first, size_t frame,
                         size_t layer)
{
  const bool layered = n_dims == first + 3;

  fputs("        <Attribute AttributeType=\"Scalar\" Center=\"Node\" Name=\"", out);
  PutEscaped(out, name);
  if (layered) fprintf(out, "_%zu", layer + 1);
  fprintf(out,
          "\">\n          <DataItem ItemType=\"HyperSlab\" Type=\"HyperSlab\" Dimensions=\"1 %zu %zu\">\n            <DataItem "
          "Format=\"XML\" Dimensions=\"3 %d\">",
          plane->size[0], plane->size[1], n_dims);
  for (int row = 0; row < 3; row++) { /* start, stride, count */
    for (int d = 0; d < n_dims; d++) {
      const size_t start = d < first ? frame : d < n_dims - 2 ? layer
                                                              : 0,
                   count = d < n_dims - 2 ? 1 : shape[d];
      fprintf(out, "%s%zu", row || d ? " " : "", row == 0 ? start : row == 1 ? 1
                                                                             : count);
    }
  }
  fputs("</DataItem>\n            ", out);
  PutHeavy(out, plane, name, n_dims, shape);
  fputs("          </DataItem>\n        </Attribute>\n", out);
}

static PetscErrorCode PutVariables(FILE *out, Plane *plane, size_t n, const char *const names[], int first, size_t frame)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
    int    n_dims;
    bool   take;
    PetscCall(TakeVariable(plane, names[i], first, &take, &n_dims, shape));
    for (size_t layer = 0; take && layer < (n_dims == first + 3 ? shape[first] : 1); layer++)
      PutAttribute(out, plane, names[i], n_dims, shape, first, frame, layer);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fields over time give the plane; constants on it are repeated in every frame. */
static PetscErrorCode PutFrames(FILE *out, Plane *plane, size_t n_frames, const double times[])
{
  const char *const *names, *const *constants;
  size_t n, n_constants, shape[NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims;
  bool   take;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderVariables(plane->reader, &n, &names));
  PetscCall(NomosFieldReaderConstants(plane->reader, &n_constants, &constants));
  for (size_t i = 0; i < n; i++) PetscCall(TakeVariable(plane, names[i], 1, &take, &n_dims, shape));
  PetscCheck(plane->found, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no field over time and a plane; XDMF has nothing to show",
             plane->file);
  fputs("<?xml version=\"1.0\"?>\n<!DOCTYPE Xdmf SYSTEM \"Xdmf.dtd\" []>\n<Xdmf Version=\"2.0\">\n  <Domain>\n", out);
  fputs("    <Grid Name=\"fields\" GridType=\"Collection\" CollectionType=\"Temporal\">\n", out);
  for (size_t frame = 0; frame < n_frames; frame++) {
    fprintf(out, "      <Grid Name=\"frame %zu\" GridType=\"Uniform\">\n        <Time Value=\"%.17g\"/>\n", frame, times[frame]);
    PutGeometry(out, plane);
    PetscCall(PutVariables(out, plane, n, names, 1, frame));
    PetscCall(PutVariables(out, plane, n_constants, constants, 0, frame));
    fputs("      </Grid>\n", out);
  }
  fputs("    </Grid>\n  </Domain>\n</Xdmf>\n", out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A bare name if both files are in one directory, so that the directory can be moved; else the full path. */
static void NameHeavyFile(const char field_path[], const char xdmf_path[], char name[NOMOS_MAX_PATH])
{
  char        here[NOMOS_MAX_PATH], there[NOMOS_MAX_PATH], *real_here, *real_there, *full;
  const char *slash = strrchr(field_path, '/');

  NomosDirectoryName(field_path, there);
  NomosDirectoryName(xdmf_path, here);
  real_there = realpath(there, NULL);
  real_here  = realpath(here, NULL);
  full       = real_there && real_here && strcmp(real_there, real_here) ? realpath(field_path, NULL) : NULL;
  snprintf(name, NOMOS_MAX_PATH, "%s", full ? full : slash ? slash + 1
                                                           : field_path);
  free(real_here);
  free(real_there);
  free(full);
}

static PetscErrorCode MakeText(const char field_path[], const char xdmf_path[], char **text)
{
  Plane          plane = {0};
  PetscErrorCode failed;
  size_t         n_frames, length;
  double        *times = NULL;
  FILE          *out   = NULL;

  PetscFunctionBeginUser;
  *text = NULL;
  NameHeavyFile(field_path, xdmf_path, plane.file);
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, field_path, &plane.reader));
  failed = NomosFieldReaderFrames(plane.reader, &n_frames);
  if (!failed) failed = PetscMalloc1(n_frames, &times);
  if (!failed) failed = NomosFieldReaderRead(plane.reader, "time", (size_t[]){0}, &n_frames, times);
  if (!failed) out = open_memstream(text, &length);
  if (out) {
    failed = PutFrames(out, &plane, n_frames, times);
    if (fclose(out) && !failed) failed = PETSC_ERR_MEM;
  }
  PetscCall(PetscFree(times));
  PetscCall(NomosFieldReaderClose(&plane.reader));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosXdmfWrite(MPI_Comm comm, const char field_path[], const char xdmf_path[])
{
  char           sentence[2000] = "", *text = NULL;
  PetscErrorCode failed = 0;
  int            rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) {
    failed = MakeText(field_path, xdmf_path, &text);
    snprintf(sentence, sizeof sentence, "%s", failed ? NomosErrorLast() : "");
    if (failed) free(text);
  }
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, comm));
  if (failed) {
    PetscCallMPI(MPI_Bcast(sentence, sizeof sentence, MPI_CHAR, 0, comm));
    PetscCheck(rank == 0, comm, failed, "%s", sentence); /* rank 0 has said it */
    PetscCall(failed);
  }
  failed = NomosWriteFileAtomic(comm, xdmf_path, rank ? "" : text);
  free(text);
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
