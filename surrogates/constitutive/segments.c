#include "surrogates/constitutive/segments.h"

#include "operators/model_operator.h"
#include "operators/random.h"

#include <math.h>

static double Length(const NomosCurriculum *c, int64_t epoch)
{
  const double at = c->n_epochs ? (double)epoch / (double)c->n_epochs : 0;

  switch (c->kind) {
  case NOMOS_CURRICULUM_LINEAR:   return c->first + (c->last - c->first) * at;
  case NOMOS_CURRICULUM_CONSTANT: return c->first;
  default:                        return c->last - (c->last - c->first) * 0.5 * (1 + cos(PETSC_PI * at));
  }
}

void NomosCurriculumSegments(const NomosCurriculum *c, int64_t epoch, size_t n_frames, const int64_t steps[], size_t *n, size_t bounds[])
{
  const double  length  = Length(c, epoch);
  const int64_t n_steps = steps[n_frames - 1];

  *n        = 0;
  bounds[0] = 0;
  if (c->kind == NOMOS_CURRICULUM_RANDOM) {
    for (size_t f = 1; f < n_frames - 1; f++)
      if (NomosRandomUniform(c->seed, NomosRandomStream("restarts"), (uint64_t)epoch * n_frames + f) * length < (double)(steps[f] - steps[f - 1])) bounds[++*n] = f;
    *n += 1;
  } else {
    *n = c->kind == NOMOS_CURRICULUM_NONE ? 1 : (size_t)ceil((double)n_steps / length);
    *n = PetscMin(PetscMax(*n, 1), n_frames - 1);
    for (size_t i = 1; i < *n; i++) bounds[i] = i * (n_frames - 1) / *n;
  }
  bounds[*n] = n_frames - 1;
}

/* ---- one segment */

typedef struct {
  const NomosSegmentsInput    *input;
  const NomosModelDerivatives *derivatives;
  size_t                       first; /* frame at which the present segment begins */
  size_t                       n_parameters;
  double                      *x, *p_bar; /* (n_observed); (n_parameters) of the segment */
  void                        *x_bar;     /* a state */
  int64_t                     *steps;     /* of the frames after the first one, from it on */
} Segment;

static PetscErrorCode Difference(Segment *s, size_t i, const void *state)
{
  const NomosMotion *m = s->input->motion;
  const double      *seen = m->observed + (s->first + 1 + i) * m->n_observed;

  PetscFunctionBeginUser;
  PetscCall(s->derivatives->field(s->input->model, m->field, state, s->x));
  for (size_t k = 0; k < m->n_observed; k++) s->x[k] -= seen[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(void *ctx, size_t i, const void *state, double *value)
{
  Segment     *s   = ctx;
  const size_t n   = s->input->motion->n_observed;
  double       sum = 0;

  PetscFunctionBeginUser;
  PetscCall(Difference(s, i, state));
  for (size_t k = 0; k < n; k++) sum += s->x[k] * s->x[k];
  *value += sum / (double)n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(void *ctx, size_t i, const void *state, void *x_bar)
{
  Segment     *s = ctx;
  const size_t n = s->input->motion->n_observed;

  PetscFunctionBeginUser;
  PetscCall(Difference(s, i, state));
  for (size_t k = 0; k < n; k++) s->x[k] *= 2 / (double)n;
  PetscCall(s->derivatives->field_vjp(s->input->model, s->input->motion->field, s->x, x_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunOne(Segment *s, size_t from, size_t to, double *J, bool gradient)
{
  const NomosSegmentsInput *input    = s->input;
  const NomosMotion        *m        = input->motion;
  const char               *states   = input->states ? input->states : m->states;
  const void               *x_0      = states + from * m->state_bytes;
  NomosScheduleInput        schedule = input->schedule;
  NomosTrajectory           trajectory;

  PetscFunctionBeginUser;
  s->first         = from;
  schedule.n_steps = m->steps[to] - m->steps[from];
  for (size_t f = from + 1; f <= to; f++) s->steps[f - from - 1] = m->steps[f] - m->steps[from];
  const NomosLoss loss = {.name = "positions", .n = to - from, .steps = s->steps, .ctx = s, .value = Value, .gradient = Gradient};
  if (!gradient) schedule = (NomosScheduleInput){.kind = NOMOS_SCHEDULE_BINOMIAL, .n_steps = schedule.n_steps, .n_snapshots = 1};
  PetscCall(NomosTrajectoryCreate(&(NomosTrajectoryInput){.model = input->model, .first_step = m->steps[from], .schedule = schedule, .n_losses = 1, .losses = &loss}, &trajectory));
  PetscErrorCode code = gradient ? NomosTrajectoryGradient(trajectory, x_0, J, s->x_bar, s->p_bar) : NomosTrajectoryValue(trajectory, x_0, J, NULL);
  PetscCall(NomosTrajectoryDestroy(&trajectory));
  if (code) return code; /* told, or not, by the caller */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(Segment *s, size_t from, size_t to, NomosSegmentsResult *result, double p_bar[])
{
  double         J     = 0;
  bool           sound = true;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  NomosQuietly(code, RunOne(s, from, to, &J, p_bar != NULL));
  if (code != PETSC_ERR_FP) PetscCall(code);
  for (size_t i = 0; i < s->n_parameters && p_bar && !code; i++) sound = sound && isfinite(s->p_bar[i]);
  if (!code && sound && isfinite(J)) {
    result->loss += J;
    result->frames += to - from;
    for (size_t i = 0; i < s->n_parameters && p_bar; i++) p_bar[i] += s->p_bar[i];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (to - from == 1) {
    result->left_out++;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const size_t middle = from + (to - from) / 2;
  result->cut++;
  PetscCall(Run(s, from, middle, result, p_bar));
  PetscCall(Run(s, middle, to, result, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSegmentsLoss(const NomosSegmentsInput *input, NomosSegmentsResult *result, double p_bar[])
{
  Segment                    s = {.input = input};
  const NomosModelParameter *list;

  PetscFunctionBeginUser;
  *result = (NomosSegmentsResult){0};
  PetscCall(NomosModelGetDerivatives(input->model, false, &s.derivatives));
  PetscCall(NomosModelGetParameters(input->model, &s.n_parameters, &list));
  for (size_t i = 0; i < s.n_parameters && p_bar; i++) p_bar[i] = 0;
  PetscCall(PetscMalloc4(input->motion->n_observed, &s.x, s.n_parameters + 1, &s.p_bar, input->motion->state_bytes, (char **)&s.x_bar, input->motion->n_frames, &s.steps));
  for (size_t i = 0; i < input->n; i++) PetscCall(Run(&s, input->bounds[i], input->bounds[i + 1], result, p_bar));
  PetscCall(PetscFree4(s.x, s.p_bar, s.x_bar, s.steps));
  PetscFunctionReturn(PETSC_SUCCESS);
}
