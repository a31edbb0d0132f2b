#include "surrogates/dataset_impl.h"

#include "operators/random.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

const char *const nomos_split_names[NOMOS_N_SPLITS + 1] = {"train", "validation", "test", NULL};

/* clang-format off */
const NomosParam nomos_data_params[] = {
  {"data.path",         NOMOS_PARAM_FILE,            "",     NULL, 0, 0,     NULL, false, "The data: an HDF5 file (PDEBench's and The Well's as they are), a run directory, or a folder of these; empty: made by data.case or data.generator."},
  {"data.case",         NOMOS_PARAM_CASE,            "",     NULL, 0, 0,     NULL, false, "A case that is run first, into data/ of the run directory, where its fields.nc is the data: a path, or a name that `nomos list` shows."},
  {"data.set",          NOMOS_PARAM_EXPRESSION_LIST, "",     NULL, 0, 0,     NULL, false, "Settings for data.case, as with --set: [\"qg.nx=64\", \"time.stop=10 day\"]."},
  {"data.generator",    NOMOS_PARAM_STRING,          "",     NULL, 0, 0,     NULL, false, "A generator that makes the data first, into data/ of the run directory; `nomos describe` lists them, and each has parameters of its own."},
  {"data.first_frame",  NOMOS_PARAM_INT,             "0",    NULL, 0, 1e9,   NULL, false, "Frames before this one are left out."},
  {"data.every",        NOMOS_PARAM_INT,             "1",    NULL, 1, 1e6,   NULL, false, "Take every so many-th frame."},
  {"data.window_step",  NOMOS_PARAM_INT,             "1",    NULL, 1, 1e6,   NULL, false, "Frames from the start of one example to the next, where an example is a window of frames."},
  {"data.space_every",  NOMOS_PARAM_INT,             "1",    NULL, 1, 1e6,   NULL, false, "Take every so many-th point of space."},
  {"data.trajectories", NOMOS_PARAM_INT,             "0",    NULL, 0, 1e12,  NULL, false, "Use at most so many trajectories: the same part of each file, its first ones; 0: all."},
  {"data.validation",   NOMOS_PARAM_REAL,            "0.1",  NULL, 0, 0.9,   NULL, false, "Fraction of the trajectories that the training does not see and best weights are chosen by."},
  {"data.test",         NOMOS_PARAM_REAL,            "0.1",  NULL, 0, 0.9,   NULL, false, "Fraction of the trajectories that is kept for the evaluation."},
  {"data.seed",         NOMOS_PARAM_INT,             "0",    NULL, 0, 1e15,  NULL, false, "Seed of the choice of trajectories for training, validation and test."},
  {"data.cache",        NOMOS_PARAM_REAL,            "256",  NULL, 1, 1e7,   NULL, false, "Memory for data per rank, in MB; larger data are shuffled in parts of this size."},
};
/* clang-format on */
const size_t nomos_n_data_params = sizeof nomos_data_params / sizeof *nomos_data_params;

PetscErrorCode NomosDatasetInputFromConfig(NomosConfig config, NomosDatasetInput *input)
{
  int64_t first_frame, every, window_step, space_every, trajectories, seed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "data.path", &input->path));
  PetscCall(NomosConfigGetInt(config, "data.first_frame", &first_frame));
  PetscCall(NomosConfigGetInt(config, "data.every", &every));
  PetscCall(NomosConfigGetInt(config, "data.window_step", &window_step));
  PetscCall(NomosConfigGetInt(config, "data.space_every", &space_every));
  PetscCall(NomosConfigGetInt(config, "data.trajectories", &trajectories));
  PetscCall(NomosConfigGetInt(config, "data.seed", &seed));
  PetscCall(NomosConfigGetReal(config, "data.validation", &input->validation));
  PetscCall(NomosConfigGetReal(config, "data.test", &input->test));
  PetscCall(NomosConfigGetReal(config, "data.cache", &input->cache_bytes));
  input->first_frame    = (size_t)first_frame;
  input->every          = (size_t)every;
  input->window_step    = (size_t)window_step;
  input->space_every    = (size_t)space_every;
  input->n_trajectories = (size_t)trajectories;
  input->seed           = (uint64_t)seed;
  input->cache_bytes *= 1e6;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- random orders */

