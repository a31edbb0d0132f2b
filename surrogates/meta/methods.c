/* What the methods minimise: mean losses over tasks, of weights that a task may adapt on its support points first.

     maml        theta_0 = theta, theta_(j+1) = theta_j - rate grad L_support(theta_j): L_query(theta_steps)      Finn et al. (2017), doi:10.48550/arXiv.1703.03400
     anil        the same with the last layer alone                                                            Raghu et al. (2019), doi:10.48550/arXiv.1909.09157
     modulation  the same with a code that changes the weights (modulation.h)                                  Zintgraf et al. (2019), doi:10.48550/arXiv.1810.03642
     last_layer  the last layer by least squares at the support points: L_query                               Bertinetto et al. (2018), doi:10.48550/arXiv.1805.08136
     reptile     mean of L(theta_j), j < steps, over all points, with the inner gradients as constants: its gradient is (theta - theta_steps)/(rate steps)   Nichol et al. (2018), doi:10.48550/arXiv.1803.02999
     pretrained  L over all points

   Inner gradients of first order are constants, as Reptile's: what is minimised then is not the loss that is shown. */
#include "surrogates/meta/meta_impl.h"

#include <string.h>

PetscErrorCode NomosMetaFieldLoss(const NomosMeta *m, const NomosTensor w[], NomosTensor x, NomosTensor x_dot, NomosTensor *loss)
{
  NomosTensor field;

  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosEnergyOf, .network = m->energy, .w = w, .x = x}, &field));
  *loss = m->loss(field, x_dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is adapted */

/* Number of tensor i of what is adapted among those of the surrogate. */
static size_t Number(const NomosMeta *m, NomosMetaWhat what, size_t i)
{
  return what == NOMOS_META_LAST ? m->last : i;
}

size_t NomosMetaVariables(const NomosMeta *m, NomosMetaWhat what, size_t *numbers)
{
  NomosParameter p = {0};

  if (what == NOMOS_META_LAST) (void)NomosParametersGet(m->s->parameters, m->last, &p);
  if (numbers) *numbers = what == NOMOS_META_ALL ? m->n_weights : what == NOMOS_META_LAST ? p.size
                                                                                          : m->modulation.n_code;
  return what == NOMOS_META_ALL ? m->n_tensors : 1;
}

PetscErrorCode NomosMetaStart(const NomosMeta *m, NomosMetaWhat what, size_t n_tasks, const NomosTensor w0[], NomosTensor v[])
{
  const size_t n = NomosMetaVariables(m, what, NULL);

  PetscFunctionBeginUser;
  if (what == NOMOS_META_CODE) v[0] = NomosTensorConstant(w0[0].tape, NomosTensorType(w0[0]), 2, (size_t[]){n_tasks, m->modulation.n_code}, 0);
  for (size_t i = 0; i < n && what != NOMOS_META_CODE; i++) {
    const NomosTensor w = w0[Number(m, what, i)];
    const size_t     *shape;
    size_t            with_tasks[NOMOS_TENSOR_MAX_DIMS] = {n_tasks};
    const int         n_dims                            = NomosTensorDims(w, &shape);
    for (int d = 0; d < n_dims; d++) with_tasks[d + 1] = shape[d];
    v[i] = NomosBroadcast(w, n_dims + 1, with_tasks);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosMetaWeights(const NomosMeta *m, NomosMetaWhat what, const NomosTensor w0[], const NomosTensor v[], NomosTensor w[])
{
  const size_t n = NomosMetaVariables(m, what, NULL);

  memcpy(w, w0, m->n_tensors * sizeof *w);
  if (what == NOMOS_META_CODE) NomosModulationApply(&m->modulation, w0, v[0], w);
  else
    for (size_t i = 0; i < n; i++) w[Number(m, what, i)] = v[i];
}

PetscErrorCode NomosMetaSplit(const NomosMeta *m, NomosMetaWhat what, NomosTensor flat, NomosTensor v[])
{
  const size_t n = NomosMetaVariables(m, what, NULL), n_tasks = NomosTensorLength(flat, 0);

  PetscFunctionBeginUser;
  if (what == NOMOS_META_CODE) v[0] = flat;
  for (size_t i = 0; i < n && what != NOMOS_META_CODE; i++) {
    NomosParameter p;
    size_t         shape[NOMOS_TENSOR_MAX_DIMS] = {n_tasks};
    PetscCall(NomosParametersGet(m->s->parameters, Number(m, what, i), &p));
    for (int d = 0; d < p.n_dims; d++) shape[d + 1] = p.shape[d];
    v[i] = NomosReshape(NomosSlice(flat, 1, what == NOMOS_META_LAST ? 0 : p.offset, p.size, 1), p.n_dims + 1, shape);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- inner steps */

/* v := v - rate grad of the loss (mean over n tasks, each of which has v of its own) */
static PetscErrorCode Descend(const NomosMeta *m, NomosTensor loss, size_t n_tasks, bool record, size_t n, NomosTensor v[])
{
  NomosTensor *g;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &g));
  PetscCall(NomosGradient(&(NomosGradientInput){.y = NomosAffine(loss, (double)n_tasks, 0), .n = n, .x = v, .record = record}, g));
  for (size_t i = 0; i < n; i++) v[i] = NomosSubtract(v[i], NomosAffine(g[i], m->inner_rate, 0));
  PetscCall(PetscFree(g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InnerLoss(const NomosMeta *m, const NomosTasks *tasks, const NomosTensor w0[], NomosTensor *loss)
{
  const NomosMetaWhat what = m->method->what;
  const size_t        n    = NomosMetaVariables(m, what, NULL);
  NomosTensor        *v, *w;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &v, m->n_tensors, &w));
  PetscCall(NomosMetaStart(m, what, tasks->n, w0, v));
  for (int64_t step = 0; step < m->inner_steps; step++) {
    NomosMetaWeights(m, what, w0, v, w);
    PetscCall(NomosMetaFieldLoss(m, w, tasks->x[NOMOS_META_SUPPORT], tasks->x_dot[NOMOS_META_SUPPORT], loss));
    PetscCall(Descend(m, *loss, tasks->n, !m->first_order, n, v));
  }
  NomosMetaWeights(m, what, w0, v, w);
  PetscCall(NomosMetaFieldLoss(m, w, tasks->x[NOMOS_META_QUERY], tasks->x_dot[NOMOS_META_QUERY], loss));
  PetscCall(PetscFree2(v, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PretrainedLoss(const NomosMeta *m, const NomosTasks *tasks, const NomosTensor w0[], NomosTensor *loss)
{
  PetscFunctionBeginUser;
  PetscCall(NomosMetaFieldLoss(m, w0, tasks->all_x, tasks->all_x_dot, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReptileLoss(const NomosMeta *m, const NomosTasks *tasks, const NomosTensor w0[], NomosTensor *loss)
{
  const size_t n = m->n_tensors;
  NomosTensor *v, one;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &v));
  PetscCall(NomosMetaStart(m, NOMOS_META_ALL, tasks->n, w0, v));
  for (int64_t step = 0; step < m->inner_steps; step++) {
    PetscCall(NomosMetaFieldLoss(m, v, tasks->all_x, tasks->all_x_dot, &one));
    *loss = step ? NomosAdd(*loss, one) : one;
    if (step + 1 < m->inner_steps) PetscCall(Descend(m, one, tasks->n, false, n, v));
  }
  *loss = NomosAffine(*loss, 1 / (double)m->inner_steps, 0);
  PetscCall(PetscFree(v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LastLayerLoss(const NomosMeta *m, const NomosTasks *tasks, const NomosTensor w0[], NomosTensor *loss)
{
  NomosTensor *w;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(m->n_tensors, &w));
  memcpy(w, w0, m->n_tensors * sizeof *w);
  PetscCall(NomosMetaSolveLast(m, tasks->x[NOMOS_META_SUPPORT], tasks->x_dot[NOMOS_META_SUPPORT], w0[m->ridge], w));
  PetscCall(NomosMetaFieldLoss(m, w, tasks->x[NOMOS_META_QUERY], tasks->x_dot[NOMOS_META_QUERY], loss));
  PetscCall(PetscFree(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosMetaMethod *NomosMetaMethodFind(const char name[])
{
  static const NomosMetaMethod methods[] = {
    {"maml",       NOMOS_META_ALL,  true,  false, true,  InnerLoss     },
    {"anil",       NOMOS_META_LAST, true,  false, true,  InnerLoss     },
    {"reptile",    NOMOS_META_ALL,  false, true,  true,  ReptileLoss   },
    {"pretrained", NOMOS_META_ALL,  false, false, true,  PretrainedLoss},
    {"modulation", NOMOS_META_CODE, true,  false, false, InnerLoss     },
    {"last_layer", NOMOS_META_ALL,  false, false, false, LastLayerLoss },
  };

  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (!strcmp(methods[i].name, name)) return &methods[i];
  return NULL;
}
