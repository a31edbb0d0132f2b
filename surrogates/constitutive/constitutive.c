/* Constitutive laws learned from motion: a simulation whose laws have weights is run inside the training, and the weights follow the gradient of the error of particles' positions, back through every step (Ma et al.
   2023, NCLaw, doi:10.48550/arXiv.2304.14369). The motion is that of the data; the simulation that of the run that made them, with other laws.

   One gradient step an epoch, over all segments of the motion (segments.h). Beside it, on the same data: written laws whose numbers are sought by the same gradient, and laws that see the true stresses. */
#include "surrogates/constitutive/constitutive_impl.h"

#include "operators/model_operator.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"constitutive.material",     NOMOS_PARAM_STRING, "", NULL, 0, 0, NULL, false, "Which material of the simulation is learned; unset: its only one."},
  {"constitutive.elasticity",   NOMOS_PARAM_STRING, "invariant_full", NULL, 0, 0, NULL, false, "Its law of stress: a learned one, or `written`: its own."},
  {"constitutive.plasticity",   NOMOS_PARAM_STRING, "invariant_full", NULL, 0, 0, NULL, false, "Its return mapping: a learned one, `written`: its own, or `identity`."},
  {"constitutive.set",          NOMOS_PARAM_EXPRESSION_LIST, "", NULL, 0, 0, NULL, false, "`key=value` laid over the simulation to learn in (`materials.jelly.network_width=32`)."},
  {"constitutive.case",         NOMOS_PARAM_FILE, "", NULL, 0, 0, NULL, false, "The case to simulate the data with, where they are no run of nomos (data.path)."},
  {"constitutive.unknown",      NOMOS_PARAM_EXPRESSION_LIST, "", NULL, 0, 0, NULL, false, "Numbers of its written laws that are sought (`[youngs_modulus]`), as logarithms of factors."},
  {"constitutive.start",        NOMOS_PARAM_REAL_LIST, "", NULL, DBL_MIN, DBL_MAX, NULL, false, "Factors of the case's values from which the search begins; unset: 1."},
  {"constitutive.observed",     NOMOS_PARAM_CHOICE, "states", NULL, 0, 0, "states|positions", false, "What restarts know: whole states (velocity, affine velocity, deformation gradient), or positions alone."},
  {"constitutive.supervision",  NOMOS_PARAM_CHOICE, "motion", NULL, 0, 0, "motion|stress", false, "Learn from the motion, or, as a bound, from stresses and elastic deformations of the written laws at the data's states."},
  {"constitutive.curriculum",   NOMOS_PARAM_CHOICE, "cosine", NULL, 0, 0, NOMOS_CURRICULUM_CHOICES, false, "How the length of segments grows with the epochs."},
  {"constitutive.first_length", NOMOS_PARAM_REAL, "25", NULL, 1, DBL_MAX, NULL, false, "Steps of a segment at the first epoch."},
  {"constitutive.last_length",  NOMOS_PARAM_REAL, "200", NULL, 1, DBL_MAX, NULL, false, "Steps of a segment at the last epoch."},
  {"constitutive.plastic_rate", NOMOS_PARAM_REAL, "0.1", NULL, 0, DBL_MAX, NULL, false, "Factor of train.learning_rate for the return mapping."},
  {"constitutive.every",        NOMOS_PARAM_INT, "", NULL, 1, 1e9, NULL, false, "Free runs are compared with the truth every so many steps, at all of which the data must have a frame; unset: 5, or the next that has them."},
  {"constitutive.wrong_moduli", NOMOS_PARAM_REAL_LIST, "", NULL, DBL_MIN, DBL_MAX, NULL, false, "For scale: factors of Young's modulus with which the written law's error is reported too."},
};
/* clang-format on */

static const char *const fields[] = {"position", "velocity", "affine", "deformation_gradient"};
enum { N_FIELDS = sizeof fields / sizeof *fields };