/* Fisher & Yates. */
static void Shuffle(uint64_t seed, uint64_t stream, size_t n, size_t values[])
{
  for (size_t i = n; i > 1; i--) {
    const size_t j = (size_t)NomosRandomIndex(seed, stream, i, i), value = values[j];
    values[j]     = values[i - 1];
    values[i - 1] = value;
  }
}

static uint64_t OrderStream(const char what[], uint64_t epoch)
{
  return NomosRandomStream(what) + 0x9e3779b97f4a7c15u * epoch;
}

void NomosPermutation(uint64_t seed, int64_t epoch, size_t n, size_t order[])
{
  for (size_t i = 0; i < n; i++) order[i] = i;
  Shuffle(seed, OrderStream("examples", (uint64_t)epoch), n, order);
}

/* ---- splits */

static const NomosDatasetFile *FileOf(NomosDataset d, size_t trajectory)
{
  size_t low = 0, high = d->n_files;

  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    if (d->files[middle].first_trajectory <= trajectory) low = middle;
    else high = middle;
  }
  return &d->files[low];
}

static void CountFrames(NomosDataset d)
{
  const size_t window = d->input.window;
  size_t       whole  = SIZE_MAX;

  for (size_t f = 0; f < d->n_files; f++)
    if (d->files[f].n_frames >= window) whole = PetscMin(whole, d->files[f].n_frames);
  for (int s = 0; s < NOMOS_N_SPLITS; s++) d->frames[s] = window && !(d->input.whole_tests && s != NOMOS_SPLIT_TRAIN) ? window : whole;
}

/* Examples of a trajectory of this file. */
static size_t Windows(NomosDataset d, const NomosDatasetFile *file, NomosSplit split)
{
  if (d->frames[split] > file->n_frames) return 0;
  return d->input.whole_tests && split != NOMOS_SPLIT_TRAIN ? 1 : (file->n_frames - d->frames[split]) / d->input.window_step + 1;
}

size_t NomosSplitShare(double fraction, size_t n)
{
  const size_t share = (size_t)floor(fraction * (double)n + 0.5);

  return fraction > 0 && share == 0 && n > 2 ? 1 : share;
}

