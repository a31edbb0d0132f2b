/* What the suites of regressions from data share: frames of functions, a library over them, its normal equations. */
#ifndef NOMOS_TESTS_LIBRARY_SETUP_H
#define NOMOS_TESTS_LIBRARY_SETUP_H

#include "harness.h"
#include "surrogates/discovery/library.h"

enum { MAX_POINTS = 4096, MAX_FRAMES = 256 };

typedef double (*Function)(double x, double t);

/* Frames of functions on [0, length), t = i dt. */
static double       storage[4][MAX_FRAMES * 64], moments[MAX_FRAMES];
static const double *values[4], *times[2] = {moments, moments};
static size_t       n_frames[2];

static inline NomosFrames Shape(size_t n, double length, size_t frames, double dt)
{
  for (size_t i = 0; i < frames; i++) moments[i] = (double)i * dt;
  n_frames[0] = n_frames[1] = frames;
  for (int i = 0; i < 4; i++) values[i] = storage[i];
  return (NomosFrames){.n_fields = 1, .n_trajectories = 1, .n_dims = n ? 1 : 0, .n = {n}, .length = {length}, .n_frames = n_frames, .times = times};
}

static inline NomosFrames Frames(size_t n, double length, size_t frames, double dt, Function u)
{
  NomosFrames shape = Shape(n, length, frames, dt), made;

  for (size_t f = 0; f < frames; f++)
    for (size_t i = 0; i < (n ? n : 1); i++) storage[0][f * (n ? n : 1) + i] = u((double)i * length / (double)(n ? n : 1), (double)f * dt);
  ck_ok(NomosFramesOfArrays(&shape, values, &made));
  return made;
}

static const char *const fields[] = {"u", "v"};

static inline NomosLibraryInput Input(const NomosFrames *frames, size_t n_terms, const char *const terms[], NomosForm form)
{
  return (NomosLibraryInput){
    .comm = PETSC_COMM_SELF, .frames = frames, .n_fields = frames->n_fields, .n_terms = n_terms, .fields = fields, .terms = terms, .where = "case.yaml:3: discover.library", .settings = {.form = form, .derivatives = NOMOS_TERMS_DIFFERENCES, .order = 2, .time_order = 2}
  };
}

/* Sums over all blocks, of target 0; and least squares on all terms. */
static inline NomosGram Assemble(const NomosLibraryInput *input)
{
  NomosLibrary library;
  NomosGram    gram;

  ck_ok(NomosLibraryCreate(input, &library));
  ck_ok(NomosLibraryAssemble(library, input->frames, NULL, &gram));
  ck_ok(NomosLibraryDestroy(&library));
  gram.names = NULL;
  return gram;
}

static inline NomosNormal Normal(const NomosLibraryInput *input)
{
  NomosGram   gram = Assemble(input);
  NomosNormal normal;

  ck_ok(NomosGramNormal(&gram, 0, NULL, &normal));
  ck_ok(NomosGramDestroy(&gram));
  return normal;
}

/* c of one or two columns. */
static inline void Solve(const NomosNormal *normal, double c[2])
{
  const double *G = normal->G, *b = normal->b;

  if (normal->n_terms == 1) c[0] = b[0] / G[0];
  else {
    const double det = G[0] * G[3] - G[1] * G[2];
    c[0] = (b[0] * G[3] - b[1] * G[1]) / det;
    c[1] = (b[1] * G[0] - b[0] * G[2]) / det;
  }
}

static inline double Rough(double x, double t)
{
  return sin(x) * cos(3 * t) + 0.3 * cos(2 * x + t) + 0.1 * sin(5 * x * t);
}

static inline double Wave(double x, double t)
{
  return sin(x - 1.5 * t) + 0.5 * cos(2 * (x - 1.5 * t));
}

static inline void SameSums(const NomosNormal *a, const NomosNormal *b, double tolerance)
{
  for (size_t j = 0; j < a->n_terms * a->n_terms; j++) ck_assert(fabs(a->G[j] - b->G[j]) <= tolerance * fabs(a->G[0]));
  for (size_t j = 0; j < a->n_terms; j++) ck_assert(fabs(a->b[j] - b->b[j]) <= tolerance * fabs(a->G[0]));
  ck_assert(a->n == b->n);
}

#endif
