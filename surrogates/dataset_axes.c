/* What the names of axes and the lengths of coordinates say against the order in which a data set is read: data that lie otherwise would be learned from without a word. */
#include "surrogates/dataset_impl.h"

#include <stdio.h>
#include <string.h>

static const char *const space[] = {"z", "y", "x"};

/* "[trajectory, time, y, x]"; an axis without a name is a question mark. */
static const char *AxesText(int n, const char *const names[], char text[256])
{
  size_t length = (size_t)snprintf(text, 256, "[");

  for (int i = 0; i < n && length < 200; i++) length += (size_t)snprintf(text + length, 256 - length, "%s%.24s", i ? ", " : "", names[i][0] ? names[i] : "?");
  snprintf(text + length, 256 - length, "]");
  return text;
}

/* What the axes of a variable are taken for; "": its own. */
static void Expected(const NomosDatasetVariable *wanted, bool is_run, bool with_frames, int n_dims, const char *names[])
{
  int lead = 0;

  for (int i = 0; i < n_dims; i++) names[i] = "";
  if (!is_run && lead < n_dims) names[lead++] = "trajectory";
  if (with_frames && lead < n_dims) names[lead++] = "time";
  for (int i = 0; i < wanted->n_space && wanted->n_space <= 3 && lead + wanted->first_space + i < n_dims; i++) names[lead + wanted->first_space + i] = space[3 - wanted->n_space + i];
}

/* One of these names at the place of another; a time axis, or one of trajectories before it, that has another name. */
static bool Contradicts(int n_dims, const char *const expected[], const char *const found[], int axis)
{
  const int time = !strcmp(expected[0], "time") ? 0 : n_dims > 1 && !strcmp(expected[1], "time") ? 1 : -1;

  if (!found[axis][0] || !strcmp(found[axis], expected[axis])) return false;
  if (axis == time || (axis < time && strcmp(found[time], "time"))) return true;
  if (!strcmp(found[axis], "trajectory") || !strcmp(found[axis], "time")) return true;
  for (int other = 0; other < n_dims; other++)
    if (!strcmp(found[axis], expected[other])) return true;
  return false;
}

/* Has it, without names of its axes, the lengths of the coordinates of one run? */
static PetscErrorCode IsNamelessRun(NomosFieldReader reader, int n_dims, const size_t shape[], const char *const names[], bool *is)
{
  PetscFunctionBeginUser;
  *is = n_dims == 3 || n_dims == 4;
  for (int i = 0; i < n_dims && *is; i++) {
    const char *coordinate = i ? space[3 - n_dims + i] : "time";
    size_t      length[NOMOS_FIELD_MAX_DIMS + 1];
    int         n;
    PetscCall(NomosFieldReaderHas(reader, coordinate, is));
    if (!*is) continue;
    PetscCall(NomosFieldReaderShape(reader, coordinate, &n, length));
    *is = n == 1 && length[0] == shape[i] && !names[i][0];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetCheckAxes(NomosDataset d, const NomosDatasetFile *file, size_t v, bool with_frames)
{
  const NomosDatasetVariable *wanted = &d->input.variables[v];
  size_t                      shape[NOMOS_FIELD_MAX_DIMS + 1];
  const char                 *found[NOMOS_FIELD_MAX_DIMS + 1], *expected[NOMOS_FIELD_MAX_DIMS + 1];
  char                        is[256], needed[256];
  int                         n_dims;
  bool                        nameless;

  PetscFunctionBeginUser;
  if (!wanted->n_space || !(file->is_run || d->input.frames)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(d->reader, wanted->name, &n_dims, shape));
  for (int i = 0; i < n_dims; i++) PetscCall(NomosFieldReaderDimName(d->reader, wanted->name, i, &found[i]));
  Expected(wanted, file->is_run, with_frames, n_dims, expected);
  for (int i = 0; i < n_dims; i++)
    NomosCheck(!Contradicts(n_dims, expected, found, i), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the axes of %s are called %s, and it would be taken for %s; a field lies over [trajectory, time, y, x], or of one run in a file [time, y, x] (without y in one dimension), and axes that have names are called so: rename them, with their coordinates, or put them into this order", file->path, wanted->name, AxesText(n_dims, found, is), AxesText(n_dims, expected, needed));
  PetscCall(IsNamelessRun(d->reader, n_dims, shape, found, &nameless));
  NomosCheck(file->is_run || !with_frames || !nameless, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has as many entries as %s, as of one run, and it would be taken for %s, for its axes have no names; name them (dimension scales), or put one of length 1 before them for the trajectory", file->path, wanted->name, n_dims == 3 ? "time, y and x" : "time, z, y and x", AxesText(n_dims, expected, needed));
  PetscFunctionReturn(PETSC_SUCCESS);
}