PetscErrorCode NomosSplitWarn(double validation, double test, size_t n, NomosWarningFn warn, void *ctx)
{
  const bool none[] = {validation > 0 && !NomosSplitShare(validation, n), test > 0 && !NomosSplitShare(test, n)};
  char       asked[96] = "", text[480];

  PetscFunctionBeginUser;
  if (none[0]) snprintf(asked, sizeof asked, "data.validation = %g", validation);
  if (none[1]) NomosTextAppend(sizeof asked, asked, "%sdata.test = %g", none[0] ? " and " : "", test);
  snprintf(text, sizeof text, "%s: with %zu trajector%s there is none for it, so that %s; with three or more each share has one (cut long ones into several, say); 0 says that none is wanted", asked, n, n == 1 ? "y" : "ies", none[0] && none[1] ? "the best weights are those of the least loss (after its curriculum, or the last ones), and there is no test" : none[0] ? "the best weights are those of the least loss (after its curriculum, or the last ones)" : "there is no test");
  if (none[0] || none[1]) PetscCall(warn(text, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is derived of split_of. */
static PetscErrorCode ListSplits(NomosDataset d)
{
  const size_t n = d->n_trajectories;

  PetscFunctionBeginUser;
  snprintf(d->split_hash, sizeof d->split_hash, "%016llx", (unsigned long long)XXH64(d->split_of, n * sizeof *d->split_of, 0));
  for (int s = 0; s < NOMOS_N_SPLITS; s++) {
    d->n_of[s] = 0;
    for (size_t i = 0; i < n; i++) d->n_of[s] += d->split_of[i] == s;
    PetscCall(PetscFree2(d->list[s], d->first[s]));
    PetscCall(PetscMalloc2(d->n_of[s] + 1, &d->list[s], d->n_of[s] + 1, &d->first[s]));
    d->first[s][0] = 0;
    for (size_t i = 0, k = 0; i < n; i++) {
      if (d->split_of[i] != s) continue;
      d->list[s][k]      = i;
      d->first[s][k + 1] = d->first[s][k] + Windows(d, FileOf(d, i), (NomosSplit)s);
      k++;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Split(NomosDataset d)
{
  const size_t n = d->n_trajectories, n_test = NomosSplitShare(d->input.test, n), n_validation = NomosSplitShare(d->input.validation, n);
  size_t      *order;

  PetscFunctionBeginUser;
  NomosCheck(d->input.validation >= 0 && d->input.test >= 0 && d->input.validation + d->input.test < 1 && n_test + n_validation < n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "data.validation = %g and data.test = %g leave none of %zu trajector%s for training; choose smaller fractions", d->input.validation, d->input.test, n, n == 1 ? "y" : "ies");
  PetscCall(PetscMalloc1(n, &order));
  PetscCall(PetscCalloc1(n, &d->split_of));
  for (size_t i = 0; i < n; i++) order[i] = i;
  Shuffle(d->input.seed, NomosRandomStream("split"), n, order);
  for (size_t i = 0; i < n_validation; i++) d->split_of[order[i]] = NOMOS_SPLIT_VALIDATION;
  for (size_t i = 0; i < n_test; i++) d->split_of[order[n_validation + i]] = NOMOS_SPLIT_TEST;
  PetscCall(PetscFree(order));
  PetscCall(ListSplits(d));
  NomosCheck(NomosDatasetExamples(d, NOMOS_SPLIT_TRAIN), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "data.path: %s gives no example for training: an example is a window of %zu frames, and %s has %zu (after data.first_frame and data.every)", d->input.path, d->input.window, d->files[0].path, d->files[0].n_frames);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetJudgeAll(NomosDataset d)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < d->n_trajectories; i++) d->split_of[i] = NOMOS_SPLIT_TEST;
  PetscCall(ListSplits(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosDatasetExamples(NomosDataset d, NomosSplit split)
{
  return d->first[split][d->n_of[split]];
}

size_t NomosDatasetFrames(NomosDataset d, NomosSplit split)
{
  return d->frames[split];
}

bool NomosDatasetFromZero(NomosDataset d)
{
  bool any = false;

  for (size_t f = 0; f < d->n_files; f++) any = any || d->files[f].from_zero;
  return any;
}

void NomosDatasetLengths(NomosDataset d, size_t *least, size_t *most)
{
  *least = *most = d->files[0].n_frames;
  for (size_t f = 1; f < d->n_files; f++) {
    *least = PetscMin(*least, d->files[f].n_frames);
    *most  = PetscMax(*most, d->files[f].n_frames);
  }
}

size_t NomosDatasetTrajectories(NomosDataset d, NomosSplit split)
{
  return d->n_of[split];
}

/* ---- copies, and trajectories that begin alike */

typedef enum { COPY, BEGINNING } Likeness;

typedef struct {
  uint64_t mark;
  size_t   trajectory;
} Mark;

static int CompareMarks(const void *one, const void *other)
{
  const Mark *a = one, *b = other;

  if (a->mark != b->mark) return a->mark < b->mark ? -1 : 1;
  return (a->trajectory > b->trajectory) - (a->trajectory < b->trajectory);
}

/* Those alike beside each other, the first ones first. `training`: of its trajectories alone. PetscFree(*marks). */
static PetscErrorCode SortMarks(NomosDataset d, Likeness kind, bool training, size_t *n, Mark **marks)
{
  PetscFunctionBeginUser;
  *n = 0;
  PetscCall(PetscMalloc1(d->n_trajectories, marks));
  for (size_t i = 0; i < d->n_trajectories; i++)
    if (!training || d->split_of[i] == NOMOS_SPLIT_TRAIN) (*marks)[(*n)++] = (Mark){d->marks[kind][i], i};
  qsort(*marks, *n, sizeof **marks, CompareMarks);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is a trajectory of `theirs` a copy of one of these n marks? */
static bool IsCopy(NomosDataset theirs, size_t trajectory, NomosDataset d, size_t n, const Mark marks[])
{
  for (size_t k = 0; k < n; k++)
    if ((theirs != d || d->split_of[marks[k].trajectory] != d->split_of[trajectory]) && d->marks[COPY][marks[k].trajectory] == theirs->marks[COPY][trajectory]) return true;
  return false;
}

/* How many are alike, and the first of them with its like. */
typedef struct {
  Likeness kind;
  size_t   n, trajectory, like;
} Copies;

static void AddCopy(Copies *copies, size_t trajectory, size_t like)
{
  if (!copies->n++ || trajectory < copies->trajectory) {
    copies->trajectory = trajectory;
    copies->like       = like;
  }
}

/* `of`: the set of the copies, in words; from: where they are, to: where their likes are. */
static PetscErrorCode TellCopies(const Copies *copies, const char of[], NomosDataset from, NomosDataset to, NomosWarningFn warn, void *ctx)
{
  const NomosDatasetFile *file = FileOf(from, copies->trajectory), *like = FileOf(to, copies->like);
  char                    text[2 * NOMOS_MAX_PATH + 512];

  PetscFunctionBeginUser;
  if (!copies->n) PetscFunctionReturn(PETSC_SUCCESS);
  const bool one = copies->n == 1, copy = copies->kind == COPY;
  snprintf(text, sizeof text, "%zu trajector%s of %s %s (%s): trajectory %zu of %.4000s %s trajectory %zu of %.4000s (%s)%s; %s", copies->n, one ? "y" : "ies", of, copy ? (one ? "is in another split too" : "are in another split too") : one ? "begins as one of another split does" : "begin as ones of another split do", copy ? "the same parameters, first and last frame" : "the same first frame, with other parameters or another end", copies->trajectory - file->first_trajectory, file->path,
           copy ? "is" : "and", copies->like - like->first_trajectory, like->path, nomos_split_names[to->split_of[copies->like]], one ? "" : ", for one", copy ? "an error on what was seen says nothing of what was not: take copies out" : "errors on them are of initial states that were seen, and of new ones may be larger: a test set with initial states of its own tells (tests/ beside the data)");
  PetscCall(warn(text, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of validation and test, what is in another split too. */
static PetscErrorCode WarnSplits(NomosDataset d, Likeness kind, NomosWarningFn warn, void *ctx)
{
  Copies copies = {.kind = kind};
  Mark  *marks;
  size_t n;

  PetscFunctionBeginUser;
  PetscCall(SortMarks(d, kind, false, &n, &marks));
  for (size_t first = 0, end; first < n; first = end) {
    size_t first_of[NOMOS_N_SPLITS] = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    for (end = first; end < n && marks[end].mark == marks[first].mark; end++) {
      size_t *of = &first_of[d->split_of[marks[end].trajectory]];
      *of        = PetscMin(*of, marks[end].trajectory);
    }
    for (size_t k = first; k < end && end > first + 1; k++) {
      size_t like = SIZE_MAX;
      for (int s = NOMOS_N_SPLITS - 1; s >= 0; s--)
        if (s != d->split_of[marks[k].trajectory] && first_of[s] < SIZE_MAX) like = first_of[s]; /* the training's, if it has one */
      if (d->split_of[marks[k].trajectory] == NOMOS_SPLIT_TRAIN || like == SIZE_MAX) continue;
      if (kind == COPY || !IsCopy(d, marks[k].trajectory, d, end - first, marks + first)) AddCopy(&copies, marks[k].trajectory, like);
    }
  }
  PetscCall(PetscFree(marks));
  PetscCall(TellCopies(&copies, "validation and test", d, d, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarnOthers(NomosDataset d, Likeness kind, NomosDataset others, const char name[], NomosWarningFn warn, void *ctx)
{
  Copies copies = {.kind = kind};
  Mark  *ours, *theirs;
  size_t n_ours, n_theirs;
  char   of[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(SortMarks(d, kind, true, &n_ours, &ours));
  PetscCall(SortMarks(others, kind, false, &n_theirs, &theirs));
  for (size_t i = 0, k = 0; i < n_theirs; i++) {
    while (k < n_ours && ours[k].mark < theirs[i].mark) k++;
    size_t end = k;
    while (end < n_ours && ours[end].mark == theirs[i].mark) end++;
    if (end > k && (kind == COPY || !IsCopy(others, theirs[i].trajectory, d, end - k, ours + k))) AddCopy(&copies, theirs[i].trajectory, ours[k].trajectory);
  }
  PetscCall(PetscFree(ours));
  PetscCall(PetscFree(theirs));
  snprintf(of, sizeof of, "the test set %.64s", name);
  PetscCall(TellCopies(&copies, of, others, d, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetWarnCopies(NomosDataset d, NomosDataset others, const char name[], NomosWarningFn warn, void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(WarnOthers(d, COPY, others, name, warn, ctx));
  PetscCall(WarnOthers(d, BEGINNING, others, name, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetWarnBeginnings(NomosDataset d, NomosWarningFn warn, void *ctx)
{
  PetscFunctionBeginUser;
  if (d->input.frames) PetscCall(WarnSplits(d, BEGINNING, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetWarn(NomosDataset d, NomosWarningFn warn, void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(NomosSplitWarn(d->input.validation, d->input.test, d->n_trajectories, warn, ctx));
  if (d->input.frames) PetscCall(WarnSplits(d, COPY, warn, ctx)); /* rows without frames are points, of which some may well be there twice */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Trajectory and first frame (thinned) of an example. */
static void Locate(NomosDataset d, NomosSplit split, size_t example, size_t *trajectory, size_t *frame)
{
  const size_t *first = d->first[split];
  size_t        low = 0, high = d->n_of[split];

  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    if (first[middle] <= example) low = middle;
    else high = middle;
  }
  while (first[low + 1] <= example) low++; /* trajectories without an example */
  *trajectory = d->list[split][low];
  *frame      = (example - first[low]) * d->input.window_step;
}

PetscErrorCode NomosDatasetOrigin(NomosDataset d, NomosSplit split, size_t example, size_t *trajectory, const char **file, size_t *frame)
{
  size_t where, at;

  PetscFunctionBeginUser;
  NomosCheck(example < NomosDatasetExamples(d, split), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "example %zu of the %s split: it has %zu", example, nomos_split_names[split], NomosDatasetExamples(d, split));
  Locate(d, split, example, &where, &at);
  if (trajectory) *trajectory = where;
  if (file) *file = FileOf(d, where)->path;
  if (frame) *frame = d->input.first_frame + at * d->input.every;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetIndexInFile(NomosDataset d, NomosSplit split, size_t example, size_t *index)
{
  size_t trajectory;

  PetscFunctionBeginUser;
  PetscCall(NomosDatasetOrigin(d, split, example, &trajectory, NULL, NULL));
  *index = trajectory - FileOf(d, trajectory)->first_trajectory;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetOrder(NomosDataset d, NomosSplit split, uint64_t seed, int64_t epoch, size_t order[])
{
  const size_t n = NomosDatasetExamples(d, split);
  size_t      *blocks, *begin, *home, filled = 0;

  PetscFunctionBeginUser;
  if (d->n_slots >= d->n_blocks) {
    NomosPermutation(seed, epoch, n, order);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  /* Examples sorted by the block they begin in. */
  PetscCall(PetscMalloc2(d->n_blocks, &blocks, n, &home));
  PetscCall(PetscCalloc1(d->n_blocks + 1, &begin));
  for (size_t i = 0; i < n; i++) {
    size_t trajectory, frame;
    Locate(d, split, i, &trajectory, &frame);
    const NomosDatasetFile *file = FileOf(d, trajectory);
    home[i] = NomosDatasetBlockOf(file, trajectory - file->first_trajectory, frame);
    begin[home[i] + 1]++;
  }
  for (size_t b = 0; b < d->n_blocks; b++) {
    blocks[b] = b;
    begin[b + 1] += begin[b];
  }
  Shuffle(seed, OrderStream("blocks", (uint64_t)epoch), d->n_blocks, blocks);
  /* Where the examples of a block go: the blocks one after the other as shuffled. */
  size_t *place;
  PetscCall(PetscMalloc1(d->n_blocks, &place));
  for (size_t b = 0; b < d->n_blocks; b++) {
    place[blocks[b]] = filled;
    filled += begin[blocks[b] + 1] - begin[blocks[b]];
  }
  for (size_t i = 0; i < n; i++) order[place[home[i]]++] = i;
  for (size_t b = 0, from = 0; b < d->n_blocks; b += d->n_slots) {
    const size_t last = PetscMin(b + d->n_slots, d->n_blocks) - 1, to = place[blocks[last]]; /* place stands behind a block now */
    Shuffle(seed, OrderStream("examples", (uint64_t)epoch) + b + 1, to - from, order + from);
    from = to;
  }
  PetscCall(PetscFree2(blocks, home));
  PetscCall(PetscFree(begin));
  PetscCall(PetscFree(place));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- examples */

PetscErrorCode NomosDatasetShape(NomosDataset d, size_t variable, int *n_dims, size_t shape[NOMOS_FIELD_MAX_DIMS + 1], size_t *size)
{
  const NomosRow *row    = &d->rows[variable];
  const size_t    frames = row->frames ? d->frames[NOMOS_SPLIT_TRAIN] : 1;

  PetscFunctionBeginUser;
  *n_dims = 0;
  if (row->frames) shape[(*n_dims)++] = frames;
  for (int a = 0; a < row->n_axes; a++) shape[(*n_dims)++] = row->shape[a];
  if (size) *size = frames * row->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetRowShape(NomosDataset d, size_t variable, int *n_axes, const size_t **shape)
{
  PetscFunctionBeginUser;
  *n_axes = d->rows[variable].n_axes;
  *shape  = d->rows[variable].shape;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetFullRowShape(NomosDataset d, size_t variable, const size_t **shape)
{
  PetscFunctionBeginUser;
  *shape = d->rows[variable].full;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetRead(NomosDataset d, size_t variable, NomosSplit split, size_t n, const size_t examples[], double values[])
{
  const NomosRow *row    = &d->rows[variable];
  const size_t    frames = row->frames ? d->frames[split] : 1, n_examples = NomosDatasetExamples(d, split);

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    size_t trajectory, frame;
    NomosCheck(examples[i] < n_examples, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "example %zu of the %s split: it has %zu", examples[i], nomos_split_names[split], n_examples);
    Locate(d, split, examples[i], &trajectory, &frame);
    const NomosDatasetFile *file = FileOf(d, trajectory);
    for (size_t k = 0, together; k < frames; k += together) {
      const size_t      number = NomosDatasetBlockOf(file, trajectory - file->first_trajectory, frame + k);
      const NomosDatasetBlock *block  = &d->blocks[number];
      const size_t      t = trajectory - file->first_trajectory - block->trajectory, in_block = row->frames ? block->n_frames : 1, from = row->frames ? frame + k - block->frame : 0;
      const double     *from_block;
      together = PetscMin(frames - k, in_block - from);
      PetscCall(NomosDatasetGetBlock(d, number, &from_block));
      PetscCall(PetscArraycpy(values + (i * frames + k) * row->n, from_block + NomosDatasetBlockOffset(d, block, variable) + (t * in_block + from) * row->n, together * row->n));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosDatasetBlocks(NomosDataset d)
{
  return d->n_blocks;
}

/* Every row of a variable in a block: constants once, with the block of their first frame. */
static PetscErrorCode VisitBlock(NomosDataset d, size_t number, size_t variable, int split, NomosRowFn visit, void *ctx)
{
  const NomosDatasetBlock *block  = &d->blocks[number];
  const NomosRow   *row    = &d->rows[variable];
  const size_t      frames = row->frames ? block->n_frames : 1;
  const double     *values;

  PetscFunctionBeginUser;
  if (!row->frames && block->frame) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosDatasetGetBlock(d, number, &values));
  values += NomosDatasetBlockOffset(d, block, variable);
  for (size_t t = 0; t < block->n_trajectories; t++) {
    if (split >= 0 && d->split_of[d->files[block->file].first_trajectory + block->trajectory + t] != split) continue;
    for (size_t k = 0; k < frames; k++) PetscCall(visit(number, values + (t * frames + k) * row->n, row->n, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetVisit(NomosDataset d, size_t variable, NomosSplit split, NomosRowFn visit, void *ctx)
{
  PetscFunctionBeginUser;
  for (size_t b = (size_t)d->rank; b < d->n_blocks; b += (size_t)d->size) PetscCall(VisitBlock(d, b, variable, (int)split, visit, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- open: everything is read once */

/* The hash is a sum over rows of the hash of a row, seeded by its place: neither blocks nor ranks matter. */
typedef struct {
  NomosDataset d;
  size_t       variable, block, row; /* row: within the block */
  uint64_t     seed, sum;
  double       squares, n_values;
} Scan;

static PetscErrorCode ScanRow(size_t number, const double row[], size_t size, void *ctx)
{
  Scan             *scan  = ctx;
  NomosDataset      d     = scan->d;
  const NomosDatasetBlock *block = &d->blocks[number];
  const size_t      frames = d->rows[scan->variable].frames ? block->n_frames : 1;

  PetscFunctionBeginUser;
  if (scan->block != number) scan->row = 0;
  scan->block = number;
  const size_t   in_file = block->trajectory + scan->row / frames, trajectory = d->files[block->file].first_trajectory + in_file, frame = block->frame + scan->row % frames;
  const uint64_t place[2] = {trajectory, frame};
  scan->sum += XXH64(row, size * sizeof *row, XXH64(place, sizeof place, scan->seed));
  const uint64_t begin = frame ? 0 : XXH64(row, size * sizeof *row, scan->seed + 1);
  d->marks[COPY][trajectory] += begin;
  if (d->rows[scan->variable].frames) d->marks[BEGINNING][trajectory] += begin;
  if (frame + 1 == d->files[block->file].n_frames) d->marks[COPY][trajectory] += XXH64(row, size * sizeof *row, scan->seed + 2); /* states may begin alike and differ later */
  scan->n_values += (double)size;
  for (size_t i = 0; i < size; i++) {
    scan->squares += row[i] * row[i];
    if (isfinite(row[i])) continue;
    char text[32];
    snprintf(text, sizeof text, "%g", fabs(row[i]));
    NomosCheck(false, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s = %s in trajectory %zu, frame %zu, entry %zu of the row: data must be finite; leave the trajectory or the frames out (data.trajectories, data.first_frame)", d->files[block->file].path, d->rows[scan->variable].name, text, in_file, d->input.first_frame + frame * d->input.every, i);
  }
  scan->row++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScanAll(NomosDataset d, MPI_Comm comm)
{
  uint64_t       sum  = 0;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(d->n_trajectories, &d->marks[COPY], d->n_trajectories, &d->marks[BEGINNING]));
  const bool quiet = NomosErrorSetQuiet(true); /* one rank may be alone with it */
  for (size_t v = 0; v < d->n_variables && !code; v++) {
    Scan scan = {.d = d, .variable = v, .block = SIZE_MAX, .seed = XXH64(d->rows[v].name, strlen(d->rows[v].name), d->rows[v].n)};
    for (size_t b = (size_t)d->rank; b < d->n_blocks && !code; b += (size_t)d->size) code = VisitBlock(d, b, v, -1, ScanRow, &scan);
    sum += scan.sum;
    d->squares[v]  = scan.squares;
    d->n_values[v] = scan.n_values;
  }
  NomosErrorSetQuiet(quiet);
  PetscCall(NomosErrorAgree(comm, code));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, comm));
  for (int k = 0; k < 2; k++) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, d->marks[k], (int)d->n_trajectories, MPI_UINT64_T, MPI_SUM, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, d->squares, NOMOS_DATASET_MAX_VARIABLES, MPI_DOUBLE, MPI_SUM, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, d->n_values, NOMOS_DATASET_MAX_VARIABLES, MPI_DOUBLE, MPI_SUM, comm));
  snprintf(d->hash, sizeof d->hash, "%016llx", (unsigned long long)sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(NomosDataset d, MPI_Comm comm)
{
  PetscFunctionBeginUser;
  PetscCall(NomosDatasetFindFiles(d));
  if (!d->input.window)
    for (size_t f = 1; f < d->n_files; f++) NomosCheck(d->files[f].n_frames == d->files[0].n_frames, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has %zu frames, %s has %zu; where an example is a whole trajectory all must be of one length%s%s%s", d->files[f].path, d->files[f].n_frames, d->files[0].path, d->files[0].n_frames, d->input.window_key ? ": take windows of so many frames (" : "", d->input.window_key ? d->input.window_key : "", d->input.window_key ? ")" : "");
  CountFrames(d);
  PetscCall(Split(d));
  PetscCall(ScanAll(d, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetOpen(MPI_Comm comm, const NomosDatasetInput *input, NomosDataset *dataset)
{
  NomosDataset d;

  PetscFunctionBeginUser;
  *dataset = NULL;
  PetscCheck(input->n_variables && input->n_variables <= NOMOS_DATASET_MAX_VARIABLES, comm, PETSC_ERR_ARG_SIZ, "a data set has 1 to %d variables, not %zu", NOMOS_DATASET_MAX_VARIABLES, input->n_variables);
  PetscCall(PetscNew(&d));
  d->input       = *input;
  d->n_variables = input->n_variables;
  d->input.every       = PetscMax(1, input->every);
  d->input.window_step = PetscMax(1, input->window_step);
  d->input.space_every = PetscMax(1, input->space_every);
  if (!(input->cache_bytes > 0)) d->input.cache_bytes = 256e6;
  PetscCallMPI(MPI_Comm_rank(comm, &d->rank));
  PetscCallMPI(MPI_Comm_size(comm, &d->size));
  PetscErrorCode code = Open(d, comm);
  if (code) PetscCall(NomosDatasetClose(&d));
  PetscCall(code);
  *dataset = d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetClose(NomosDataset *dataset)
{
  PetscFunctionBeginUser;
  if (!*dataset) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosDatasetFreeFiles(*dataset));
  PetscCall(PetscFree((*dataset)->split_of));
  PetscCall(PetscFree2((*dataset)->marks[COPY], (*dataset)->marks[BEGINNING]));
  for (int s = 0; s < NOMOS_N_SPLITS; s++) PetscCall(PetscFree2((*dataset)->list[s], (*dataset)->first[s]));
  PetscCall(PetscFree(*dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosDatasetHash(NomosDataset d)
{
  return d->hash;
}

double NomosDatasetSize(NomosDataset d, size_t variable)
{
  return sqrt(d->squares[variable] / d->n_values[variable]);
}

const char *NomosDatasetSplitHash(NomosDataset d)
{
  return d->split_hash;
}
