/* The law by itself: what stress, and what elastic part of a trial deformation, the truth has at the states of a motion. A bound for what can be learned from it, if stresses could be seen. */
#include "surrogates/constitutive/constitutive_impl.h"

#include <stdio.h>
#include <string.h>

static double Entry(NomosRealType type, const void *values, size_t i)
{
  return type == NOMOS_F32 ? (double)((const float *)values)[i] : ((const double *)values)[i];
}

static void SetEntry(NomosRealType type, void *values, size_t i, double value)
{
  if (type == NOMOS_F32) ((float *)values)[i] = (float)value;
  else ((double *)values)[i] = value;
}

typedef struct {
  const NomosModelDerivatives *d;
  NomosModel                   model;
  size_t                       f, c, n, bytes; /* fields F and C, particles, bytes of a frame of matrices */
  double                      *F, *F_next, *C;
} Reader;

/* The trial deformation of the step to a frame is (I + dt C) F with that frame's C; its elastic part is the frame's F. */
static void Trial(const Reader *r, int d, void *trial)
{
  const NomosRealType type = r->model->precision;

  for (size_t k = 0; k < r->n; k++)
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) {
        double sum = r->F[9 * k + 3 * (size_t)i + (size_t)j];
        for (int l = 0; l < d && i < d; l++) sum += r->model->dt * r->C[((size_t)d * (size_t)d) * k + (size_t)(d * i + l)] * r->F[9 * k + 3 * (size_t)l + (size_t)j];
        SetEntry(type, trial, (size_t)(3 * i + j) * r->n + k, sum);
      }
}

static void Store(const Reader *r, const double from[], void *to)
{
  for (size_t k = 0; k < r->n; k++)
    for (size_t e = 0; e < 9; e++) SetEntry(r->model->precision, to, e * r->n + k, from[9 * k + e]);
}

static double MeanSquare(const Reader *r, const void *a, const void *b)
{
  double sum = 0;

  for (size_t i = 0; i < 9 * r->n; i++) {
    const double x = Entry(r->model->precision, a, i) - (b ? Entry(r->model->precision, b, i) : 0);
    sum += x * x;
  }
  return sum / (9. * (double)r->n);
}

