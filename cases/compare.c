#include "cases/compare.h"

#include "cases/train.h"
#include "io/disk.h"
#include "operators/neighbours.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- frames */

PetscErrorCode NomosCompareMatchFrames(const NomosCompareRun *first, const NomosCompareRun *run, NomosComparison *c)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(first->n_frames, &c->frames[0], first->n_frames, &c->frames[1]));
  PetscCall(PetscMalloc3(first->n_frames, &c->times, first->n_frames, &c->mse, first->n_frames, &c->relative));
  const double tolerance = first->n_frames > 1 ? 1e-3 * fabs(first->times[1] - first->times[0]) : 1e-9;
  for (size_t i = 0, j = 0; i < first->n_frames; i++) {
    while (j < run->n_frames && run->times[j] < first->times[i] - tolerance) j++;
    if (j == run->n_frames || run->times[j] > first->times[i] + tolerance) continue;
    c->times[c->n]       = first->times[i];
    c->frames[0][c->n]   = i;
    c->frames[1][c->n++] = j;
  }
  NomosCheck(c->n, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s and %s have no frame at the same time: the one has frames from %g to %g, the other from %g to %g; give them the same output.fields_every", first->directory, run->directory, first->times[0], first->times[first->n_frames - 1], run->times[0], run->times[run->n_frames - 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCompareReadFrame(const NomosCompareRun *run, const char name[], size_t frame, double values[])
{
  size_t start[NOMOS_FIELD_MAX_DIMS + 1] = {frame}, count[NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(run->reader, name, &n_dims, count));
  count[0] = 1;
  PetscCall(NomosFieldReaderRead(run->reader, name, start, count, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- particles */

/* Positions of the two runs: x of the first one, y of the other; at the first common frame X, Y. match (n_particles of the other): its partner in the first one; NULL: as they are numbered, and positions, not displacements, are compared. */
typedef struct {
  int     d;
  size_t  n[2];
  double *x[2], *begin[2], *mass[2]; /* mass (n): NULL: not both have it */
  int32_t *match;
} Pair;

/* Masses that a run keeps, one of each particle; *mass NULL: it has none. PetscFree(*mass). */
static PetscErrorCode ReadMasses(const NomosCompareRun *run, double **mass)
{
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1], start = 0;
  int    n_dims;
  bool   has;

  PetscFunctionBeginUser;
  *mass = NULL;
  PetscCall(NomosFieldReaderHas(run->reader, "mass", &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(run->reader, "mass", &n_dims, shape));
  if (n_dims != 1 || shape[0] != run->n_particles) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(run->n_particles, mass));
  PetscCall(NomosFieldReaderRead(run->reader, "mass", &start, shape, *mass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NearestOf(int d, size_t n, const double x[], size_t n_queries, const double queries[], NomosNeighbours *nearest)
{
  PetscFunctionBeginUser;
  PetscCall(NomosNeighboursNearest(&(NomosNeighbourInput){.d = d, .n = n, .x = x, .n_queries = n_queries, .queries = queries}, 1, nearest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double SquaredDistance(int d, const double a[], const double b[])
{
  double sum = 0;
  for (int i = 0; i < d; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

/* What the centres are of, behind the rest. */
static void SayCentre(const Pair *p, NomosComparison *c)
{
  const size_t n = strlen(c->what);
  snprintf(c->what + n, sizeof c->what - n, "%s", p->mass[0] ? "; centres are of mass" : "; centres count each particle alike, as not both files hold `mass`");
}

/* Partners at the first common frame, and what that means in words. */
static PetscErrorCode MatchParticles(const NomosCompareRun *first, Pair *p, NomosComparison *c)
{
  const size_t d    = (size_t)p->d;
  const bool   bare = !c->unit[0] || !strcmp(c->unit, "1");
  double       far  = 0;

  PetscFunctionBeginUser;
  if (p->n[0] == p->n[1]) {
    for (size_t i = 0; i < p->n[0]; i++) far = fmax(far, SquaredDistance(p->d, p->begin[0] + i * d, p->begin[1] + i * d));
    snprintf(c->what, sizeof c->what, "its %zu particles, each with that of the same number of %s; at time %g they are at most %.3g%s%s apart", p->n[1], first->name, c->times[0], sqrt(far), bare ? "" : " ", bare ? "" : c->unit);
    SayCentre(p, c);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  NomosNeighbours nearest;
  PetscCall(NearestOf(p->d, p->n[0], p->begin[0], p->n[1], p->begin[1], &nearest));
  PetscCall(PetscMalloc1(p->n[1], &p->match));
  for (size_t i = 0; i < p->n[1]; i++) {
    p->match[i] = nearest.neighbour[nearest.first[i]];
    far         = fmax(far, SquaredDistance(p->d, p->begin[0] + (size_t)p->match[i] * d, p->begin[1] + i * d));
  }
  PetscCall(NomosNeighboursFree(&nearest));
  snprintf(c->what, sizeof c->what, "how its %zu particles have moved since time %g, each compared with that of the %zu of %s that was nearest then, at most %.3g%s%s away; centre and Chamfer distance are of all", p->n[1], c->times[0], p->n[0], first->name, sqrt(far), bare ? "" : " ", bare ? "" : c->unit);
  SayCentre(p, c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OneWay(const Pair *p, int from, double *mean)
{
  const int       to = 1 - from;
  const size_t    d  = (size_t)p->d;
  NomosNeighbours nearest;

  PetscFunctionBeginUser;
  *mean = 0;
  PetscCall(NearestOf(p->d, p->n[to], p->x[to], p->n[from], p->x[from], &nearest));
  for (size_t i = 0; i < p->n[from]; i++) *mean += SquaredDistance(p->d, p->x[to] + (size_t)nearest.neighbour[nearest.first[i]] * d, p->x[from] + i * d) / (double)p->n[from];
  PetscCall(NomosNeighboursFree(&nearest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ComparePositions(const Pair *p, size_t k, NomosComparison *c)
{
  const size_t d       = (size_t)p->d, n = p->n[1];
  double       squares = 0, of_reference = 0, centre[2][3] = {{0}}, total[2] = {0}, ways[2], apart = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    const size_t j = p->match ? (size_t)p->match[i] : i;
    for (size_t a = 0; a < d; a++) {
      double difference = p->x[1][i * d + a] - p->x[0][j * d + a];
      if (p->match) difference -= p->begin[1][i * d + a] - p->begin[0][j * d + a];
      squares += difference * difference;
      of_reference += p->x[0][j * d + a] * p->x[0][j * d + a];
    }
  }
  for (int r = 0; r < 2; r++) {
    for (size_t i = 0; i < p->n[r]; i++) total[r] += p->mass[r] ? p->mass[r][i] : 1;
    for (size_t i = 0; i < p->n[r] * d; i++) centre[r][i % d] += (p->mass[r] ? p->mass[r][i / d] : 1) * p->x[r][i] / total[r];
  }
  for (size_t a = 0; a < d; a++) apart += (centre[1][a] - centre[0][a]) * (centre[1][a] - centre[0][a]);
  c->mse[k]      = squares / (double)n;
  c->relative[k] = NomosCompareRelative(squares, of_reference);
  c->centre[k]   = sqrt(apart);
  for (int r = 0; r < 2; r++) PetscCall(OneWay(p, r, &ways[r]));
  c->chamfer[k] = (ways[0] + ways[1]) / 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ComparePair(const NomosCompareRun *runs[2], Pair *p, NomosComparison *c)
{
  PetscFunctionBeginUser;
  for (size_t k = 0; k < c->n; k++) {
    for (int r = 0; r < 2; r++) {
      PetscCall(NomosCompareReadFrame(runs[r], "position", c->frames[r][k], p->x[r]));
      if (!k) memcpy(p->begin[r], p->x[r], p->n[r] * (size_t)p->d * sizeof(double));
    }
    if (!k) PetscCall(MatchParticles(runs[0], p, c));
    PetscCall(ComparePositions(p, k, c));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareParticles(const NomosCompareRun *first, const NomosCompareRun *run, NomosComparison *c)
{
  const NomosCompareRun *runs[2] = {first, run};
  Pair                   p       = {.d = first->d, .n = {first->n_particles, run->n_particles}};

  PetscFunctionBeginUser;
  snprintf(c->variable, sizeof c->variable, "position");
  PetscCall(NomosReadLabel(first->reader, "position", "units", c->unit));
  PetscCall(NomosCompareMatchFrames(first, run, c));
  PetscCall(PetscMalloc2(c->n, &c->centre, c->n, &c->chamfer));
  for (int r = 0; r < 2; r++) PetscCall(PetscMalloc2(p.n[r] * (size_t)p.d, &p.x[r], p.n[r] * (size_t)p.d, &p.begin[r]));
  for (int r = 0; r < 2; r++) PetscCall(ReadMasses(runs[r], &p.mass[r]));
  for (int r = 0; r < 2; r++)
    if (!p.mass[1 - r]) PetscCall(PetscFree(p.mass[r]));
  PetscErrorCode failed = ComparePair(runs, &p, c);
  for (int r = 0; r < 2; r++) {
    PetscCall(PetscFree2(p.x[r], p.begin[r]));
    PetscCall(PetscFree(p.mass[r]));
  }
  PetscCall(PetscFree(p.match));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCompareAll(NomosCompare *compare)
{
  PetscFunctionBeginUser;
  if (!compare->runs[0].n_particles) {
    PetscCall(NomosCompareFields(compare));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  compare->n_variables = 1;
  for (size_t r = 1; r < compare->n_runs; r++) PetscCall(CompareParticles(&compare->runs[0], &compare->runs[r], &compare->with[r][0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the command */

/* Units, scene and times are those of the first run; of what is no run's directory nothing is known. */
static PetscErrorCode MakeContext(const NomosProgram *program, NomosCompare *compare, NomosConfig *config)
{
  NomosPlotContext *context = &compare->context;
  char              path[NOMOS_MAX_PATH + 32];

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.4000s/config.yaml", compare->runs[0].directory);
  PetscCheck(!access(path, R_OK) && !NomosIsTraining(path), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s is not the directory of a nomos run", compare->runs[0].directory);
  PetscCall(NomosCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = path, .models = program->models, .n_set = program->n_set, .set = program->set}, config, &context->ops));
  PetscCall(NomosRunParamsGet(*config, &context->params));
  NomosTimeUnit(context->params.stop, context->params.nondimensional, &context->time_name, &context->time_factor);
  context->config    = *config;
  context->quiet     = program->quiet;
  context->directory = compare->directory;
  snprintf(compare->directory, sizeof compare->directory, "%.4000s%s", program->directory ? program->directory : compare->runs[0].directory, program->directory ? "" : "/compare");
  snprintf(path, sizeof path, "%s/plots", compare->directory);
  PetscCall(NomosDirectoryMake(PETSC_COMM_SELF, compare->directory));
  PetscCall(NomosDirectoryMake(PETSC_COMM_SELF, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareRuns(const NomosProgram *program)
{
  NomosCompare *compare;
  NomosConfig   config = NULL;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&compare));
  PetscErrorCode failed = NomosCompareOpen(program->n_arguments, program->arguments, compare);
  if (!failed) failed = MakeContext(program, compare, &config);
  if (!failed) failed = NomosCompareAll(compare);
  if (!failed) failed = NomosCompareWrite(compare);
  if (config) PetscCall(NomosConfigDestroy(&config));
  PetscCall(NomosCompareClose(compare));
  PetscCall(PetscFree(compare));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compare(const NomosProgram *program)
{
  bool trainings;

  PetscFunctionBeginUser;
  PetscCall(NomosCompareAreTrainings(program, &trainings));
  PetscCall(trainings ? NomosCompareTrainings(program) : CompareRuns(program));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandCompare(NomosProgram *program)
{
  PetscFunctionBeginUser;
  NomosOnFirstRank(program->comm, Compare(program));
  PetscFunctionReturn(PETSC_SUCCESS);
}
