/* Gappy proper orthogonal decomposition of one fixed body (Everson & Sirovich 1995, doi:10.1364/JOSAA.12.001657): modes Phi of the displacements of all training frames, found by the method of snapshots (Sirovich 1987,
   doi:10.1090/qam/910462), and of the sparse points u their least squares,

     u(X) = Phi (P Phi)^+ u,   P takes the rows of the sparse points

   Walls are in no snapshot, so that modes are of what moves.
   A basis belongs to its points: the body must have the same reference positions in every trajectory, but for a shift of all, and only these points can be decoded. */
#include "surrogates/reduced_order_graph/decoders/decoder.h"

#include <cblas.h>
#include <math.h>
#include <petscblaslapack.h>
#include <stdio.h>

static const double same = 1e-5, negligible = 1e-12; /* points this part of the body's extent apart are one; eigenvalues below this part of the largest are rounding */

/* clang-format off */
static const NomosParam params[] = {
  {"pod.points",    NOMOS_PARAM_INT,  NULL,   NULL, 1, 1e9, NULL, false, "Particles of the body."},
  {"pod.rank",      NOMOS_PARAM_INT,  "20",   NULL, 1, 1000, NULL, false, "Modes."},
  {"pod.snapshots", NOMOS_PARAM_INT,  "400",  NULL, 1, 10000, NULL, false, "Frames that modes are made of, at most, spread over the training."},
  {"pod.cut",       NOMOS_PARAM_REAL, "1e-6", NULL, 0, 1, NULL, false, "Singular values of P Phi below this part of the largest are left out of its inverse."},
};
/* clang-format on */

typedef struct {
  int    d;
  size_t n_points, rank, n_snapshots, reference, basis; /* the last two: buffers */
  double cut;
} Pod;

typedef struct {
  size_t  n_points, n_sparse;
  double *left, *right; /* Phi (n_points d, rank); (P Phi)^+ (rank, n_sparse d) */
} Plan;

static PetscErrorCode Create(const NomosParticleDecoderInput *input, void *context)
{
  Pod    *c = context;
  int64_t points, rank, snapshots;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(input->config, "pod.points", &points));
  PetscCall(NomosConfigGetInt(input->config, "pod.rank", &rank));
  PetscCall(NomosConfigGetInt(input->config, "pod.snapshots", &snapshots));
  PetscCall(NomosConfigGetReal(input->config, "pod.cut", &c->cut));
  c->d           = input->d;
  c->n_points    = (size_t)points;
  c->rank        = (size_t)rank;
  c->n_snapshots = (size_t)snapshots;
  PetscCall(NomosParametersAdd(input->parameters, &(NomosParameterInput){.prefix = "decoder", .name = "reference", .n_dims = 2, .shape = {c->n_points, (size_t)c->d}, .buffer = true}, &c->reference));
  PetscCall(NomosParametersAdd(input->parameters, &(NomosParameterInput){.prefix = "decoder", .name = "basis", .n_dims = 2, .shape = {c->n_points * (size_t)c->d, c->rank}, .buffer = true}, &c->basis));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- modes */

/* Displacements (n_snapshots, n_points d) of frames that are spread over all trajectories; reference (n_points, d). */
typedef struct {
  size_t  n;
  double *reference, *snapshots, *first; /* first (n_points, d): scratch, of a trajectory */
} Snapshots;

/* Of the whole body: from the lowest corner of `from` to that of `to`, both (n_points, d). */
static void FindShift(const Pod *c, const double from[], const double to[], double shift[])
{
  const size_t d = (size_t)c->d;

  for (size_t a = 0; a < d; a++) {
    double low[2] = {from[a], to[a]};
    for (size_t i = 1; i < c->n_points; i++) {
      low[0] = fmin(low[0], from[i * d + a]);
      low[1] = fmin(low[1], to[i * d + a]);
    }
    shift[a] = low[1] - low[0];
  }
}