/* The simulation that the data are of; NULL: the run that made them. */
static PetscErrorCode CasePath(NomosSurrogate s, const char **path)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "constitutive.case", path));
  if (!(*path)[0]) *path = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadParams(NomosSurrogate s)
{
  NomosConstitutive *c = s->context;
  const char        *supervision, *observed;
  int                kind;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetChoice(s->config, "constitutive.curriculum", &kind));
  c->curriculum.kind = (NomosCurriculumKind)kind;
  PetscCall(NomosConfigGetReal(s->config, "constitutive.first_length", &c->curriculum.first));
  PetscCall(NomosConfigGetReal(s->config, "constitutive.last_length", &c->curriculum.last));
  PetscCall(NomosConfigGetInt(s->config, "train.epochs", &c->curriculum.n_epochs));
  c->curriculum.seed = s->seed;
  PetscCall(NomosConfigGetReal(s->config, "constitutive.plastic_rate", &c->plastic_rate));
  PetscCall(NomosConfigGetString(s->config, "constitutive.supervision", &supervision));
  PetscCall(NomosConfigGetString(s->config, "constitutive.observed", &observed));
  c->pairs_only     = !strcmp(supervision, "stress");
  c->positions_only = !strcmp(observed, "positions");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindEvery(NomosSurrogate s)
{
  enum { DEFAULT = 5, N_EXAMPLES = 4 };
  NomosConstitutive *c    = s->context;
  const int64_t      last = c->motion.steps[c->motion.n_frames - 1];
  char               text[32 * N_EXAMPLES] = "";
  bool               given;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigIsGiven(s->config, "constitutive.every", &given));
  c->every = NomosMotionEvery(&c->motion, DEFAULT);
  if (!given) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigGetInt(s->config, "constitutive.every", &c->every));
  if (NomosMotionEvery(&c->motion, c->every) == c->every) PetscFunctionReturn(PETSC_SUCCESS);
  int64_t every = 0;
  for (int i = 0; i < N_EXAMPLES && every < last; i++) {
    every = NomosMotionEvery(&c->motion, every + 1);
    NomosTextAppend(sizeof text, text, "%s%lld", i ? ", " : "", (long long)every);
  }
  SETERRQ(s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: constitutive.every = %lld, but not all multiples of so many steps have a frame in %s, up to step %lld; they do with %s%s", NomosConfigWhere(s->config, "constitutive.every"), (long long)c->every, s->data_path, (long long)last, text, every < last ? ", ..." : "");
}

