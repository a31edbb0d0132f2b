/* What a run writes into fields.nc. */
#include "solvers/mpm/mpm_output.h"

#include <stdio.h>
#include <string.h>

typedef enum { POSITION, VELOCITY, AFFINE, DEFORMATION, STRESS, MASS, VOLUME, MATERIAL, BODY, N_FIELDS } Field;

static const struct {
  const char *name, *dims[3], *unit, *long_name;
} fields[N_FIELDS] = {
  [POSITION]    = {"position", {"particle", "axis"}, "m", "position"},
  [VELOCITY]    = {"velocity", {"particle", "axis"}, "m s-1", "velocity"},
  [AFFINE]      = {"affine", {"particle", "axis", "along"}, "s-1", "affine velocity matrix C"},
  [DEFORMATION] = {"deformation_gradient", {"particle", "row", "column"}, "1", "elastic deformation gradient F"},
  [STRESS]      = {"stress", {"particle", "row", "column"}, "Pa", "Cauchy stress"},
  [MASS]        = {"mass", {"particle"}, "kg", "mass"},
  [VOLUME]      = {"volume", {"particle"}, "m3", "volume of the reference state"},
  [MATERIAL]    = {"material", {"particle"}, "1", NULL},
  [BODY]        = {"body", {"particle"}, "1", NULL},
};

static const double numbers[] = {0, 1, 2};

