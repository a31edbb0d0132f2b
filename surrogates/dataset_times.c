/* Times of a data set's frames: who learns a step of one length needs them equally far apart. */
#include "surrogates/dataset_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* PDEBench has one time more than frames. */
static PetscErrorCode CheckLength(NomosDataset d, size_t number, const char name[], size_t n)
{
  const NomosDatasetFile *file = &d->files[number];
  size_t                  v    = 0;

  PetscFunctionBeginUser;
  while (!d->rows[v].frames || file->is_steady[v]) v++;
  NomosCheck((file->is_run && n >= file->all_frames) || n == file->all_frames || n == file->all_frames + 1, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %zu entries, and %s %zu frames on its axis 2: a field lies over [trajectory, time, (y,) x], or of one run in a file, whose dimensions have names (dimension scales), [time, (y,) x]; put its axes into this order, or, if frames are to be counted, leave %s out of the file", file->path, name, n, d->rows[v].name, file->all_frames, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has it the times under this name? A single number is that of one state, and what is called t may be another thing unless it is as long as there are frames. */
static PetscErrorCode HasTimes(NomosDataset d, size_t number, const char name[], bool *has)
{
  const NomosDatasetFile *file = &d->files[number];
  size_t                  shape[NOMOS_FIELD_MAX_DIMS + 1];
  int                     n_dims;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(d->reader, name, has));
  if (!*has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(d->reader, name, &n_dims, shape));
  *has = n_dims > 0;
  if (strcmp(name, "t")) PetscFunctionReturn(PETSC_SUCCESS);
  *has = false;
  for (int i = 0; i < n_dims && n_dims < 3; i++) *has = *has || shape[i] == file->all_frames || shape[i] == file->all_frames + 1;
  for (size_t v = 0; v < d->n_variables; v++) *has = *has && strcmp(d->input.variables[v].name, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *const names[] = {"time", "t-coordinate", "t"};
enum { N_NAMES = sizeof names / sizeof *names };

/* Of the frames that examples can have, of one file; *n = 0: it does not say them. PetscFree(*times). */
static PetscErrorCode ReadTimes(NomosDataset d, size_t number, size_t *n, double **times)
{
  const size_t frames = d->files[number].n_frames;

  PetscFunctionBeginUser;
  *n     = 0;
  *times = NULL;
  PetscCall(NomosDatasetOpenFile(d, number));
  for (size_t i = 0; i < N_NAMES && !*n && !d->files[number].from_zero; i++) {
    size_t n_all;
    bool   has;
    PetscCall(HasTimes(d, number, names[i], &has));
    if (!has) continue;
    PetscCall(NomosFieldReaderCoordinate(d->reader, names[i], &n_all, times));
    PetscErrorCode code = CheckLength(d, number, names[i], n_all);
    if (!code) code = NomosDatasetTakeUnit(d, number, d->n_variables, names[i]);
    if (code) PetscCall(PetscFree(*times));
    PetscCall(code);
    for (size_t k = 0; k < frames; k++) (*times)[k] = (*times)[d->input.first_frame + k * d->input.every];
    *n = frames;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The mean interval of a file, for one alone may be rounded; they must be the first one. NaN: not known. */
static PetscErrorCode IntervalOf(const NomosDataset d, size_t number, size_t n, const double times[], double *interval)
{
  PetscFunctionBeginUser;
  *interval = n > 1 ? times[1] - times[0] : NAN;
  for (size_t k = 0; k + 1 < n; k++) {
    const double next  = times[k + 1] - times[k];
    const size_t frame = d->input.first_frame + k * d->input.every;
    NomosCheck(next > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: frame %zu is at time %.8g and frame %zu at %.8g, and times must rise: put the frames into their order, or, if frames are to be counted, leave the times (time, t-coordinate) out of the file", d->files[number].path, frame, times[k], frame + d->input.every, times[k + 1]);
    NomosCheck(fabs(next - *interval) <= NomosCoordinateTolerance(*interval, times[k + 1]), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: frame %zu is at time %.8g and frame %zu at %.8g, %.6g later, where the first interval is %.6g; a step has one length, so frames must lie equally far apart: leave the others out (data.first_frame, data.every), or make the data anew", d->files[number].path, frame, times[k], frame + d->input.every, times[k + 1], next, *interval);
  }
  if (n > 2) *interval = (times[n - 1] - times[0]) / (double)(n - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetInterval(NomosDataset d, double *interval)
{
  size_t known = 0;

  PetscFunctionBeginUser;
  *interval = NAN;
  for (size_t f = 0; f < d->n_files; f++) {
    double *times, own;
    size_t  n;
    PetscCall(ReadTimes(d, f, &n, &times));
    const double   last = n ? times[n - 1] : 0;
    PetscErrorCode code = IntervalOf(d, f, n, times, &own);
    PetscCall(PetscFree(times));
    PetscCall(code);
    if (isnan(own)) continue;
    if (isnan(*interval)) {
      *interval = own;
      known     = f;
    }
    NomosCheck(fabs(own - *interval) <= NomosCoordinateTolerance(*interval, last), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: frames lie %.6g apart in time, in %s %.6g; a step has one length, so all files of a data set must be alike: take files of one interval", d->files[f].path, own, d->files[known].path, *interval);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- where they begin */

/* Times of the first frame and the next, as far as there are these, of the trajectories of a file: *values (*n, *n_times) for PetscFree. They are numbers of the frames, one for all trajectories or for each of them, or of a single
   state that number alone; lists that are neither say nothing: *n = 0. */
static PetscErrorCode ReadFirstTimes(NomosDataset d, size_t number, const char name[], size_t *n, size_t *n_times, double **values)
{
  const NomosDatasetFile *file = &d->files[number];
  size_t                  shape[NOMOS_FIELD_MAX_DIMS + 1] = {0}, start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1] = {1, 1};
  int                     n_dims;

  PetscFunctionBeginUser;
  *n      = 0;
  *values = NULL;
  PetscCall(NomosFieldReaderShape(d->reader, name, &n_dims, shape));
  const int frames = n_dims == 2 && !(shape[1] == 1 && file->all_frames > 1); /* their axis: (time), (trajectory, time) or (time, 1) */
  if (n_dims > 2 || (n_dims && shape[frames] <= d->input.first_frame)) PetscFunctionReturn(PETSC_SUCCESS);
  if (n_dims) start[frames] = d->input.first_frame;
  *n_times = n_dims ? PetscMin(2, shape[frames] - d->input.first_frame) : 1;
  *n       = frames ? PetscMin(shape[0], file->n_trajectories) : 1;
  if (n_dims) count[frames] = *n_times;
  if (frames) count[0] = *n;
  PetscCall(PetscMalloc1(*n * *n_times + 1, values));
  PetscErrorCode code = NomosFieldReaderRead(d->reader, name, start, count, *values);
  if (code) PetscCall(PetscFree(*values));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetBegins(NomosDataset d, NomosDatasetBeginning *b)
{
  PetscFunctionBeginUser;
  *b = (NomosDatasetBeginning){.time = NAN, .interval = NAN, .alike = true};
  for (size_t f = 0; f < d->n_files; f++) {
    size_t n = 0, n_times = 0;
    for (size_t i = 0; i < N_NAMES && !n && !d->files[f].from_zero; i++) {
      double *times;
      bool    has;
      PetscCall(NomosDatasetOpenFile(d, f));
      if (strcmp(names[i], "t")) PetscCall(NomosFieldReaderHas(d->reader, names[i], &has));
      else PetscCall(HasTimes(d, f, names[i], &has));
      if (!has) continue;
      PetscCall(ReadFirstTimes(d, f, names[i], &n, &n_times, &times));
      PetscErrorCode code = n ? NomosDatasetTakeUnit(d, f, d->n_variables, names[i]) : PETSC_SUCCESS;
      if (n && !b->name) {
        b->alike    = f == 0;
        b->name     = names[i];
        b->time     = times[0];
        b->interval = n_times > 1 ? times[1] - times[0] : NAN;
      }
      for (size_t k = 0; k < n; k++) b->alike = b->alike && fabs(times[k * n_times] - b->time) <= 1e-6 * fmax(fabs(times[k * n_times]), fabs(b->time)); /* may be rounded to float32 */
      PetscCall(PetscFree(times));
      PetscCall(code);
    }
    b->alike = b->alike && (n || !b->name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
