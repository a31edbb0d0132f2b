/* Which trainings there are: sizes of the data and of the network, seeds, and what is held out. */
#include "cases/scaling.h"
#include "cases/train.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"scaling.metric",        NOMOS_PARAM_STRING,          "",       NULL, 0, 0,       NULL, false, "The error whose law is sought: a result of the trainings (results in summary.json), best one of data that all of them are tested on."},
  {"scaling.data_key",      NOMOS_PARAM_STRING,          "data.trajectories", NULL, 0, 0, NULL, false, "The parameter that sets the size of the data."},
  {"scaling.data_sizes",    NOMOS_PARAM_EXPRESSION_LIST, "",       NULL, 0, 0,       NULL, false, "Its values, three at least; unset: the case's own alone."},
  {"scaling.network_key",   NOMOS_PARAM_STRING,          "",       NULL, 0, 0,       NULL, false, "A parameter that sets the size of the network (`fno.width`)."},
  {"scaling.network_sizes", NOMOS_PARAM_EXPRESSION_LIST, "",       NULL, 0, 0,       NULL, false, "Its values, three at least; unset: the case's own alone."},
  {"scaling.seeds",         NOMOS_PARAM_INT,             "1",      NULL, 1, 1000,    NULL, false, "Trainings of each size, with train.seed and the seeds after it."},
  {"scaling.held_out_data", NOMOS_PARAM_STRING,          "",       NULL, 0, 0,       NULL, false, "A larger size of the data that the law is not fitted to but checked on; unset: the largest (of values that are no numbers, the last), if a network is held out."},
  {"scaling.held_out_network", NOMOS_PARAM_STRING,       "",       NULL, 0, 0,       NULL, false, "A larger size of the network likewise."},
  {"scaling.draws",         NOMOS_PARAM_INT,             "1000",   NULL, 20, 100000, NULL, false, "Laws fitted to errors drawn again, from which the intervals are."},
  {"scaling.draw_seed",     NOMOS_PARAM_INT,             "1",      NULL, 0, 1e15,    NULL, false, "Their seed."},
  {"scaling.cost",          NOMOS_PARAM_CHOICE,          "measured", NULL, 0, 0, "measured|operations", false, "What a training costs: c N^p D^q fitted to the seconds that they took, or 6 N D floating-point operations."},
  {"scaling.data_cost",     NOMOS_PARAM_REAL,            "0",      NULL, 0, DBL_MAX, NULL, false, "What the making of one trajectory costs, in s (or operations) too."},
};
/* clang-format on */
const NomosSection nomos_scaling_section = {"scaling", "of nomos scaling", sizeof params / sizeof *params, params, NULL};

/* ---- the plan */

typedef struct {
  size_t             n_data, n_networks;
  const char *const *data, *const *networks; /* { "" } where the case's own counts */
  const char        *held_data, *held_network;
  int64_t            n_seeds, seed;
} Plan;

