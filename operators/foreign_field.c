#include "operators/foreign_field.h"

#include "io/field_file.h"
#include "io/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double same_place = 1e-3; /* of the spacing: coordinates may be of single precision */

PetscErrorCode NomosForeignFactor(NomosFieldReader reader, const char path[], const char name[], const char needed[], bool required, double *factor)
{
  NomosUnit from, to;
  char     *found, unit[NOMOS_MAX_NAME], message[256];

  PetscFunctionBeginUser;
  *factor = 1;
  PetscCall(NomosFieldReaderAttribute(reader, name, "units", &found));
  snprintf(unit, sizeof unit, "%s", found ? found : "1");
  const bool given = found;
  PetscCall(PetscFree(found));
  if (!given && !required) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosUnitParse(needed, &to));
  if (!NomosUnitRead(unit, &from, sizeof message, message) || !NomosUnitSame(&from, &to)) {
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %s%s%s; give it the attribute units = '%s', or another unit of that kind%s", path, name, given ? "the units '" : "no units", given ? unit : "", given ? "'" : "", needed, strcmp(name, "time") ? "" : " (times count from the beginning of the case's run)");
  }
  *factor = NomosUnitScale(1, &from, &to);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the file has coordinates they are those of the case, or (n points) as many over the same domain. */
static PetscErrorCode CheckAxis(NomosFieldReader reader, const char path[], const char name[], const NomosFieldDim *dim, size_t n, bool required)
{
  bool    has;
  int     n_dims;
  size_t  shape[NOMOS_FIELD_MAX_DIMS + 1];
  double *values, factor;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(reader, dim->name, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(reader, dim->name, &n_dims, shape));
  if (n_dims != 1 || shape[0] != n) PetscFunctionReturn(PETSC_SUCCESS); /* another thing of that name; the field's shape is checked */
  PetscCall(NomosForeignFactor(reader, path, dim->name, dim->unit ? dim->unit : "1", required, &factor));
  PetscCall(PetscMalloc1(n, &values));
  PetscCall(NomosFieldReaderRead(reader, dim->name, (size_t[]){0}, shape, values));
  const double step = dim->size > 1 ? dim->values[1] - dim->values[0] : 1, theirs = step * (double)dim->size / (double)n, first = dim->values[0] + (dim->cells ? 0.5 * (theirs - step) : 0);
  const double shift = factor * values[0] == 0 && first == 1 && step == 1 && n == dim->size ? 1 : 0; /* layers counted from 0 are those counted from 1 */
  for (size_t i = 0; i < n; i++) {
    const double x = n == dim->size ? dim->values[i] : first + (double)i * theirs;
    NomosCheck(fabs(factor * values[i] + shift - x) <= same_place * fabs(theirs), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: entry %zu of %s is %g, and the case's is %g; put %s on the %s of the case (that of the file that nomos run writes)", path, i + 1, dim->name, factor * values[i], x, name, n == dim->size ? "grid" : "domain");
  }
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosForeignFieldCheck(NomosModel model, NomosFieldReader reader, const char path[], const NomosForeignField *field, bool *timed)
{
  NomosFileLayout           layout;
  const NomosFieldVariable *like = NULL;
  int                       n_dims;
  size_t                    shape[NOMOS_FIELD_MAX_DIMS + 1];
  const char               *found;
  char                      is[200] = "", needed[200];

  PetscFunctionBeginUser;
  PetscCall(model->ops->field_layout(model, &layout));
  for (size_t v = 0; v < layout.n_variables; v++)
    if (!strcmp(layout.variables[v].name, field->like)) like = &layout.variables[v];
  PetscCall(NomosFieldReaderShape(reader, field->name, &n_dims, shape));
  *timed = n_dims == field->n_dims + 1;
  if (n_dims && n_dims == field->n_dims && field->size[0] == 1) {
    PetscCall(NomosFieldReaderDimName(reader, field->name, 0, &found));
    *timed = !strcmp(found, "time");
  }
  const int skipped = field->n_dims - (n_dims - *timed);
  bool      same    = (*timed || !field->time) && (skipped == 0 || (skipped == 1 && field->size[0] == 1));
  for (int d = 0; d < n_dims; d++) {
    const int   own  = d - *timed < 0 ? -1 : d - *timed + skipped;
    const char *name = d < *timed ? "time" : like && own >= 0 && own < field->n_dims ? like->dims[own]
                                                                       : "";
    PetscCall(NomosFieldReaderDimName(reader, field->name, d, &found));
    if (d >= *timed && same) same = shape[d] == field->size[own] || (field->resampled && own >= field->n_dims - 2);
    if (found[0] && name[0] && strcmp(found, name)) same = false;
    NomosTextAppend(sizeof is, is, "%s%.24s%s%zu", d ? ", " : "", found, found[0] ? " " : "", shape[d]);
  }
  snprintf(needed, sizeof needed, "%s", field->time ? "time, " : "[time,] ");
  for (int d = 0; d < field->n_dims; d++) {
    NomosTextAppend(sizeof needed, needed, "%s%.24s", d ? ", " : "", like ? like->dims[d] : "");
    if (!field->resampled || d < field->n_dims - 2) NomosTextAppend(sizeof needed, needed, "%s%zu", like ? " " : "", field->size[d]);
  }
  PetscCheck(same, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is over (%s); the case needs it over (%s)", path, field->name, is, needed);
  for (int d = skipped; like && d < field->n_dims; d++)
    for (size_t i = 0; i < layout.n_dims; i++)
      if (!strcmp(layout.dims[i].name, like->dims[d])) PetscCall(CheckAxis(reader, path, field->name, &layout.dims[i], shape[d - skipped + *timed], field->time));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosForeignFrame(NomosFieldReader reader, const char path[], const char name[], bool timed, const char key[], int64_t frame, size_t *start)
{
  int    n_dims;
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1], frames = 1;
  bool   has;

  PetscFunctionBeginUser;
  if (timed) {
    PetscCall(NomosFieldReaderShape(reader, name, &n_dims, shape));
    PetscCall(NomosFieldReaderHas(reader, "time", &has));
    frames = shape[0];
    if (has) PetscCall(NomosFieldReaderFrames(reader, &frames));
    frames = PetscMin(frames, shape[0]);
  }
  PetscCheck(frame < (int64_t)frames && frames, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s = %ld: %s holds %zu frame%s%s; they count from 0", key, (long)frame, path, frames, frames == 1 ? "" : "s", timed ? "" : ", without time");
  *start = frame < 0 ? frames - 1 : (size_t)frame;
  PetscFunctionReturn(PETSC_SUCCESS);
}