/* From the run of the data (`truth`, `config`) to the model to learn in. */
static PetscErrorCode Prepare(NomosSurrogate s, NomosModel truth, NomosConfig config)
{
  NomosConstitutive *c = s->context;
  const char        *path;

  PetscFunctionBeginUser;
  PetscCall(CasePath(s, &path));
  PetscCall(NomosMaterialCreate(s, config, &c->material));
  PetscCall(NomosMaterialSimulate(s, &c->material, &(NomosSimulation){.path = path}, true, &c->model, &c->config));
  PetscCall(NomosMaterialAttach(s, &c->material, c->model));
  PetscCall(NomosMotionRead(c->model, &(NomosMotionInput){.path = s->data_path, .n_names = N_FIELDS, .names = fields, .first_only = c->positions_only}, &c->motion));
  snprintf(s->data_hash, sizeof s->data_hash, "%016llx", (unsigned long long)c->motion.hash);
  PetscCheck(c->motion.whole || c->positions_only, s->comm, PETSC_ERR_ARG_INCOMP, "%s has positions, but not velocity, affine and deformation_gradient at every frame; use constitutive.observed: positions", s->data_path);
  PetscCall(FindEvery(s));
  PetscCall(NomosConstitutiveCostCreate(s));
  if (c->pairs_only) PetscCall(NomosLawPairsCreate(&(NomosLawPairsInput){.section = c->material.section, .config = config, .model = truth, .motion = &c->motion}, &c->pairs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosSurrogate s)
{
  NomosConstitutive *c;
  NomosModel         truth  = NULL;
  NomosConfig        config = NULL;
  const char        *path;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  s->context   = c;
  c->surrogate = s;
  PetscCall(ReadParams(s));
  PetscCheck(s->simulate, s->comm, PETSC_ERR_SUP, "%s learns inside a simulation, and this program has none", s->ops->name);
  PetscCall(CasePath(s, &path));
  PetscCall(s->simulate(s, &(NomosSimulation){.path = path}, &truth, &config));
  PetscErrorCode code = Prepare(s, truth, config);
  PetscCall(NomosModelDestroy(&truth));
  PetscCall(NomosConfigDestroy(&config));
  PetscCall(code);
  if (c->positions_only) PetscCall(NomosObservedCreate(c->model, &c->motion, &c->observed));
  s->n_examples[NOMOS_SPLIT_TRAIN]      = c->pairs_only ? c->pairs.n_frames * c->pairs.n_particles : 1;
  s->n_examples[NOMOS_SPLIT_VALIDATION] = 1; /* a free run over the motion */
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) {
    if (!c->material.learned[k]) continue;
    snprintf(c->text_keys[s->n_texts], sizeof c->text_keys[0], "law.%s", nomos_law_kinds[k]);
    c->keys[s->n_texts]    = c->text_keys[s->n_texts];
    c->texts[s->n_texts++] = c->material.ops[k]->name;
  }
  s->text_keys = c->keys;
  s->texts     = c->texts;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosSurrogate s)
{
  NomosConstitutive *c = s->context;

  PetscFunctionBeginUser;
  if (!c) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosOperatorDestroy(&c->cost));
  PetscCall(NomosMotionFree(&c->motion));
  PetscCall(NomosObservedFree(&c->observed));
  PetscCall(NomosLawPairsFree(&c->pairs));
  PetscCall(NomosMaterialDestroy(&c->material));
  if (c->model) PetscCall(NomosModelDestroy(&c->model));
  if (c->config) PetscCall(NomosConfigDestroy(&c->config));
  PetscCall(PetscFree3(c->gradient, c->at, c->p_bar));
  PetscCall(PetscFree(s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Rate(NomosSurrogate s, const NomosBatch *batch, const char tensor[])
{
  const NomosConstitutive *c = s->context;

  (void)batch;
  return strncmp(tensor, "plasticity.", sizeof "plasticity." - 1) ? 1 : c->plastic_rate;
}

static PetscErrorCode Declare(NomosConfig config)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigRegisterGroup(config, &nomos_constitutive_groups[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosSurrogateOps NomosSurrogateOps_Constitutive = {
  .name      = "constitutive",
  .summary   = "Laws of stress and plasticity of a material, learned from its motion through the simulation of it.",
  .reference = "doi:10.48550/arXiv.2304.14369",
  .needs     = "a run of solver mpm with a frame for every step (position, velocity, affine, deformation_gradient), or position (time, particle, axis) and time (s) alone, from the time and with the particles that constitutive.case begins with",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .of_training = (const char *const[]){"constitutive.material", "constitutive.start", "constitutive.observed", "constitutive.supervision", "constitutive.curriculum", "constitutive.first_length", "constitutive.last_length", "constitutive.plastic_rate", "constitutive.every", "constitutive.wrong_moduli", NULL},
  .n_groups  = 1,
  .groups    = nomos_constitutive_groups,
  .declare   = Declare,
  .reads     = true,
  .create    = Create,
  .destroy   = Destroy,
  .loss      = NomosConstitutiveLoss,
  .loss_operator = NomosConstitutiveLossOperator,
  .rate      = Rate,
  .results   = NomosConstitutiveResults,
  .pictures  = NomosConstitutivePictures,
};
