#include "cases/run_params.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_run_params[] = {
  {"solver",                NOMOS_PARAM_STRING, NULL,      NULL, 0, 0,             NULL, false, "The model to run: a name that `nomos list` shows."},
  /* N_COMMON: of every command, those that train too */
  {"case.title",            NOMOS_PARAM_STRING, "",        NULL, 0, 0,             NULL, false, "What the case is, in a few words; goes into files and pictures."},
  {"case.reference",        NOMOS_PARAM_STRING, "",        NULL, 0, 0,             NULL, false, "Where the case is from: a citation or a DOI."},
  {"case.units",            NOMOS_PARAM_CHOICE, "SI",      NULL, 0, 0, "SI|nondimensional", false, "Nondimensional cases carry no units, in the case and in the files."},
  {"time.max_wall",         NOMOS_PARAM_REAL,   "0",       "s",  0, DBL_MAX,       NULL, false, "Stop with a checkpoint after this much wall-clock time, in s also in nondimensional cases; 0: no limit."},
  {"output.pictures",       NOMOS_PARAM_BOOL,   "true",    NULL, 0, 0,             NULL, false, "Draw pictures into plots/ when the run ends."},
  {"checkpoint.keep",       NOMOS_PARAM_INT,    "2",       NULL, 0, 1000000,       NULL, false, "How many checkpoints to keep, the newest; 0: all."},
  {"checkpoint.wall",       NOMOS_PARAM_REAL,   "60",      "s",  0, DBL_MAX,       NULL, false, "Wall-clock time from a checkpoint to one more, in s also in nondimensional cases; longer where writing takes more than a twentieth of it. Only the last of these is kept, until the next checkpoint; 0: none."},
  {"run.threads",           NOMOS_PARAM_INT,    "0",       NULL, 0, 4096,          NULL, false, "OpenMP threads per rank; 0: OMP_NUM_THREADS, or the cores divided among the ranks of a machine."},
  /* of those that run a solver */
  {"time.dt",               NOMOS_PARAM_REAL,   NULL,      "s",  DBL_MIN, DBL_MAX, NULL, false, "Time step (the first one, when the solver adapts it)."},
  {"time.stop",             NOMOS_PARAM_REAL,   NULL,      "s",  0, DBL_MAX,       NULL, false, "The run ends with the first step at or after this time."},
  {"time.check_every",      NOMOS_PARAM_INT,    "10",      NULL, 1, 20,            NULL, false, "Steps between two looks for a blow-up."},
  {"output.fields_every",   NOMOS_PARAM_REAL,   "0",       "s",  0, DBL_MAX,       NULL, false, "Time between two frames of fields.nc; 0: one at the start and one at the end."},
  {"output.scalars_every",  NOMOS_PARAM_REAL,   "0",       "s",  0, DBL_MAX,       NULL, false, "Time between two rows of scalars.csv; 0: as output.fields_every (of nomos assimilate: a row of scores at every analysis)."},
  {"output.spectra_every",  NOMOS_PARAM_REAL,   "0",       "s",  0, DBL_MAX,       NULL, false, "Time between two frames of spectra.nc; 0: one at the start and one at the end."},
  {"output.precision",      NOMOS_PARAM_CHOICE, "float32", NULL, 0, 0,    "float32|float64", false, "Precision of fields.nc."},
  {"output.compression",    NOMOS_PARAM_INT,    "0",       NULL, 0, 9,             NULL, false, "Deflate level of the .nc files, applied when the run ends; 0: none."},
  {"output.colour",         NOMOS_PARAM_STRING, "",        NULL, 0, 0,             NULL, false, "What colours particles in pictures: material, body, speed, pressure, von_mises, volume_ratio, or a variable of fields.nc; unset: material, or body where there is one material."},
  {"output.animation",      NOMOS_PARAM_CHOICE, "auto",    NULL, 0, 0,   "auto|yes|no", false, "Draw animations (animated PNG files in plots/: particles_motion.png, motion_q.png): auto of particles only."},
  {"output.animation_frames", NOMOS_PARAM_INT,  "60",      NULL, 2, 2000,          NULL, false, "Frames of an animation, at most those of fields.nc."},
  {"output.animation_seconds", NOMOS_PARAM_REAL, "4",      NULL, 0.1, 600,         NULL, false, "How long an animation takes to play, in s."},
  {"output.average_from",   NOMOS_PARAM_REAL,   "0",       "s",  0, DBL_MAX,       NULL, false, "Time means of scalars and spectra begin here."},
  {"checkpoint.every",      NOMOS_PARAM_REAL,   "0",       "s",  0, DBL_MAX,       NULL, false, "Time between two checkpoints; 0: none by the model's time."},
};
/* clang-format on */
enum { N_COMMON = 8 };
const size_t            nomos_n_run_params    = sizeof nomos_run_params / sizeof *nomos_run_params;
const NomosParam *const nomos_common_params   = nomos_run_params + 1;
const size_t            nomos_n_common_params = N_COMMON;