/* "0 jelly, 1 water" */
static PetscErrorCode ListNames(NomosConfig config, const char group[], const char what[], size_t n_text, char text[])
{
  const char *const *names;
  size_t             n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(config, group, &n, &names));
  size_t end = (size_t)snprintf(text, n_text, "%s: ", what);
  for (size_t i = 0; i < n && end < n_text; i++) end += (size_t)snprintf(text + end, n_text - end, "%s%zu %s", i ? ", " : "", i, names[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmOutputCreate(NomosModel model)
{
  NomosMpm               *mpm   = model->data;
  const size_t            d     = (size_t)mpm->setup.d;
  const bool              units = !NomosConfigIsNondimensional(model->config);
  struct NomosMpmOutput_s *output;
  bool                    wanted[N_FIELDS];

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&output));
  mpm->output = output;
  PetscCall(PetscMalloc1(mpm->n_total, &output->particle));
  PetscCall(PetscMalloc2(9 * mpm->n * NomosRealBytes(model->precision), (char **)&output->tau, 9 * mpm->n * NomosRealBytes(model->precision), (char **)&output->rows));
  for (size_t k = 0; k < mpm->n_total; k++) output->particle[k] = (double)k;
  output->dims[0] = (NomosFieldDim){.name = "particle", .size = mpm->n_total, .values = output->particle, .long_name = "number of the particle"};
  output->dims[1] = (NomosFieldDim){.name = "axis", .size = d, .values = numbers, .long_name = "axis of space: x, y, z"};
  output->dims[2] = (NomosFieldDim){.name = "row", .size = 3, .values = numbers, .long_name = "row of a tensor"};
  output->dims[3] = (NomosFieldDim){.name = "column", .size = 3, .values = numbers, .long_name = "column of a tensor"};
  output->dims[4] = (NomosFieldDim){.name = "along", .size = d, .values = numbers, .long_name = "axis along which a velocity changes"};
  PetscCall(ListNames(model->config, "materials", "material", sizeof output->materials, output->materials));
  PetscCall(ListNames(model->config, "bodies", "body", sizeof output->bodies, output->bodies));
  for (int f = 0; f < N_FIELDS; f++) wanted[f] = true;
  PetscCall(NomosConfigGetBool(model->config, "mpm.write_affine", &wanted[AFFINE]));
  PetscCall(NomosConfigGetBool(model->config, "mpm.write_stress", &wanted[STRESS]));
  for (int f = 0; f < N_FIELDS; f++) {
    if (!wanted[f]) continue;
    NomosFieldVariable *variable = &output->variables[output->n_variables++];
    *variable = (NomosFieldVariable){.name = fields[f].name, .constant = f >= MASS, .unit = units ? fields[f].unit : "1", .long_name = f == MATERIAL ? output->materials : f == BODY ? output->bodies : fields[f].long_name};
    for (int i = 0; i < 3; i++) variable->dims[i] = fields[f].dims[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmOutputDestroy(NomosModel model)
{
  NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  if (!mpm->output) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(mpm->output->particle));
  PetscCall(PetscFree2(mpm->output->tau, mpm->output->rows));
  PetscCall(PetscFree(mpm->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmFieldLayout(NomosModel model, NomosFileLayout *layout)
{
  const struct NomosMpmOutput_s *output = ((NomosMpm *)model->data)->output;

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.n_dims = sizeof output->dims / sizeof *output->dims, .dims = output->dims, .n_variables = output->n_variables, .variables = output->variables};
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosMpmTranspose(NomosRealType precision, size_t rows, size_t columns, const void *from, void *to)
{
  const float  *from_f = from;
  const double *from_d = from;
  float        *to_f   = to;
  double       *to_d   = to;

  for (size_t c = 0; c < columns; c++)
    for (size_t r = 0; r < rows; r++) {
      if (precision == NOMOS_F32) to_f[c * rows + r] = from_f[r * columns + c];
      else to_d[c * rows + r] = from_d[r * columns + c];
    }
}

double NomosMpmEntry(const NomosMpm *mpm, size_t entry, size_t k)
{
  return mpm->setup.single ? (double)((const float *)mpm->state)[entry * mpm->n + k] : ((const double *)mpm->state)[entry * mpm->n + k];
}

double NomosMpmDeterminant(const NomosMpm *mpm, size_t k)
{
  const size_t first = mpm->n_entries - 9;
  double       F[9];

  for (size_t e = 0; e < 9; e++) F[e] = NomosMpmEntry(mpm, first + e, k);
  return F[0] * (F[4] * F[8] - F[5] * F[7]) - F[1] * (F[3] * F[8] - F[5] * F[6]) + F[2] * (F[3] * F[7] - F[4] * F[6]);
}

static void DivideByVolumeRatio(const NomosMpm *mpm, void *tau)
{
  for (size_t k = 0; k < mpm->n; k++) {
    const double J = NomosMpmDeterminant(mpm, k);
    for (size_t e = 0; e < 9; e++) {
      if (mpm->setup.single) ((float *)tau)[e * mpm->n + k] = (float)(((float *)tau)[e * mpm->n + k] / J);
      else ((double *)tau)[e * mpm->n + k] /= J;
    }
  }
}

static PetscErrorCode WriteConstant(NomosMpm *mpm, NomosFieldFile file, Field field)
{
  const size_t start[] = {mpm->first}, count[] = {mpm->n};
  double      *values;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(mpm->n, &values));
  for (size_t k = 0; k < mpm->n; k++) values[k] = field == MASS ? mpm->mass[k] : field == VOLUME ? mpm->volume[k] : field == MATERIAL ? mpm->material[k] : mpm->body[k];
  PetscCall(NomosFieldFileWrite(file, fields[field].name, NOMOS_F64, start, count, values));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmWriteFields(NomosModel model, NomosFieldFile file)
{
  NomosMpm                *mpm    = model->data;
  struct NomosMpmOutput_s *output = mpm->output;
  const size_t             n = mpm->n, d = (size_t)mpm->setup.d, first[] = {[POSITION] = 0, [VELOCITY] = d, [AFFINE] = 2 * d, [DEFORMATION] = 2 * d + d * d}, size[] = {[POSITION] = d, [VELOCITY] = d, [AFFINE] = d * d, [DEFORMATION] = 9, [STRESS] = 9};

  PetscFunctionBeginUser;
  for (size_t v = 0; v < output->n_variables; v++) {
    const NomosFieldVariable *variable = &output->variables[v];
    Field                     field    = POSITION;
    while (strcmp(fields[field].name, variable->name)) field++;
    if (variable->constant) {
      if (!NomosFieldFileFrames(file)) PetscCall(WriteConstant(mpm, file, field));
      continue;
    }
    if (field == STRESS) {
      PetscCall(mpm->kernels->stress(mpm, mpm->state, output->tau));
      DivideByVolumeRatio(mpm, output->tau);
    }
    const void  *entries = field == STRESS ? output->tau : (const char *)mpm->state + first[field] * n * NomosRealBytes(model->precision);
    const size_t side = field == AFFINE ? d : 3, start[] = {mpm->first, 0, 0}, count[] = {n, field <= VELOCITY ? d : side, side};
    NomosMpmTranspose(model->precision, size[field], n, entries, output->rows);
    PetscCall(NomosFieldFileWrite(file, variable->name, model->precision, start, count, output->rows));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
