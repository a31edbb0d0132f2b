/* Symplectic networks: the structure they keep whatever their weights, their inverse, derivatives, and how many numbers they are. */
#include "surrogates/modules/symplectic.h"
#include "tests/module_checks.h"

static const NomosSymplecticInput inputs[] = {
  {.kind = NOMOS_SYMPLECTIC_LA, .d = 1, .n_layers = 3, .n_sublayers = 2, .activation = NOMOS_SIGMOID},
  {.kind = NOMOS_SYMPLECTIC_LA, .d = 2, .n_layers = 4, .n_sublayers = 3, .activation = NOMOS_TANH},
  {.kind = NOMOS_SYMPLECTIC_LA, .d = 3, .n_layers = 2, .n_sublayers = 5, .activation = NOMOS_SIGMOID},
  {.kind = NOMOS_SYMPLECTIC_G, .d = 1, .n_layers = 5, .width = 7, .activation = NOMOS_SIGMOID},
  {.kind = NOMOS_SYMPLECTIC_G, .d = 2, .n_layers = 4, .width = 6, .activation = NOMOS_MISH},
  {.kind = NOMOS_SYMPLECTIC_G, .d = 3, .n_layers = 3, .width = 5, .activation = NOMOS_TANH},
};
enum { N_INPUTS = sizeof inputs / sizeof *inputs, MAX_D = 3, N_STATES = 4 };
static const double step = 0.7;

typedef struct {
  NomosParameters parameters;
  NomosSymplectic map;
  NomosTape       tape;
  NomosTensor     w[MAX_TENSORS], x;
} Try;

/* With weights of the size of 1, also where they begin with zero. */
static void Begin(const NomosSymplecticInput *input, Try *try)
{
  void *values;
  ck_ok(NomosTapeCreate(&try->tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &try->parameters));
  ck_ok(NomosSymplecticCreate(try->parameters, "map", input, &try->map));
  ck_ok(NomosParametersInitialise(try->parameters, 1));
  ck_ok(NomosParametersEdit(try->parameters, &values));
  for (size_t i = 0; i < NomosParametersSize(try->parameters); i++) ((double *)values)[i] = 0.7 * NomosRandomNormal(3, input->d, i);
  ck_ok(NomosParametersBind(try->parameters, try->tape, try->w));
  try->x = RandomTensor(try->tape, NOMOS_F64, 7, 2, (size_t[]){N_STATES, 2 * input->d});
}

static void End(Try *try)
{
  ck_ok(NomosParametersDestroy(&try->parameters));
  ck_ok(NomosTapeDestroy(&try->tape));
}

/* M^T J M = J for the Jacobian M at every state, to rounding. */
START_TEST(Symplectic)
{
  for (int k = 0; k < N_INPUTS; k++) {
    const size_t d = inputs[k].d, n = 2 * d;
    double       m[N_STATES][2 * MAX_D][2 * MAX_D], row[N_STATES * 2 * MAX_D], seed[N_STATES * 2 * MAX_D];
    Try          try;
    NomosTensor  bar;
    Begin(&inputs[k], &try);
    const NomosTensor y = NomosSymplecticApply(&try.map, try.w, try.x, step);
    for (size_t i = 0; i < n; i++) {
      for (size_t s = 0; s < N_STATES * n; s++) seed[s] = s % n == i;
      ck_ok(NomosGradient(&(NomosGradientInput){.y = y, .y_bar = NomosTensorFromDoubles(try.tape, NOMOS_F64, 2, (size_t[]){N_STATES, n}, seed), .n = 1, .x = &try.x}, &bar));
      ck_ok(NomosTensorGetDoubles(bar, row));
      for (size_t s = 0; s < N_STATES; s++)
        for (size_t j = 0; j < n; j++) m[s][i][j] = row[s * n + j];
    }
    for (size_t s = 0; s < N_STATES; s++) {
      double size = 1, off = 0;
      for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) size += m[s][i][j] * m[s][i][j];
      for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
          double sum = j == i + d ? -1 : i == j + d ? 1 : 0;
          for (size_t l = 0; l < d; l++) sum += m[s][l][i] * m[s][d + l][j] - m[s][d + l][i] * m[s][l][j];
          off = fmax(off, fabs(sum));
        }
      ck_assert_msg(off < 1e-14 * size, "map %d, state %zu: M^T J M differs from J by %.1e, M is of size %.1e", k, s, off, sqrt(size));
      ck_assert_msg(size > 1.1 + (double)n, "map %d is the identity", k);
    }
    End(&try);
  }
}
END_TEST

