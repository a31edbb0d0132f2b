/* The minimisation of 4D-Var by TAO: quasi-Newton, or Gauss-Newton with products of the Hessian. */
#include "operators/reduce.h"
#include "solvers/assimilation/variational_impl.h"

#include <math.h>
#include <petsctao.h>
#include <stdio.h>
#include <string.h>

static const double stage_reduction = 1e-2; /* of the gradient, in a stage before the last */
static const double rounding        = 1e-12; /* a cost that falls by less of itself does not fall */
static const double look_reduction  = 1e-6; /* of the residual, in a window without length */
enum { look_iterations = 1000 };

const NomosMinimiseInput nomos_minimise_defaults = {.minimiser = NOMOS_GAUSS_NEWTON, .iterations = 20, .inner_iterations = 100, .inner_reduction = 1e-2, .reduction = 1e-6, .stages = 1};

typedef struct {
  NomosVariational          c;
  const NomosMinimiseInput *input;
  NomosMinimised           *minimised;
  int64_t                   stage;
  double                    aim, J; /* of the gradient's norm; of the iterate before */
} Minimisation;

static PetscErrorCode Objective(Tao tao, Vec w, PetscReal *J, void *ctx)
{
  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(NomosVariationalEvaluate(((Minimisation *)ctx)->c, w, J, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObjectiveAndGradient(Tao tao, Vec w, PetscReal *J, Vec gradient, void *ctx)
{
  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(NomosVariationalEvaluate(((Minimisation *)ctx)->c, w, J, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Tao tao, Vec w, Vec gradient, void *ctx)
{
  double J;

  PetscFunctionBeginUser;
  PetscCall(ObjectiveAndGradient(tao, w, &J, gradient, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The products' trajectories are those of the last evaluation, which is that of the accepted iterate. */
static PetscErrorCode Hessian(Tao tao, Vec w, Mat matrix, Mat preconditioner, void *ctx)
{
  NomosVariational c = ((Minimisation *)ctx)->c;
  double           J;

  PetscFunctionBeginUser;
  (void)tao;
  (void)matrix;
  (void)preconditioner;
  PetscCall(NomosVariationalEvaluate(c, w, &J, NULL));
  PetscCall(NomosVariationalFactor(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Product(Mat matrix, Vec x, Vec y)
{
  NomosVariational c;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(matrix, &c));
  PetscCall(NomosVariationalProduct(c, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What TAO takes for a preconditioner is the solver itself. */
static PetscErrorCode Solve(PC pc, Vec x, Vec y)
{
  Minimisation *m;

  PetscFunctionBeginUser;
  PetscCall(PCShellGetContext(pc, &m));
  const bool look = !m->stage && m->input->stages > 1; /* quadratic, and no step is run */
  PetscCall(NomosVariationalSolve(m->c, x, look ? look_reduction : m->input->inner_reduction, look ? look_iterations : m->input->inner_iterations, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Monitor(Tao tao, void *ctx)
{
  Minimisation *m = ctx;
  PetscInt      iteration;
  PetscReal     J, norm;

  PetscFunctionBeginUser;
  PetscCall(TaoGetSolutionStatus(tao, &iteration, &J, &norm, NULL, NULL, NULL));
  const NomosIterate iterate = {.iteration = m->minimised->iterations + iteration, .stage = m->stage, .J = J, .J_seen = m->c->J_seen, .gradient = norm, .parameters = m->c->parameters};
  m->minimised->gradient     = norm;
  if (m->input->monitor) PetscCall(m->input->monitor(m->input->ctx, &iterate));
  if (iteration && m->J - J <= rounding * J) PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  m->J = J;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode UseGaussNewton(Minimisation *m, Tao tao)
{
  NomosVariational c = m->c;
  PetscInt         n, N;
  Mat              matrix;
  KSP              ksp;
  PC               pc;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(c->w, &n));
  PetscCall(VecGetSize(c->w, &N));
  PetscCall(MatCreateShell(c->comm, n, n, N, N, c, &matrix));
  PetscCall(MatShellSetOperation(matrix, MATOP_MULT, (void (*)(void))Product));
  PetscCall(TaoSetHessian(tao, matrix, matrix, Hessian, m));
  PetscCall(MatDestroy(&matrix));
  PetscCall(TaoGetKSP(tao, &ksp));
  PetscCall(KSPSetType(ksp, KSPPREONLY));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCSHELL));
  PetscCall(PCShellSetContext(pc, m));
  PetscCall(PCShellSetApply(pc, Solve));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateTao(Minimisation *m, Tao *tao)
{
  const bool    newton = m->input->minimiser == NOMOS_GAUSS_NEWTON;
  TaoLineSearch search;

  PetscFunctionBeginUser;
  PetscCall(TaoCreate(m->c->comm, tao));
  PetscCall(TaoSetOptionsPrefix(*tao, "variational_"));
  PetscCall(TaoSetType(*tao, newton ? TAONLS : TAOLMVM));
  PetscCall(TaoSetSolution(*tao, m->c->w));
  PetscCall(TaoSetObjective(*tao, Objective, m));
  PetscCall(TaoSetGradient(*tao, NULL, Gradient, m));
  PetscCall(TaoSetObjectiveAndGradient(*tao, NULL, ObjectiveAndGradient, m));
  if (newton) PetscCall(UseGaussNewton(m, *tao));
  PetscCall(TaoGetLineSearch(*tao, &search));
  PetscCall(TaoLineSearchSetType(search, TAOLINESEARCHARMIJO)); /* turns back from a cost that is not finite */
  PetscCall(TaoSetMaximumIterations(*tao, (PetscInt)m->input->iterations));
  PetscCall(TaoSetMaximumFunctionEvaluations(*tao, PETSC_MAX_INT));
  PetscCall(TaoSetMonitor(*tao, Monitor, m, NULL));
  PetscCall(TaoSetFromOptions(*tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *ReasonText(TaoConvergedReason reason)
{
  switch (reason) {
  case TAO_CONVERGED_GATOL:
  case TAO_CONVERGED_GTTOL:
    return "the gradient has fallen as far as asked";
  case TAO_DIVERGED_MAXITS:
    return "the iterations are over";
  case TAO_DIVERGED_LS_FAILURE:
    return "no lower cost was found: rounding is reached";
  default:
    return reason > 0 ? "converged" : "the minimisation could not go on";
  }
}

static PetscErrorCode MinimiseStage(Minimisation *m, bool last)
{
  NomosVariational   c = m->c;
  TaoConvergedReason reason;
  PetscInt           iterations;
  Tao                tao;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->n_windows; i++) {
    const int64_t end = c->windows[i].n_steps;
    c->windows[i].end = last ? end : end * m->stage / (m->input->stages - 1);
  }
  c->run = false; /* trajectories of another length */
  NomosVariationalForget(c);
  PetscCall(CreateTao(m, &tao));
  PetscCall(TaoSetTolerances(tao, last ? m->aim : 0, 0, last ? 0 : stage_reduction));
  PetscCall(TaoSolve(tao));
  PetscCall(TaoGetConvergedReason(tao, &reason));
  PetscCall(TaoGetIterationNumber(tao, &iterations));
  m->minimised->iterations += iterations;
  m->minimised->reason = ReasonText(reason);
  PetscCall(TaoDestroy(&tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalMinimise(NomosVariational c, const NomosMinimiseInput *input, NomosMinimised *minimised)
{
  Minimisation m     = {.c = c, .input = input, .minimised = minimised};
  double       count = 0;

  PetscFunctionBeginUser;
  *minimised                  = (NomosMinimised){0};
  const int64_t n_evaluations = c->n_evaluations, n_products = c->n_products;
  PetscCheck(input->minimiser != NOMOS_GAUSS_NEWTON || c->derivatives->jvp, c->comm, PETSC_ERR_SUP, "solver %s has no tangent (jvp), which Gauss-Newton needs; use the quasi-Newton method", c->model->ops->name);
  PetscCall(NomosVariationalEvaluate(c, c->w, &minimised->J_first, c->direction));
  PetscCheck(isfinite(minimised->J_first), c->comm, PETSC_ERR_FP, "the cost is not a number at the start; a shorter window or a prior nearer to the truth is needed");
  PetscCall(VecNorm(c->direction, NORM_2, &minimised->gradient_first));
  m.aim = input->reduction * minimised->gradient_first;
  for (m.stage = 0; m.stage < input->stages; m.stage++) PetscCall(MinimiseStage(&m, m.stage == input->stages - 1));
  PetscCall(NomosVariationalEvaluate(c, c->w, &minimised->J, NULL));
  for (size_t i = 0; i < c->n_windows; i++)
    for (size_t l = 0; l < c->windows[i].n_looks; l++) count += c->windows[i].looks[l].source && c->rank ? 0 : (double)c->windows[i].looks[l].n;
  PetscCall(NomosSumOverRanks(c->comm, 1, &count));
  minimised->n_seen      = (int64_t)count;
  minimised->J_seen      = c->J_seen;
  minimised->evaluations = c->n_evaluations - n_evaluations;
  minimised->products    = c->n_products - n_products;
  PetscFunctionReturn(PETSC_SUCCESS);
}