/* The written law of stress. */
static PetscErrorCode WrittenLaw(const NomosLawPairsInput *input, NomosLaw *law)
{
  const NomosLawOps *ops;
  const char        *name;
  char               key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(key, sizeof key, "%s.elasticity", input->section);
  PetscCall(NomosConfigGetString(input->config, key, &name));
  PetscCall(NomosLawFind(NOMOS_LAW_ELASTICITY, name, NomosConfigWhere(input->config, key), &ops));
  PetscCall(NomosLawCreate(PETSC_COMM_SELF, ops, input->config, input->section, input->model->precision, law));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLawPairsCreate(const NomosLawPairsInput *input, NomosLawPairs *pairs)
{
  const NomosMotion     *motion = input->motion;
  NomosModel             model  = input->model;
  const NomosModelField *list;
  Reader                 r = {.d = model->ops->derivatives, .model = model};
  size_t                 n_fields;
  NomosLaw               law;

  PetscFunctionBeginUser;
  *pairs = (NomosLawPairs){.n_frames = motion->n_frames - 1};
  PetscCheck(motion->whole, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "constitutive.supervision = stress: the data have no deformation_gradient and affine at every frame");
  for (size_t f = 1; f < motion->n_frames; f++) PetscCheck(motion->steps[f] == motion->steps[f - 1] + 1, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "constitutive.supervision = stress: the data must have a frame for every step (output.fields_every = time.dt)");
  PetscCall(NomosModelFieldFind(model, "deformation_gradient", &r.f, NULL));
  PetscCall(NomosModelFieldFind(model, "affine", &r.c, NULL));
  PetscCall(r.d->fields(model, &n_fields, &list));
  r.n                = list[r.f].count[0];
  const int d        = (int)list[r.c].count[1];
  pairs->n_particles = r.n;
  r.bytes            = 9 * r.n * NomosRealBytes(model->precision);
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) PetscCall(PetscMalloc2(pairs->n_frames * r.bytes, (char **)&pairs->in[k], pairs->n_frames * r.bytes, (char **)&pairs->out[k]));
  PetscCall(WrittenLaw(input, &law));
  PetscCall(PetscMalloc3(9 * r.n, &r.F, 9 * r.n, &r.F_next, 9 * r.n, &r.C));
  for (size_t f = 0; f < pairs->n_frames; f++) {
    char       *in[NOMOS_N_LAW_KINDS], *out[NOMOS_N_LAW_KINDS];
    const char *state = motion->states + f * motion->state_bytes;
    for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) {
      in[k]  = (char *)pairs->in[k] + f * r.bytes;
      out[k] = (char *)pairs->out[k] + f * r.bytes;
    }
    PetscCall(r.d->field(model, r.f, state, r.F));
    PetscCall(r.d->field(model, r.f, state + motion->state_bytes, r.F_next));
    PetscCall(r.d->field(model, r.c, state + motion->state_bytes, r.C));
    Store(&r, r.F, in[NOMOS_LAW_ELASTICITY]);
    law->ops->apply(law, r.n, r.n, in[NOMOS_LAW_ELASTICITY], out[NOMOS_LAW_ELASTICITY], NULL);
    Trial(&r, d, in[NOMOS_LAW_PLASTICITY]);
    Store(&r, r.F_next, out[NOMOS_LAW_PLASTICITY]);
    pairs->scale[NOMOS_LAW_ELASTICITY] += MeanSquare(&r, out[NOMOS_LAW_ELASTICITY], NULL) / (double)pairs->n_frames;
    pairs->scale[NOMOS_LAW_PLASTICITY] += MeanSquare(&r, in[NOMOS_LAW_PLASTICITY], in[NOMOS_LAW_ELASTICITY]) / (double)pairs->n_frames;
  }
  PetscCall(PetscFree3(r.F, r.F_next, r.C));
  PetscCall(NomosLawDestroy(&law));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLawPairsFree(NomosLawPairs *pairs)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) PetscCall(PetscFree2(pairs->in[k], pairs->out[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Gather(const NomosLawPairs *pairs, NomosRealType type, const void *from, size_t n, const size_t examples[], void *to)
{
  for (size_t i = 0; i < n; i++) {
    const size_t frame = examples[i] / pairs->n_particles, k = examples[i] % pairs->n_particles;
    for (size_t e = 0; e < 9; e++) SetEntry(type, to, e * n + i, Entry(type, from, (frame * 9 + e) * pairs->n_particles + k));
  }
}

PetscErrorCode NomosLawPairsLoss(const NomosLawPairs *pairs, const NomosMaterial *m, size_t n, const size_t examples[], double *loss, double trained_bar[])
{
  PetscFunctionBeginUser;
  *loss = 0;
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) {
    const NomosLaw law = m->laws[k];
    char          *in, *out, *y, *in_bar;
    double         sum = 0;
    if (!m->learned[k]) continue;
    const NomosRealType type  = law->precision;
    const size_t        bytes = 9 * n * NomosRealBytes(type);
    PetscCall(PetscMalloc4(bytes, &in, bytes, &out, bytes, &y, bytes, &in_bar));
    Gather(pairs, type, pairs->in[k], n, examples, in);
    Gather(pairs, type, pairs->out[k], n, examples, out);
    law->ops->apply(law, n, n, in, y, NULL);
    const double scale = 1 / (9. * (double)n * pairs->scale[k]);
    for (size_t i = 0; i < 9 * n; i++) {
      const double x = Entry(type, y, i) - Entry(type, out, i);
      sum += x * x;
      SetEntry(type, y, i, 2 * scale * x);
    }
    *loss += scale * sum;
    if (trained_bar) {
      memset(trained_bar + m->first[k], 0, law->n_parameters * sizeof *trained_bar);
      law->ops->vjp(law, n, n, in, y, NULL, in_bar, trained_bar + m->first[k]);
    }
    PetscCall(PetscFree4(in, out, y, in_bar));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
