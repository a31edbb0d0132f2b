/* Which rows there are, of which block, and how they come into the normal equations. */
#include "surrogates/discovery/library_impl.h"

#include "io/field_file.h"
#include "io/sort.h"
#include "operators/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STRETCHES = 32, BUFFER_ROWS = 1024, DIRECT_ROWS = 512 };

PetscErrorCode NomosArraysCreate(size_t n, size_t size, double ***arrays)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, arrays));
  PetscCall(PetscMalloc1(n * size + 1, &(*arrays)[0]));
  for (size_t i = 1; i < n; i++) (*arrays)[i] = (*arrays)[0] + i * size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosArraysDestroy(double ***arrays)
{
  PetscFunctionBeginUser;
  if (*arrays) PetscCall(PetscFree((*arrays)[0]));
  PetscCall(PetscFree(*arrays));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- moments and blocks */

/* The even times that these are among, if they are; the step is their median distance first, then that of the ends. Else all follow each other, but over intervals of several medians. */
static PetscErrorCode TimesCreate(size_t n, const double t[], NomosTimes *times)
{
  const double gap = 3; /* medians */
  double      *distances;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &times->slot));
  PetscCall(PetscMalloc1(n + 1, &distances));
  for (size_t i = 0; i + 1 < n; i++) distances[i] = t[i + 1] - t[i];
  if (n > 1) NomosSort(n - 1, distances);
  const double median = n > 1 ? distances[(n - 1) / 2] : 1;
  times->slot[0]      = 0;
  for (size_t i = 1; i < n; i++) times->slot[i] = times->slot[i - 1] + (size_t)PetscMax(1., floor((t[i] - t[i - 1]) / median + 0.5));
  times->step            = n > 1 ? (t[n - 1] - t[0]) / (double)times->slot[n - 1] : median;
  const double tolerance = n ? NomosCoordinateTolerance(times->step, fmax(fabs(t[0]), fabs(t[n - 1]))) : 0;
  times->even            = true;
  for (size_t i = 0; i < n; i++) times->even = times->even && fabs(t[i] - t[0] - (double)times->slot[i] * times->step) <= tolerance;
  for (size_t i = 1; i < n && !times->even; i++) times->slot[i] = times->slot[i - 1] + (t[i] - t[i - 1] > gap * median ? (size_t)((t[i] - t[i - 1]) / median) : 1);
  times->n_slots = n ? times->slot[n - 1] + 1 : 0;
  PetscCall(PetscFree(distances));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Moments of a trajectory: a row's time is a frame (strong), or the middle of a support (weak). */
static size_t Moments(NomosLibrary l, size_t trajectory)
{
  const NomosLibrarySettings *s = &l->settings;

  if (s->form == NOMOS_FORM_STRONG) return l->n_frames[trajectory] < (size_t)(l->rates ? 1 : s->time_order + 1) ? 0 : (l->n_frames[trajectory] - 1) / s->stride[l->n_dims] + 1;
  const size_t support = 2 * s->half_width[l->n_dims] + 1, n = l->times[trajectory].n_slots;
  return n < support ? 0 : (n - support) / s->stride[l->n_dims] + 1;
}

/* With few trajectories each is cut, with many some share a stretch. */
static size_t Cuts(NomosLibrary l)
{
  return l->n_trajectories < l->settings.n_stretches ? (l->settings.n_stretches + l->n_trajectories - 1) / l->n_trajectories : 1;
}

static size_t Stretches(NomosLibrary l)
{
  return l->n_trajectories < l->settings.n_stretches ? l->n_trajectories * Cuts(l) : l->settings.n_stretches;
}

size_t NomosLibraryBlock(NomosLibrary l, size_t trajectory, size_t moment)
{
  return (l->first_stretch[trajectory] + moment * Cuts(l) / l->n_moments[trajectory]) * l->settings.n_tiles;
}