static PetscErrorCode CheckTrajectory(const Pod *c, const NomosParticleTrajectory *t, double extent, const double first[], const double reference[])
{
  const size_t d = (size_t)c->d;
  double       shift[3];

  PetscFunctionBeginUser;
  NomosCheck(t->n_particles == c->n_points, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "pod.points = %zu, but %s has %zu particles: pod is of one fixed body, give its number; for bodies that differ choose kernel", c->n_points, t->name, t->n_particles);
  FindShift(c, reference, first, shift);
  for (size_t i = 0; i < c->n_points * d; i++) {
    const double distance = fabs(first[i] - shift[i % d] - reference[i]);
    NomosCheck(distance <= same * extent, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "pod: the reference position of particle %zu of %s in its body differs from that of the first trajectory by %g m: pod is of one fixed body; for bodies that differ choose kernel", i / d, t->name, distance);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSnapshots(const Pod *c, NomosParticleData data, Snapshots *s)
{
  const NomosParticleDataInfo *info;
  NomosParticleTrajectory      t;
  const size_t                 size   = c->n_points * (size_t)c->d;
  size_t                       n_all  = 0, frame = 0;
  double                       extent = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataGetInfo(data, &info));
  for (int a = 0; a < info->d; a++) extent = fmax(extent, info->high[a] - info->low[a]);
  for (size_t i = 0; i < info->n_trajectories[NOMOS_SPLIT_TRAIN]; i++) {
    PetscCall(NomosParticleDataTrajectory(data, NOMOS_SPLIT_TRAIN, i, &t));
    n_all += t.n_frames - 1;
  }
  const size_t every = (n_all + c->n_snapshots - 1) / c->n_snapshots;
  PetscCall(PetscMalloc3(size, &s->reference, (n_all / every + 1) * size, &s->snapshots, size, &s->first));
  s->n = 0;
  for (size_t i = 0; i < info->n_trajectories[NOMOS_SPLIT_TRAIN]; i++) {
    NomosParticleSelection select = {.split = NOMOS_SPLIT_TRAIN, .trajectory = i, .n_frames = 1, .n = c->n_points};
    PetscCall(NomosParticleDataTrajectory(data, NOMOS_SPLIT_TRAIN, i, &t));
    select.n = t.n_particles;
    if (t.n_particles == c->n_points) PetscCall(NomosParticleDataRead(data, &select, s->first));
    if (!i) PetscCall(PetscArraycpy(s->reference, s->first, size));
    PetscCall(CheckTrajectory(c, &t, extent, s->first, s->reference));
    for (select.first = 1; select.first < t.n_frames; select.first++, frame++) {
      if (frame % every) continue;
      double *to = s->snapshots + s->n++ * size;
      PetscCall(NomosParticleDataRead(data, &select, to));
      for (size_t k = 0; k < size; k++) to[k] = info->fixed[t.kind[k / (size_t)c->d]] ? 0 : to[k] - s->first[k]; /* rows of walls in the modes are then 0: they count in no fit to sparse points either */
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* basis (n_points d, rank): eigenvectors v of S S^T (n, n) make the modes S^T v/sqrt(lambda); where there are fewer than rank the rest is zero. */
static PetscErrorCode Modes(const Pod *c, const Snapshots *s, double basis[])
{
  const int      n = (int)s->n, size = (int)(c->n_points * (size_t)c->d);
  double        *gram, *lambda, *work;
  PetscBLASInt   order = n, n_work = 64 * n, info;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3((size_t)n * (size_t)n, &gram, (size_t)n, &lambda, (size_t)n_work, &work));
  openblas_set_num_threads(1); /* with threads of its own it would round otherwise */
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, size, 1, s->snapshots, size, s->snapshots, size, 0, gram, n);
  LAPACKsyev_("V", "U", &order, gram, &order, lambda, work, &n_work, &info); /* ascending; eigenvector k is row k */
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "the modes of %d snapshots could not be computed (dsyev: %d)", n, (int)info);
  for (size_t k = 0; k < c->rank; k++) {
    const bool    there = k < s->n && lambda[s->n - 1 - k] > negligible * lambda[s->n - 1];
    const double *v     = there ? gram + (s->n - 1 - k) * s->n : gram;
    cblas_dgemv(CblasRowMajor, CblasTrans, n, size, there ? 1 / sqrt(lambda[s->n - 1 - k]) : 0, s->snapshots, size, v, 1, 0, basis + k, (int)c->rank);
  }
  PetscCall(PetscFree3(gram, lambda, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fit(const void *context, NomosParameters parameters, NomosParticleData data)
{
  const Pod *c = context;
  Snapshots  s = {0};
  double    *basis;

  PetscFunctionBeginUser;
  PetscErrorCode code = ReadSnapshots(c, data, &s);
  if (code) PetscCall(PetscFree3(s.reference, s.snapshots, s.first));
  PetscCall(code);
  PetscCall(PetscMalloc1(c->n_points * (size_t)c->d * c->rank, &basis));
  PetscCall(Modes(c, &s, basis));
  PetscCall(NomosParametersSetDoubles(parameters, c->reference, s.reference));
  PetscCall(NomosParametersSetDoubles(parameters, c->basis, basis));
  PetscCall(PetscFree(basis));
  PetscCall(PetscFree3(s.reference, s.snapshots, s.first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- plan */

/* rows (n d, rank) of the basis at points x (n, d) of the body, whose reference positions are those of this plan. */
static PetscErrorCode Rows(const Pod *c, const double reference[], const double basis[], size_t n, const double x[], double rows[])
{
  const size_t    d = (size_t)c->d;
  NomosNeighbours nearest;
  double          extent = 0;
  char            message[512] = "";

  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->n_points; i++)
    for (size_t a = 0; a < d; a++) extent = fmax(extent, fabs(reference[i * d + a] - reference[a]));
  PetscCall(NomosNeighboursNearest(&(NomosNeighbourInput){.d = c->d, .n = c->n_points, .x = reference, .n_queries = n, .queries = x}, 1, &nearest));
  for (size_t i = 0; i < n && !message[0]; i++) {
    const size_t at       = (size_t)nearest.neighbour[i];
    double       distance = 0;
    for (size_t a = 0; a < d; a++) distance = fmax(distance, fabs(x[i * d + a] - reference[at * d + a]));
    if (distance > same * extent) snprintf(message, sizeof message, "pod: point %zu is %g m away from the nearest point of the body that the modes are of: pod decodes the %zu points of that body alone, at their places in it (all of them may be elsewhere); for other points or bodies choose kernel", i, distance, c->n_points);
    PetscCall(PetscArraycpy(rows + i * d * c->rank, basis + at * d * c->rank, d * c->rank));
  }
  PetscCall(NomosNeighboursFree(&nearest));
  PetscCheck(!message[0], PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s", message);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* inverse (r, m) of a (m, r), which is overwritten. LAPACK sees a^T = U S V^T, so a^+ = U S^-1 V^T. */
static PetscErrorCode PseudoInverse(size_t m, size_t r, double cut, double a[], double inverse[])
{
  const PetscBLASInt rows = (PetscBLASInt)r, columns = (PetscBLASInt)m, least = PetscMin(rows, columns), n_work = 8 * (rows + columns) + 64;
  double            *u, *s, *vt, *work;
  PetscBLASInt       info;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(r * (size_t)least, &u, (size_t)least, &s, (size_t)least * m, &vt, (size_t)n_work, &work));
  LAPACKgesvd_("S", "S", &rows, &columns, a, &rows, s, u, &rows, vt, &least, work, &n_work, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "the modes at %zu sparse coordinates could not be inverted (dgesvd: %d)", m, (int)info);
  PetscCall(PetscArrayzero(inverse, r * m));
  for (PetscBLASInt k = 0; k < least && s[k] > cut * s[0]; k++)
    for (size_t i = 0; i < r; i++)
      for (size_t j = 0; j < m; j++) inverse[i * m + j] += u[(size_t)k * r + i] / s[k] * vt[j * (size_t)least + (size_t)k];
  PetscCall(PetscFree4(u, s, vt, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(const void *context, NomosParameters parameters, const NomosParticleReference *r, void **plan)
{
  const Pod   *c = context;
  const size_t d = (size_t)c->d;
  Plan        *p;
  double      *reference, *basis, *rows, shift[3] = {0};

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  *plan       = p;
  p->n_points = r->n_points;
  p->n_sparse = r->n_sparse;
  PetscCall(PetscMalloc2(r->n_points * d * c->rank, &p->left, c->rank * r->n_sparse * d, &p->right));
  PetscCall(PetscMalloc3(c->n_points * d, &reference, c->n_points * d * c->rank, &basis, r->n_sparse * d * c->rank, &rows));
  PetscCall(NomosParametersGetDoubles(parameters, c->reference, reference));
  PetscCall(NomosParametersGetDoubles(parameters, c->basis, basis));
  if (r->n_points == c->n_points) FindShift(c, reference, r->X, shift); /* a part of the body cannot tell where the rest is */
  for (size_t i = 0; i < c->n_points * d; i++) reference[i] += shift[i % d];
  PetscErrorCode code = Rows(c, reference, basis, r->n_points, r->X, p->left);
  if (!code) code = Rows(c, reference, basis, r->n_sparse, r->Y, rows);
  if (!code) code = PseudoInverse(r->n_sparse * d, c->rank, c->cut, rows, p->right);
  PetscCall(PetscFree3(reference, basis, rows));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Discard(void **plan)
{
  Plan *p = *plan;

  PetscFunctionBeginUser;
  if (p) PetscCall(PetscFree2(p->left, p->right));
  PetscCall(PetscFree(*plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Displace(const void *context, const void *plan, const NomosTensor w[], NomosTensor u)
{
  const Pod          *c    = context;
  const Plan         *p    = plan;
  const NomosRealType type = NomosTensorType(u);
  const size_t        n = p->n_points * (size_t)c->d, m = p->n_sparse * (size_t)c->d;

  (void)w;
  const NomosTensor q = NomosMatMul(NomosTensorFromDoubles(u.tape, type, 2, (size_t[]){c->rank, m}, p->right), NomosReshape(u, 2, (size_t[]){m, 1}));
  return NomosReshape(NomosMatMul(NomosTensorFromDoubles(u.tape, type, 2, (size_t[]){n, c->rank}, p->left), q), 2, (size_t[]){p->n_points, (size_t)c->d});
}

static PetscErrorCode Freeze(const void *context, const void *plan, NomosTape tape, const NomosTensor w[], NomosParticleMap *map)
{
  const Pod   *c = context;
  const Plan  *p = plan;
  const size_t n = p->n_points * (size_t)c->d, m = p->n_sparse * (size_t)c->d;

  PetscFunctionBeginUser;
  (void)tape;
  (void)w;
  map->rank = c->rank;
  PetscCall(PetscMalloc1(n * c->rank, &map->left));
  PetscCall(PetscMalloc1(c->rank * m, &map->right));
  PetscCall(PetscArraycpy(map->left, p->left, n * c->rank));
  PetscCall(PetscArraycpy(map->right, p->right, c->rank * m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosParticleDecoderOps NomosParticleDecoderOps_Pod = {
  .name      = "pod",
  .summary   = "Modes of one fixed body by singular values of the training's displacements, fitted to the sparse points (gappy POD).",
  .reference = "doi:10.1364/JOSAA.12.001657",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .context   = sizeof(Pod), .create = Create, .fit = Fit,
  .prepare   = Prepare, .discard = Discard,
  .displace  = Displace, .freeze = Freeze,
};