/* There and back; and a map of states on more axes is that of the flat ones. */
START_TEST(Inverse)
{
  for (int k = 0; k < N_INPUTS; k++) {
    const size_t n = 2 * inputs[k].d;
    double       x[N_STATES * 2 * MAX_D], y[N_STATES * 2 * MAX_D], again[N_STATES * 2 * MAX_D];
    Try          try;
    Begin(&inputs[k], &try);
    ck_ok(NomosTensorGetDoubles(try.x, x));
    const NomosTensor there = NomosSymplecticApply(&try.map, try.w, try.x, step);
    ck_ok(NomosTensorGetDoubles(there, y));
    ck_ok(NomosTensorGetDoubles(NomosSymplecticInverse(&try.map, try.w, there, step), again));
    double size = 0;
    for (size_t i = 0; i < N_STATES * n; i++) size = fmax(size, fabs(y[i]));
    for (size_t i = 0; i < N_STATES * n; i++) ck_close(again[i], x[i], 1e-13 * size);
    ck_ok(NomosTensorGetDoubles(NomosSymplecticApply(&try.map, try.w, NomosReshape(try.x, 3, (size_t[]){2, N_STATES / 2, n}), step), again));
    ck_assert_int_eq(memcmp(y, again, N_STATES * n * sizeof *y), 0);
    /* a step of nothing is the identity */
    ck_ok(NomosTensorGetDoubles(NomosSymplecticApply(&try.map, try.w, try.x, 0), again));
    ck_assert_int_eq(memcmp(x, again, N_STATES * n * sizeof *x), 0);
    End(&try);
  }
}
END_TEST

/* LA: of every layer, sublayers d^2 and two shifts; d for every activation (14 for the authors' pendulum). G: width (d + 2) a layer. */
START_TEST(Count)
{
  for (int k = 0; k < N_INPUTS; k++) {
    const NomosSymplecticInput *i = &inputs[k];
    const size_t                la = i->n_layers * (i->n_sublayers * i->d * i->d + 2 * i->d) + (i->n_layers - 1) * i->d, g = i->n_layers * i->width * (i->d + 2);
    Try                         try;
    Begin(i, &try);
    ck_assert_int_eq(NomosParametersSize(try.parameters), i->kind == NOMOS_SYMPLECTIC_LA ? la : g);
    if (!k) ck_assert_int_eq(NomosParametersSize(try.parameters), 14);
    End(&try);
  }
  NomosParameters parameters;
  NomosSymplectic map;
  ck_ok(NomosParametersCreate(NOMOS_F64, &parameters));
  ck_refused(NomosSymplecticCreate(parameters, "map", &(NomosSymplecticInput){.kind = NOMOS_SYMPLECTIC_G, .d = 1, .n_layers = 2}, &map), "2 layers, width 0");
  ck_ok(NomosParametersDestroy(&parameters));
}
END_TEST

static PetscErrorCode CreateLa(NomosParameters p, void *m)
{
  return NomosSymplecticCreate(p, "la", &inputs[1], m);
}

static PetscErrorCode CreateG(NomosParameters p, void *m)
{
  return NomosSymplecticCreate(p, "g", &inputs[4], m);
}

static NomosTensor Apply(const void *m, const NomosTensor w[], NomosTensor x)
{
  return NomosSymplecticApply(m, w, x, step);
}

static NomosTensor Back(const void *m, const NomosTensor w[], NomosTensor x)
{
  return NomosSymplecticInverse(m, w, x, step);
}

START_TEST(Derivatives)
{
  static const ModuleCase cases[] = {
    {"LA", CreateLa, Apply, 2, {6, 4}, 4 * (3 * 4 + 4) + 3 * 2},
    {"G", CreateG, Apply, 2, {6, 4}, 4 * 6 * 4},
    {"LA backwards", CreateLa, Back, 2, {6, 4}, 4 * (3 * 4 + 4) + 3 * 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    NomosSymplectic map;
    CheckModule(&cases[i], &map);
  }
}
END_TEST

NOMOS_TEST_SUITE("symplectic", Symplectic, Inverse, Count, Derivatives)
