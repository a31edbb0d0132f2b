/* NomosModelDerivatives of `darcy`. With T the conductance of a face and s_1, s_2 the parts of its sides (s_1 + s_2 = 1; T ~ 1/(q_1 + q_2), q = exp(-l), l = log a),

     dT/dl_1 = T s_1,      d2T/dl_1^2 = T s_1 (s_1 - s_2),      d2T/dl_1 dl_2 = 2 T s_1 s_2

   and R_1 = sum over the faces of cell 1 of T (u_1 - u_2) - beta f dx dy. Every sum is gathered by the cell it is of. */
#include "operators/model_operator.h"
#include "solvers/darcy/darcy_impl.h"

#include <math.h>
#include <string.h>

static PetscErrorCode Parameters(NomosModel model, size_t *n, const NomosModelParameter **list)
{
  DarcyModel *d = model->data;

  PetscFunctionBeginUser;
  d->parameter.value = d->beta;
  *n                 = 1;
  *list              = &d->parameter;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosModel model, const double values[])
{
  DarcyModel *d = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosModelCheckParameters(model, values));
  d->beta = values[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sum over the faces of every cell. With `boxes` of l_dot, u_dot and others as the term wants them. */
typedef double (*FaceTerm)(const DarcyModel *d, const DarcyFace *face, size_t at);

static void Gather(const DarcyModel *d, FaceTerm term, double out[])
{
  const NomosCellPlane *p = &d->plane;

  for (size_t y = 0, i = 0; y < p->count[1]; y++)
    for (size_t x = 0; x < p->count[0]; x++, i++) {
      const size_t at = p->first + y * p->box[0] + x;
      DarcyFace    faces[4];
      DarcyFaces(d, x, y, at, faces);
      out[i] = 0;
      for (int f = 0; f < 4; f++) out[i] += term(d, &faces[f], at);
    }
}

enum { L_DOT, U_DOT, V, V_DOT }; /* d->box[] */

static inline double Jump(const double box[], const DarcyFace *face, size_t at)
{
  return box[at] - box[face->other];
}

/* The derivative of T along l_dot. */
static inline double Dot(const DarcyModel *d, const DarcyFace *face, size_t at)
{
  return face->conductance * (face->own_part * d->box[L_DOT][at] + face->other_part * d->box[L_DOT][face->other]);
}

static double ResidualDot(const DarcyModel *d, const DarcyFace *face, size_t at)
{
  return Dot(d, face, at) * Jump(d->box_u, face, at);
}

/* -(dR/dl)^T v: a face is in the rows of both its cells. */
static double CoefficientBar(const DarcyModel *d, const DarcyFace *face, size_t at)
{
  return -face->conductance * face->own_part * Jump(d->box_u, face, at) * Jump(d->box[V], face, at);
}

/* Its derivative along (l_dot, u_dot, v_dot). */
static double CoefficientBarDot(const DarcyModel *d, const DarcyFace *face, size_t at)
{
  const double s1 = face->own_part, s2 = face->other_part, u = Jump(d->box_u, face, at), v = Jump(d->box[V], face, at);
  const double second = face->conductance * s1 * ((s1 - s2) * d->box[L_DOT][at] + 2 * s2 * d->box[L_DOT][face->other]);
  return -second * u * v - face->conductance * s1 * (Jump(d->box[U_DOT], face, at) * v + u * Jump(d->box[V_DOT], face, at));
}

/* T' v, which v_dot is driven by. */
static double AdjointDot(const DarcyModel *d, const DarcyFace *face, size_t at)
{
  return Dot(d, face, at) * Jump(d->box[V], face, at);
}

/* u_dot := the derivative of u along (l_dot, beta_dot) at the solution in box_u. */
static PetscErrorCode Tangent(NomosModel model, const double l_dot[], double beta_dot, double u_dot[])
{
  DarcyModel     *d    = model->data;
  NomosCellPlane *p    = &d->plane;
  double         *rate = d->work;

  PetscFunctionBeginUser;
  PetscCall(DarcyBox(d, l_dot, 0, d->box[L_DOT]));
  Gather(d, ResidualDot, rate);
  for (size_t i = 0; i < p->n_points; i++) rate[i] = beta_dot * d->source[i] * p->dx[0] * p->dx[1] - rate[i];
  PetscCall(DarcySolve(model, rate, u_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  DarcyModel   *d = model->data;
  const size_t  n = d->plane.n_points;
  const double *x = state;
  double       *dot = x_dot;

  PetscFunctionBeginUser;
  PetscCall(DarcySolution(model, x + DARCY_LOG_A * n, dot + DARCY_U * n));
  PetscCall(Tangent(model, dot + DARCY_LOG_A * n, p_dot ? p_dot[0] : 0, dot + DARCY_U * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By beta: integral of f v. */
static double BetaBar(const DarcyModel *d, const double v[])
{
  double sum = 0;
  for (size_t i = 0; i < d->plane.n_points; i++) sum += d->source[i] * v[i] * d->plane.dx[0] * d->plane.dx[1];
  return sum;
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  DarcyModel   *d = model->data;
  const size_t  n = d->plane.n_points;
  const double *x = state;
  double       *bar = x_bar, *u_bar = bar + DARCY_U * n, *l_bar = bar + DARCY_LOG_A * n, *v = d->work + n, *part = d->work + 2 * n;

  PetscFunctionBeginUser;
  PetscCall(DarcySolution(model, x + DARCY_LOG_A * n, v));
  PetscCall(DarcySolve(model, u_bar, v));
  PetscCall(DarcyBox(d, v, 0, d->box[V]));
  Gather(d, CoefficientBar, part);
  for (size_t i = 0; i < n; i++) l_bar[i] += part[i];
  if (p_bar) p_bar[0] += BetaBar(d, v);
  memset(u_bar, 0, n * sizeof *u_bar); /* what u was before does not matter */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosModel model, const void *state, const void *x_dot, const double p_dot[], void *x_bar, void *x_bar_dot, double p_bar[], double p_bar_dot[])
{
  DarcyModel   *d = model->data;
  const size_t  n = d->plane.n_points;
  const double *dot = x_dot;
  double       *bar_dot = x_bar_dot, *u_bar_dot = bar_dot + DARCY_U * n, *l_bar_dot = bar_dot + DARCY_LOG_A * n, *u_dot = d->work + 3 * n, *v_dot = d->work + 4 * n, *part = d->work + 5 * n;

  PetscFunctionBeginUser;
  PetscCall(Vjp(model, state, x_bar, p_bar)); /* leaves u and v in their boxes */
  PetscCall(Tangent(model, dot + DARCY_LOG_A * n, p_dot ? p_dot[0] : 0, u_dot));
  PetscCall(DarcyBox(d, u_dot, 0, d->box[U_DOT]));
  Gather(d, AdjointDot, part);
  for (size_t i = 0; i < n; i++) part[i] = u_bar_dot[i] - part[i];
  PetscCall(DarcySolve(model, part, v_dot));
  PetscCall(DarcyBox(d, v_dot, 0, d->box[V_DOT]));
  Gather(d, CoefficientBarDot, part);
  for (size_t i = 0; i < n; i++) l_bar_dot[i] += part[i];
  if (p_bar_dot) p_bar_dot[0] += BetaBar(d, v_dot);
  memset(u_bar_dot, 0, n * sizeof *u_bar_dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelDerivatives darcy_derivatives = {NOMOS_PLANE_DERIVATIVES, .parameters = Parameters, .set_parameters = SetParameters, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp};
