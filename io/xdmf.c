/* The XDMF companion of a field file, for ParaView's and VTK's legacy reader: light XML that points into the HDF5 file. */
#include "io/disk.h"
#include "io/xdmf_impl.h"

#include <stdlib.h>
#include <string.h>

void NomosXdmfText_Private(FILE *out, const char text[])
{
  for (; *text; text++) {
    switch (*text) {
    case '&': fputs("&amp;", out); break;
    case '<': fputs("&lt;", out); break;
    case '>': fputs("&gt;", out); break;
    case '"': fputs("&quot;", out); break;
    default: fputc(*text, out);
    }
  }
}

void NomosXdmfHeavy_Private(const NomosXdmf *xdmf, const NomosXdmfArray *array)
{
  fprintf(xdmf->out, "<DataItem Format=\"HDF\" NumberType=\"Float\" Precision=\"%zu\" Dimensions=\"", NomosFieldReaderRealSize(xdmf->reader, array->name));
  for (int d = 0; d < array->n_dims; d++) fprintf(xdmf->out, "%s%zu", d ? " " : "", array->shape[d]);
  fputs("\">", xdmf->out);
  NomosXdmfText_Private(xdmf->out, xdmf->file);
  fputs(":/", xdmf->out);
  NomosXdmfText_Private(xdmf->out, array->name);
  fputs("</DataItem>\n", xdmf->out);
}

void NomosXdmfSlab_Private(const NomosXdmf *xdmf, const NomosXdmfArray *array, const char dimensions[], const size_t start[], const size_t count[])
{
  FILE *out = xdmf->out;

  fprintf(out, "<DataItem ItemType=\"HyperSlab\" Type=\"HyperSlab\" Dimensions=\"%s\">\n            <DataItem Format=\"XML\" Dimensions=\"3 %d\">", dimensions, array->n_dims);
  for (int row = 0; row < 3; row++) /* start, stride, count */
    for (int d = 0; d < array->n_dims; d++) fprintf(out, "%s%zu", row || d ? " " : "", row == 0 ? start[d] : row == 1 ? 1 : count[d]);
  fputs("</DataItem>\n            ", out);
  NomosXdmfHeavy_Private(xdmf, array);
  fputs("          </DataItem>\n", out);
}

PetscErrorCode NomosXdmfArrays_Private(const NomosXdmf *xdmf, size_t *n)
{
  const char *const *names;
  size_t             n_constants;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderVariables(xdmf->reader, n, &names));
  PetscCall(NomosFieldReaderConstants(xdmf->reader, &n_constants, &names));
  *n += n_constants;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosXdmfArray_Private(const NomosXdmf *xdmf, size_t i, NomosXdmfArray *array, bool *good)
{
  const char *const *variables, *const *constants;
  size_t             n_variables, n_constants;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderVariables(xdmf->reader, &n_variables, &variables));
  PetscCall(NomosFieldReaderConstants(xdmf->reader, &n_constants, &constants));
  array->over_time = i < n_variables;
  array->name      = array->over_time ? variables[i] : constants[i - n_variables];
  PetscCall(NomosFieldReaderShape(xdmf->reader, array->name, &array->n_dims, array->shape));
  *good = NomosFieldReaderRealSize(xdmf->reader, array->name) > 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutFrames(const NomosXdmf *xdmf, const NomosXdmfKind *kind, void *ctx)
{
  FILE *out = xdmf->out;

  PetscFunctionBeginUser;
  fputs("<?xml version=\"1.0\"?>\n<!DOCTYPE Xdmf SYSTEM \"Xdmf.dtd\" []>\n<Xdmf Version=\"2.0\">\n  <Domain>\n", out);
  fprintf(out, "    <Grid Name=\"%s\" GridType=\"Collection\" CollectionType=\"Temporal\">\n", kind->name);
  for (size_t frame = 0; frame < xdmf->n_frames; frame++) {
    fprintf(out, "      <Grid Name=\"frame %zu\" GridType=\"Uniform\">\n        <Time Value=\"%.17g\"/>\n", frame, xdmf->times[frame]);
    PetscCall(kind->frame(xdmf, ctx, frame));
    fputs("      </Grid>\n", out);
  }
  fputs("    </Grid>\n  </Domain>\n</Xdmf>\n", out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutFile(const NomosXdmf *xdmf)
{
  static const NomosXdmfKind *const kinds[] = {&nomos_xdmf_particles, &nomos_xdmf_planes};
  bool                              found   = false;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !found; i++) {
    void *ctx = calloc(1, kinds[i]->context_bytes);
    PetscCheck(ctx, PETSC_COMM_SELF, PETSC_ERR_MEM, "%s: no memory left", xdmf->file);
    PetscErrorCode code = kinds[i]->find(xdmf, ctx, &found);
    if (!code && found) code = PutFrames(xdmf, kinds[i], ctx);
    free(ctx);
    PetscCall(code);
  }
  PetscCheck(found, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no field over time and a plane, and no positions of particles; XDMF has nothing to show", xdmf->file);
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
  snprintf(name, NOMOS_MAX_PATH, "%s", full ? full : slash ? slash + 1 : field_path);
  free(real_here);
  free(real_there);
  free(full);
}

static PetscErrorCode MakeText(const char field_path[], const char xdmf_path[], char **text)
{
  NomosXdmf      xdmf = {0};
  PetscErrorCode failed;
  size_t         length;

  PetscFunctionBeginUser;
  *text = NULL;
  NameHeavyFile(field_path, xdmf_path, xdmf.file);
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, field_path, &xdmf.reader));
  failed = NomosFieldReaderFrames(xdmf.reader, &xdmf.n_frames);
  if (!failed) failed = PetscMalloc1(xdmf.n_frames, &xdmf.times);
  if (!failed) failed = NomosFieldReaderRead(xdmf.reader, "time", (size_t[]){0}, &xdmf.n_frames, xdmf.times);
  if (!failed) xdmf.out = open_memstream(text, &length);
  if (xdmf.out) {
    failed = PutFile(&xdmf);
    if (fclose(xdmf.out) && !failed) failed = PETSC_ERR_MEM;
  }
  PetscCall(PetscFree(xdmf.times));
  PetscCall(NomosFieldReaderClose(&xdmf.reader));
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