static PetscErrorCode CheckList(NomosRun *run, const char sizes[], const char key[], size_t n, const char *const values[], const char held_out[])
{
  const char *given;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(run->config, key, &given));
  PetscCheck(n != 1 && n != 2, run->comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu: a floor, a factor and an exponent need three sizes at least, more of them more surely", NomosConfigWhere(run->config, sizes), sizes, n);
  PetscCheck((!n && !held_out[0]) || given[0], run->comm, PETSC_ERR_ARG_INCOMP, "%s: %s: of which parameter? give %s: KEY", NomosConfigWhere(run->config, sizes), sizes, key);
  for (size_t i = 0; i < n; i++) {
    PetscCheck(strcmp(values[i], held_out), run->comm, PETSC_ERR_ARG_INCOMP, "%s: %s: %s is held out too; hold out a larger size", NomosConfigWhere(run->config, sizes), sizes, values[i]);
    for (size_t j = 0; j < i; j++) PetscCheck(strcmp(values[i], values[j]), run->comm, PETSC_ERR_ARG_INCOMP, "%s: %s: %s is there twice; scaling.seeds repeats trainings", NomosConfigWhere(run->config, sizes), sizes, values[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadPlan(NomosScaling *s, Plan *plan)
{
  static const char *const own[] = {""};
  NomosRun                *run   = s->run;
  NomosConfig              c     = run->config;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(c, "scaling.metric", &s->metric));
  PetscCheck(s->metric[0], run->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: scaling.metric is missing: the error whose law is sought, a result of the training (results in its summary.json)", run->case_file.name);
  PetscCall(NomosConfigGetString(c, "scaling.data_key", &s->data_key));
  PetscCall(NomosConfigGetString(c, "scaling.network_key", &s->network_key));
  PetscCall(NomosConfigGetStrings(c, "scaling.data_sizes", &plan->n_data, &plan->data));
  PetscCall(NomosConfigGetStrings(c, "scaling.network_sizes", &plan->n_networks, &plan->networks));
  PetscCall(NomosConfigGetString(c, "scaling.held_out_data", &plan->held_data));
  PetscCall(NomosConfigGetString(c, "scaling.held_out_network", &plan->held_network));
  PetscCall(NomosConfigGetInt(c, "scaling.seeds", &plan->n_seeds));
  PetscCall(NomosConfigGetInt(c, "train.seed", &plan->seed));
  PetscCall(CheckList(run, "scaling.data_sizes", "scaling.data_key", plan->n_data, plan->data, plan->held_data));
  PetscCall(CheckList(run, "scaling.network_sizes", "scaling.network_key", plan->n_networks, plan->networks, plan->held_network));
  PetscCheck(plan->n_data || plan->n_networks, run->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: neither scaling.data_sizes nor scaling.network_sizes is given: nothing differs between the trainings", run->case_file.name);
  PetscCheck((plan->n_data || !plan->held_data[0]) && (plan->n_networks || !plan->held_network[0]), run->comm, PETSC_ERR_ARG_INCOMP, "%s: a size is held out of which there are no others: give scaling.%s_sizes too", run->case_file.name, plan->n_data || !plan->held_data[0] ? "network" : "data");
  if (!plan->n_data) plan->data = own;
  if (!plan->n_networks) plan->networks = own;
  const size_t n_data = PetscMax(plan->n_data, 1), n_networks = PetscMax(plan->n_networks, 1), unknowns = plan->n_data && plan->n_networks ? 5 : 3, points = n_data * n_networks * (size_t)plan->n_seeds;
  PetscCheck(points > unknowns, run->comm, PETSC_ERR_ARG_SIZ, "%s: %zu trainings for %zu unknowns; give more sizes, or scaling.seeds", run->case_file.name, points, unknowns);
  plan->n_data     = n_data;
  plan->n_networks = n_networks;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The end of a long one: `materials.jelly.network_width=8`. */
static const char *Short(const char value[])
{
  const size_t n = strlen(value);
  return value + (n > 20 ? n - 20 : 0);
}

/* "data_64-network_8-seed_0" */
static void NameOf(NomosScalingTraining *t)
{
  snprintf(t->name, sizeof t->name, "%s%s%s%s%s%sseed_%lld%s", t->data[0] ? "data_" : "", Short(t->data), t->data[0] ? "-" : "", t->network[0] ? "network_" : "", Short(t->network), t->network[0] ? "-" : "", (long long)t->seed, t->held_out ? "-held_out" : "");
  for (char *c = t->name; *c; c++)
    if (!isalnum((unsigned char)*c) && !strchr("-_.", *c)) *c = '_';
}

static void Add(NomosScaling *s, const char data[], const char network[], int64_t seed, bool held_out)
{
  NomosScalingTraining *t = &s->trainings[s->n++];

  *t = (NomosScalingTraining){.data = data, .network = network, .seed = seed, .held_out = held_out, .weights = NAN, .examples = NAN, .error = NAN, .seconds = NAN};
  NameOf(t);
  s->n_fitted += !held_out;
}

/* Numbers ascend; among others than numbers the order of the case stays. */
static PetscErrorCode Ascend(size_t n, const char *const values[], const char **sorted)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    size_t at = i;
    char  *end[2];
    for (; at > 0; at--) {
      const double here = strtod(values[i], &end[0]), before = strtod(sorted[at - 1], &end[1]);
      if (end[0] == values[i] || end[1] == sorted[at - 1] || *end[0] || *end[1] || here >= before) break;
      sorted[at] = sorted[at - 1];
    }
    sorted[at] = values[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Small ones first. */
PetscErrorCode NomosScalingPlan(NomosScaling *s)
{
  Plan         plan;
  const char **data, **networks;

  PetscFunctionBeginUser;
  PetscCall(ReadPlan(s, &plan));
  PetscCall(PetscMalloc2((plan.n_data * plan.n_networks + 1) * (size_t)plan.n_seeds, &s->trainings, plan.n_data * plan.n_networks * (size_t)plan.n_seeds, &s->points));
  PetscCall(PetscMalloc2(plan.n_data, &data, plan.n_networks, &networks));
  PetscCall(Ascend(plan.n_data, plan.data, data));
  PetscCall(Ascend(plan.n_networks, plan.networks, networks));
  for (size_t d = 0; d < plan.n_data; d++)
    for (size_t k = 0; k < plan.n_networks; k++)
      for (int64_t seed = 0; seed < plan.n_seeds; seed++) Add(s, data[d], networks[k], plan.seed + seed, false);
  for (int64_t seed = 0; seed < plan.n_seeds && (plan.held_data[0] || plan.held_network[0]); seed++)
    Add(s, plan.held_data[0] ? plan.held_data : data[plan.n_data - 1], plan.held_network[0] ? plan.held_network : networks[plan.n_networks - 1], plan.seed + seed, true);
  PetscCall(PetscFree2(data, networks));
  for (size_t i = 0; i < s->n; i++)
    for (size_t j = 0; j < i; j++) PetscCheck(strcmp(s->trainings[i].name, s->trainings[j].name), s->run->comm, PETSC_ERR_ARG_INCOMP, "two trainings would both be in trainings/%s: sizes must differ in their last 20 characters", s->trainings[i].name);
  PetscFunctionReturn(PETSC_SUCCESS);
}