static PetscErrorCode FindMoments(NomosLibrary l)
{
  size_t all = 0, longest = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(l->n_trajectories, &l->n_moments, l->n_trajectories, &l->first_stretch));
  for (size_t i = 0; i < l->n_trajectories; i++) {
    l->n_moments[i]     = Moments(l, i);
    l->first_stretch[i] = Cuts(l) > 1 ? i * Cuts(l) : i * Stretches(l) / l->n_trajectories;
    all += l->n_moments[i];
    longest = PetscMax(longest, l->n_frames[i]);
  }
  if (l->settings.form == NOMOS_FORM_WEAK) NomosCheck(all, l->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: the longest trajectory has %zu frames; test functions that reach %zu frames to either side need %zu: give a shorter half width in time, or more frames", l->where, longest, l->settings.half_width[l->n_dims], 2 * l->settings.half_width[l->n_dims] + 1);
  else NomosCheck(all, l->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: the longest trajectory has %zu frames; differences in time of order %d need %d: choose a lower order, or give more frames", l->where, longest, l->settings.time_order, l->settings.time_order + 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tiles are pieces of the outermost axis, n_outer rows of n_inner. */
static PetscErrorCode CutTiles(NomosLibrary l, size_t n_outer, size_t n_inner)
{
  const size_t n_tiles = l->settings.n_tiles;

  PetscFunctionBeginUser;
  NomosCheck(n_tiles <= n_outer, l->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu tiles of %zu rows; choose at most as many", l->where, n_tiles, n_outer);
  l->n_rows = n_outer * n_inner;
  PetscCall(PetscMalloc1(n_tiles + 1, &l->tile_rows));
  for (size_t i = 0; i <= n_tiles; i++) l->tile_rows[i] = i * n_outer / n_tiles * n_inner;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- rows */

static PetscErrorCode Flush(NomosAssembly *a)
{
  NomosRowBuffer *buffer = &a->buffer;

  PetscFunctionBeginUser;
  if (buffer->n) PetscCall(NomosGramAdd(a->gram, buffer->block, buffer->n, (const double *const *)buffer->columns, (const double *const *)buffer->targets, NULL));
  buffer->n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows [start, start + n) of what is given, to the buffer. */
static PetscErrorCode Append(NomosAssembly *a, size_t block, size_t start, size_t n, const double *const columns[], const double *const targets[])
{
  const NomosLibrary l      = a->library;
  NomosRowBuffer    *buffer = &a->buffer;

  PetscFunctionBeginUser;
  if (buffer->n && (buffer->block != block || buffer->n + n > buffer->capacity)) PetscCall(Flush(a));
  buffer->block = block;
  for (size_t j = 0; j < l->n_terms; j++) memcpy(buffer->columns[j] + buffer->n, columns[j] + start, n * sizeof(double));
  for (size_t j = 0; j < l->n_targets; j++) memcpy(buffer->targets[j] + buffer->n, targets[j] + start, n * sizeof(double));
  for (size_t t = 0; a->coefficients && t < l->n_targets; t++) {
    double *target = buffer->targets[t] + buffer->n;
    for (size_t j = 0; j < l->n_terms; j++) {
      const double c = a->coefficients[t * l->n_terms + j];
      if (c != 0)
        for (size_t i = 0; i < n; i++) target[i] -= c * columns[j][start + i];
    }
  }
  buffer->n += n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool RowIsThere(NomosLibrary l, size_t row, const double *const columns[], const double *const targets[])
{
  for (size_t t = 0; t < l->n_targets; t++)
    if (!isfinite(targets[t][row])) return false;
  for (size_t j = 0; j < l->n_terms; j++)
    if (!isfinite(columns[j][row])) return false;
  return true;
}

PetscErrorCode NomosAssemblyAdd(NomosAssembly *a, size_t trajectory, size_t moment, const double *const columns[], const double *const targets[])
{
  const NomosLibrary          l      = a->library;
  const NomosLibrarySettings *s      = &l->settings;
  const bool                  drawn  = s->fraction > 0 && s->fraction < 1, all = !drawn && !a->n_missing;
  const uint64_t              stream = NomosRandomStream("discovery rows") + trajectory;

  PetscFunctionBeginUser;
  for (size_t j = 0; a->rows && j < l->n_terms; j++) memcpy(a->rows + j * a->n_all_rows + a->first_row[trajectory] + moment * l->n_rows, columns[j], l->n_rows * sizeof *a->rows);
  for (size_t tile = 0; tile < s->n_tiles; tile++) {
    const size_t block = NomosLibraryBlock(l, trajectory, moment) + tile, begin = l->tile_rows[tile], end = l->tile_rows[tile + 1];
    if (all && !a->coefficients && end - begin >= DIRECT_ROWS) {
      PetscCall(Flush(a));
      for (size_t j = 0; j < l->n_terms; j++) a->from[j] = columns[j] + begin;
      for (size_t t = 0; t < l->n_targets; t++) a->from[l->n_terms + t] = targets[t] + begin;
      PetscCall(NomosGramAdd(a->gram, block, end - begin, a->from, a->from + l->n_terms, NULL));
    } else if (all) {
      for (size_t row = begin; row < end; row += BUFFER_ROWS) PetscCall(Append(a, block, row, PetscMin(BUFFER_ROWS, end - row), columns, targets));
    } else {
      for (size_t row = begin; row < end; row++) {
        if (drawn && NomosRandomUniform(s->seed, stream, moment * l->n_rows + row) >= s->fraction) continue;
        if (a->n_missing && !RowIsThere(l, row, columns, targets)) continue;
        PetscCall(Append(a, block, row, 1, columns, targets));
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- */

static PetscErrorCode CheckShape(NomosLibrary l, const NomosFrames *frames)
{
  PetscFunctionBeginUser;
  bool same = frames->n_fields == l->n_all && frames->n_dims == l->n_dims && frames->n_trajectories == l->n_trajectories;
  for (int d = 0; same && d < l->n_dims; d++) same = frames->n[d] == l->n[d];
  for (size_t i = 0; same && i < l->n_trajectories; i++) same = frames->n_frames[i] == l->n_frames[i];
  PetscCheck(same, l->comm, PETSC_ERR_ARG_SIZ, "%s: these data have another shape than those the library was made for: make a library for them", l->where);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Cuts of a trajectory that follow each other and are this rank's, in one go: frames where stretches meet are read once. */
static PetscErrorCode AssembleTrajectory(NomosAssembly *a, size_t trajectory)
{
  NomosLibrary l    = a->library;
  const size_t cuts = Cuts(l), n = l->n_moments[trajectory], n_stretches = Stretches(l);
  size_t       first = 0, end = 0;

  PetscFunctionBeginUser;
  for (size_t cut = 0; n && cut < cuts; cut++) {
    if ((int)((l->first_stretch[trajectory] + cut) * (size_t)l->size / n_stretches) != l->rank) continue;
    const size_t begin = (cut * n + cuts - 1) / cuts;
    if (end == 0) first = begin;
    end = ((cut + 1) * n + cuts - 1) / cuts;
  }
  if (end <= first) PetscFunctionReturn(PETSC_SUCCESS);
  if (l->settings.form == NOMOS_FORM_STRONG) PetscCall(NomosLibraryStrong(a, trajectory, first, end));
  else PetscCall(NomosLibraryWeak(a, trajectory, first, end));
  PetscCall(Flush(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AssembleAll(NomosAssembly *a)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < a->library->n_trajectories; i++) PetscCall(AssembleTrajectory(a, i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An error of one rank is everyone's. */
static PetscErrorCode Agree(MPI_Comm comm, PetscErrorCode code)
{
  int mine = (int)code, worst;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(&mine, &worst, 1, MPI_INT, MPI_MAX, comm));
  if (code) PetscFunctionReturn(code);
  PetscCheck(!worst, PETSC_COMM_SELF, PETSC_ERR_LIB, "another rank could not assemble its part of the regression; its message says why");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* No row is left: why. */
static PetscErrorCode RefuseEmpty(NomosLibrary l)
{
  const bool   weak      = l->settings.form == NOMOS_FORM_WEAK;
  size_t       n_missing = 0, longest = 0; /* times without a frame; frames without such a gap */
  char         reach[128] = "";

  PetscFunctionBeginUser;
  for (size_t i = 0; i < l->n_trajectories; i++) {
    const NomosTimes *t = &l->times[i];
    n_missing += t->n_slots - l->n_frames[i];
    for (size_t f = 0, run = 0; f < l->n_frames[i]; f++) {
      run     = f && t->slot[f] == t->slot[f - 1] + 1 ? run + 1 : 1;
      longest = PetscMax(longest, run);
    }
  }
  for (int d = 0; d <= l->n_dims && weak; d++) NomosTextAppend(sizeof reach, reach, "%s%zu", d ? " x " : "", 2 * l->settings.half_width[d] - 1);
  const size_t needed = weak ? 2 * l->settings.half_width[l->n_dims] - 1 : l->rates ? 1 : (size_t)l->settings.time_order + 1;
  PetscCheck(!n_missing || longest >= needed, l->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: no row is left of the regression: frames are missing in time, %zu of those every %g, so that at most %zu follow each other, and a row needs %zu; %s, or interpolate to even times", l->where, n_missing, l->times[l->first].step, longest, needed, weak ? "choose smaller half widths (assembly.half_width), take the strong form (assembly.form)" : "choose differences of lower order (assembly.time_order)");
  PetscCheck(weak, l->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: no row is left of the regression: something is missing in each; look for NaN in the data and zeros in data.mask, or choose differences of lower order (assembly.order)", l->where);
  SETERRQ(l->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: no row is left of the regression: something is missing in each of the test functions, which reach over %s points; look for NaN in the data and zeros in data.mask, or choose smaller half widths (assembly.half_width) or the strong form (assembly.form)", l->where, reach);
}

static PetscErrorCode Assemble(NomosAssembly *a)
{
  NomosLibrary l    = a->library;
  NomosGram   *gram = a->gram;
  double       n    = 0;

  PetscFunctionBeginUser;
  PetscCall(CheckShape(l, a->frames));
  a->buffer.capacity = BUFFER_ROWS;
  PetscCall(NomosGramCreate(l->n_terms, l->n_targets, Stretches(l) * l->settings.n_tiles, gram));
  gram->names = (const char *const *)l->names;
  PetscCall(NomosArraysCreate(l->n_terms, a->buffer.capacity, &a->buffer.columns));
  PetscCall(NomosArraysCreate(l->n_targets, a->buffer.capacity, &a->buffer.targets));
  PetscCall(PetscMalloc1(l->n_terms + l->n_targets, &a->from));
  PetscErrorCode code = AssembleAll(a);
  PetscCall(PetscFree(a->from));
  PetscCall(NomosArraysDestroy(&a->buffer.columns));
  PetscCall(NomosArraysDestroy(&a->buffer.targets));
  code = Agree(l->comm, code);
  if (!code) {
    PetscCall(NomosGramReduce(l->comm, gram));
    for (size_t block = 0; block < gram->n_blocks; block++) n += gram->n[block];
  } else PetscCall(NomosGramDestroy(gram));
  PetscCall(code);
  if (n == 0) {
    PetscCall(NomosGramDestroy(gram));
    PetscCall(RefuseEmpty(l));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryAssemble(NomosLibrary l, const NomosFrames *frames, const double coefficients[], NomosGram *gram)
{
  PetscFunctionBeginUser;
  PetscCall(Assemble(&(NomosAssembly){.library = l, .frames = frames, .coefficients = coefficients, .gram = gram}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryAssembleUnbiased(NomosLibrary l, const NomosFrames *frames, const double sigma[], const size_t first_row[], size_t n_all_rows, double rows[], NomosGram *gram)
{
  PetscFunctionBeginUser;
  PetscCall(Assemble(&(NomosAssembly){.library = l, .frames = frames, .gram = gram, .sigma = sigma, .first_row = first_row, .n_all_rows = n_all_rows, .rows = rows}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTerms NomosLibraryTerms(NomosLibrary l)
{
  return l->terms;
}

const NomosLibrarySettings *NomosLibrarySettingsUsed(NomosLibrary l)
{
  return &l->settings;
}

static PetscErrorCode TakeShape(NomosLibrary l, const NomosFrames *frames)
{
  PetscFunctionBeginUser;
  l->n_all          = frames->n_fields;
  l->n_dims         = frames->n_dims;
  l->points         = NomosFramesPoints(frames);
  l->n_trajectories = frames->n_trajectories;
  for (int d = 0; d < l->n_dims; d++) {
    l->n[d]       = frames->n[d];
    l->spacing[d] = frames->length[d] / (double)frames->n[d];
  }
  PetscCheck(l->n_trajectories, l->comm, PETSC_ERR_ARG_SIZ, "%s: there are no trajectories", l->where);
  PetscCall(PetscMalloc1(l->n_trajectories, &l->n_frames));
  PetscCall(PetscCalloc1(l->n_trajectories, &l->times));
  while (l->first + 1 < l->n_trajectories && frames->n_frames[l->first] < 2) l->first++;
  for (size_t i = 0; i < l->n_trajectories; i++) {
    l->n_frames[i] = frames->n_frames[i];
    for (size_t f = 0; f + 1 < l->n_frames[i]; f++) NomosCheck(frames->times[i][f + 1] > frames->times[i][f], l->comm, PETSC_ERR_ARG_WRONG, "%s: times of trajectory %zu do not ascend: frame %zu is at %g, the next one at %g", l->where, i, f, frames->times[i][f], frames->times[i][f + 1]);
    PetscCall(TimesCreate(frames->n_frames[i], frames->times[i], &l->times[i]));
    NomosCheck(l->settings.form == NOMOS_FORM_STRONG || l->times[i].even, l->comm, PETSC_ERR_ARG_WRONG, "%s: the %zu frames of trajectory %zu are not evenly spaced in time (some %g apart); the weak form needs that: take the strong one, or interpolate", l->where, l->n_frames[i], i, l->times[i].step);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeTerms(NomosLibrary l, const NomosLibraryInput *input)
{
  NomosTermsInput terms = {.comm = PETSC_COMM_SELF, .n_fields = input->n_fields, .n_given = input->n_given, .n_terms = input->n_terms, .fields = input->fields, .given = input->given, .terms = input->terms, .given_values = input->given_values, .where = l->where, .names = input->names};

  PetscFunctionBeginUser;
  terms.grid = (NomosTermsGrid){.n_dims = l->n_dims, .method = input->settings.derivatives, .order = input->settings.order, .dealias = input->settings.dealias};
  for (int d = 0; d < l->n_dims; d++) {
    terms.grid.n[d]      = l->n[d];
    terms.grid.length[d] = input->frames->length[d];
    terms.grid.origin[d] = input->frames->origin[d];
    terms.grid.open[d]   = input->settings.open;
  }
  PetscCall(NomosTermsCreate(&terms, &l->terms));
  PetscCall(PetscMalloc1(l->n_terms, &l->names));
  for (size_t j = 0; j < l->n_terms; j++) PetscCall(PetscStrallocpy(NomosTermsText(l->terms, j), &l->names[j]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(NomosLibrary l, const NomosLibraryInput *input)
{
  PetscFunctionBeginUser;
  l->comm     = input->comm;
  l->settings = input->settings;
  l->n_fields = input->n_fields;
  l->n_terms  = input->n_terms;
  l->rates    = input->rates;
  snprintf(l->where, sizeof l->where, "%s", input->where ? input->where : "library");
  PetscCallMPI(MPI_Comm_rank(l->comm, &l->rank));
  PetscCallMPI(MPI_Comm_size(l->comm, &l->size));
  l->n_targets = input->targets ? input->n_targets : input->n_fields;
  PetscCall(PetscMalloc1(l->n_targets, &l->targets));
  for (size_t t = 0; t < l->n_targets; t++) l->targets[t] = input->targets ? input->targets[t] : t;
  PetscCheck(l->n_terms, l->comm, PETSC_ERR_ARG_SIZ, "%s: the library is empty; name its terms", l->where);
  NomosCheck(input->frames->n_fields == l->n_fields + (l->rates ? l->n_targets : 0), l->comm, PETSC_ERR_ARG_SIZ, "%s: the data have %zu fields, the library needs %zu", l->where, input->frames->n_fields, l->n_fields + (l->rates ? l->n_targets : 0));
  PetscCheck(!(input->settings.open && input->settings.derivatives == NOMOS_TERMS_SPECTRAL), l->comm, PETSC_ERR_ARG_INCOMP, "%s: spectral derivatives need a periodic domain; take differences for an open one", l->where);
  if (!l->settings.n_stretches) l->settings.n_stretches = STRETCHES;
  if (!l->settings.n_tiles) l->settings.n_tiles = 1;
  PetscCall(TakeShape(l, input->frames));
  PetscCall(MakeTerms(l, input));
  if (l->settings.form == NOMOS_FORM_STRONG) {
    PetscCall(NomosLibraryStrongCreate(l));
    const size_t *s = l->settings.stride;
    PetscCall(CutTiles(l, l->n_dims ? (l->n[0] - 1) / s[0] + 1 : 1, l->n_dims > 1 ? (l->n[1] - 1) / s[1] + 1 : 1));
  } else {
    PetscCall(NomosLibraryWeakCreate(l, input->frames));
    PetscCall(NomosLibraryFindMonomials(l, input->fields));
    PetscCall(CutTiles(l, l->n_dims ? l->axes[0].n : 1, l->n_dims > 1 ? l->axes[1].n : 1));
  }
  PetscCall(FindMoments(l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryCreate(const NomosLibraryInput *input, NomosLibrary *library)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(library));
  PetscErrorCode code = SetUp(*library, input);
  if (code) PetscCall(NomosLibraryDestroy(library)); /* a caller may go on without */
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryDestroy(NomosLibrary *library)
{
  NomosLibrary l = *library;

  PetscFunctionBeginUser;
  if (!l) PetscFunctionReturn(PETSC_SUCCESS);
  if (l->terms) PetscCall(NomosTermsDestroy(&l->terms));
  if (l->insides) PetscCall(NomosTermsDestroy(&l->insides));
  for (size_t j = 0; l->names && j < l->n_terms; j++) PetscCall(PetscFree(l->names[j]));
  for (size_t i = 0; l->times && i < l->n_trajectories; i++) PetscCall(PetscFree(l->times[i].slot));
  for (int d = 0; d < NOMOS_LIBRARY_AXES; d++) PetscCall(PetscFree(l->axes[d].values));
  PetscCall(PetscFree(l->names));
  PetscCall(PetscFree(l->targets));
  PetscCall(PetscFree(l->n_frames));
  PetscCall(PetscFree(l->times));
  PetscCall(PetscFree2(l->n_moments, l->first_stretch));
  PetscCall(PetscFree(l->tile_rows));
  PetscCall(PetscFree(l->places));
  PetscCall(PetscFree(l->projections));
  PetscCall(PetscFree(l->contributions));
  PetscCall(PetscFree(l->exponents));
  PetscCall(PetscFree(l->first_contribution));
  PetscCall(PetscFree(*library));
  PetscFunctionReturn(PETSC_SUCCESS);
}