/* A restart may change these; every other parameter is physics. */
static const char *const not_physics[] = {"train.epochs", "train.patience", "train.checkpoint_every", "train.learning_rate", "train.clip_", "evaluate.", "estimate.iterations", "estimate.reduction", "estimate.memory", "estimate.snapshots", "gradcheck.", "scaling.", "output.", "checkpoint.", "case.title", "case.reference", "run.", "time.dt", "time.stop", "time.max_wall", "time.check_every"};
enum { N_NOT_PHYSICS = sizeof not_physics / sizeof *not_physics };

/* Every section is one line here. */
extern const NomosSection nomos_assembly_section, nomos_assimilate_section, nomos_discover_section, nomos_estimate_section, nomos_gradcheck_section, nomos_scaling_section;

const NomosSection *const nomos_sections[] = {
  &nomos_assembly_section,
  &nomos_assimilate_section,
  &nomos_discover_section,
  &nomos_estimate_section,
  &nomos_gradcheck_section,
  &nomos_scaling_section,
  NULL,
};

PetscErrorCode NomosSectionsRegister(NomosConfig config, const char asked[])
{
  char prefix[NOMOS_MAX_NAME + 1];
  bool has;

  PetscFunctionBeginUser;
  for (size_t i = 0; nomos_sections[i]; i++) {
    const NomosSection *section = nomos_sections[i];
    snprintf(prefix, sizeof prefix, "%s.", section->name);
    PetscCall(NomosConfigHasPrefix(config, prefix, &has));
    if (!has && (!asked || strcmp(asked, section->name))) continue;
    PetscCall(NomosConfigRegister(config, section->n, section->params));
    if (section->declare) PetscCall(section->declare(config));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCaseLoad(MPI_Comm comm, const NomosCaseInput *input, NomosConfig *config, const NomosModelOps **ops)
{
  const char *solver, *surrogate, *units;
  bool        discovers;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(comm, config));
  PetscCall(NomosConfigLoad(*config, input->path));
  if (input->smoke) PetscCall(NomosConfigApplySmoke(*config));
  for (size_t i = 0; i < input->n_unset; i++) PetscCall(NomosConfigUnset(*config, input->unset[i]));
  for (size_t i = 0; i < input->n_set; i++) PetscCall(NomosConfigSet(*config, input->set[i]));
  if (input->truth) PetscCall(NomosConfigApplyMap(*config, "truth"));
  PetscCall(NomosConfigPeek(*config, "solver", &solver));
  PetscCall(NomosConfigPeek(*config, "case.units", &units));
  PetscCall(NomosConfigSetNondimensional(*config, units && !strcmp(units, "nondimensional")));
  PetscCall(NomosConfigPeek(*config, "surrogate", &surrogate));
  PetscCall(NomosConfigHasPrefix(*config, "discover.", &discovers));
  if (input->solver_optional && discovers && !solver && !surrogate) {
    PetscCall(NomosConfigRegister(*config, nomos_n_common_params, nomos_common_params));
    PetscCall(NomosSectionsRegister(*config, input->section));
    PetscCall(NomosConfigCheck(*config));
    *ops = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosConfigRegister(*config, nomos_n_run_params, nomos_run_params));
  PetscCheck(solver || !surrogate, comm, PETSC_ERR_ARG_WRONGSTATE, "%s: this case trains a surrogate (%s): nomos train, or nomos evaluate", input->path, surrogate);
  PetscCheck(solver, comm, PETSC_ERR_ARG_WRONGSTATE, "%s: solver is missing: the model to run, such as `solver: %s`; `nomos list` shows the solvers", input->path, input->models[0] ? input->models[0]->name : "");
  PetscCall(NomosModelFind(input->models, solver, NomosConfigWhere(*config, "solver"), ops));
  PetscCall(NomosConfigRegister(*config, (*ops)->n_params, (*ops)->params));
  if ((*ops)->declare) PetscCall((*ops)->declare(*config));
  PetscCall(NomosSectionsRegister(*config, input->section));
  PetscCall(NomosConfigRegisterMap(*config, "truth"));
  PetscCall(NomosConfigCheck(*config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommonParamsGet(NomosConfig config, NomosRunParams *params)
{
  int64_t keep, threads;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "case.title", &params->title));
  PetscCall(NomosConfigGetString(config, "case.reference", &params->reference));
  params->nondimensional = NomosConfigIsNondimensional(config);
  PetscCall(NomosConfigGetReal(config, "time.max_wall", &params->max_wall));
  PetscCall(NomosConfigGetBool(config, "output.pictures", &params->pictures));
  PetscCall(NomosConfigGetInt(config, "checkpoint.keep", &keep));
  PetscCall(NomosConfigGetReal(config, "checkpoint.wall", &params->checkpoint_wall));
  PetscCall(NomosConfigGetInt(config, "run.threads", &threads));
  params->checkpoint_keep = (int)keep;
  params->threads         = (int)threads;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunParamsGet(NomosConfig config, NomosRunParams *params)
{
  int64_t     compression;
  const char *precision;
  int         animation;

  PetscFunctionBeginUser;
  PetscCall(NomosCommonParamsGet(config, params));
  PetscCall(NomosConfigGetReal(config, "time.dt", &params->dt));
  PetscCall(NomosConfigGetReal(config, "time.stop", &params->stop));
  PetscCall(NomosConfigGetInt(config, "time.check_every", &params->check_every));
  PetscCall(NomosConfigGetReal(config, "output.fields_every", &params->fields_every));
  PetscCall(NomosConfigGetReal(config, "output.scalars_every", &params->scalars_every));
  PetscCall(NomosConfigGetReal(config, "output.spectra_every", &params->spectra_every));
  PetscCall(NomosConfigGetReal(config, "output.average_from", &params->average_from));
  PetscCall(NomosConfigGetString(config, "output.precision", &precision));
  PetscCall(NomosConfigGetInt(config, "output.compression", &compression));
  PetscCall(NomosConfigGetReal(config, "checkpoint.every", &params->checkpoint_every));
  PetscCall(NomosConfigGetString(config, "output.colour", &params->colour));
  PetscCall(NomosConfigGetChoice(config, "output.animation", &animation));
  PetscCall(NomosConfigGetInt(config, "output.animation_frames", &params->animation_frames));
  PetscCall(NomosConfigGetReal(config, "output.animation_seconds", &params->animation_seconds));
  params->animation       = (NomosAnimationWish)animation;
  params->precision       = strcmp(precision, "float32") ? NOMOS_F64 : NOMOS_F32;
  params->compression     = (int)compression;
  if (!(params->stop / params->dt < 1e15)) {
    char numbers[128];
    snprintf(numbers, sizeof numbers, "time.stop = %g is %.3g steps of time.dt = %g", params->stop, params->stop / params->dt, params->dt);
    SETERRQ(PETSC_COMM_WORLD, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s; at most 1e15 steps are possible", NomosConfigWhere(config, "time.stop"), numbers);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  char  *text;
  size_t length, capacity;
} Text;

static PetscErrorCode AddPhysics(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  Text  *lines = ctx;
  size_t need  = strlen(param->key) + strlen(value) + sizeof " = \n";

  PetscFunctionBeginUser;
  (void)origin;
  for (size_t i = 0; i < N_NOT_PHYSICS; i++) {
    if (!strncmp(param->key, not_physics[i], strlen(not_physics[i]))) PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (lines->length + need > lines->capacity) {
    lines->capacity = 2 * (lines->length + need);
    PetscCall(PetscRealloc(lines->capacity, &lines->text));
  }
  lines->length += (size_t)snprintf(lines->text + lines->length, need, "%s = %s\n", param->key, value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhysicsText(NomosConfig config, char **text, char hash[17])
{
  Text lines = {0};

  PetscFunctionBeginUser;
  PetscCall(NomosConfigVisit(config, AddPhysics, &lines));
  PetscCall(NomosConfigHash(config, N_NOT_PHYSICS, not_physics, hash));
  *text = lines.text;
  PetscFunctionReturn(PETSC_SUCCESS);
}
