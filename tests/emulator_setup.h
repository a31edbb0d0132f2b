/* An emulator from settings of a case, with first values and a tape. */
#ifndef NOMOS_TESTS_EMULATOR_SETUP_H
#define NOMOS_TESTS_EMULATOR_SETUP_H

#include "tensor_checks.h"

#include "surrogates/operators/emulator_list.h"

typedef struct {
  NomosConfig     config;
  NomosParameters parameters;
  NomosEmulator   emulator;
  NomosTape       tape;
  NomosTensor     w[512];
} EmulatorSetup;

enum { MAX_SETTINGS = 16 };
#define SETTINGS(...) ((const char *const[MAX_SETTINGS]){__VA_ARGS__})

static inline PetscErrorCode EmulatorConfig(const char *const settings[], NomosConfig *config)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, config));
  for (int i = 0; i < MAX_SETTINGS && settings[i]; i++) PetscCall(NomosConfigSet(*config, settings[i]));
  PetscCall(NomosConfigRegister(*config, nomos_n_emulator_params, nomos_emulator_params));
  PetscCall(NomosEmulatorDeclare(*config));
  PetscCall(NomosConfigCheck(*config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Needs EmulatorTearDown, also where it fails. */
static inline PetscErrorCode EmulatorTry(EmulatorSetup *e, NomosRealType type, const NomosEmulatorShape *shape, const char *const settings[])
{
  PetscFunctionBeginUser;
  *e = (EmulatorSetup){0};
  PetscCall(EmulatorConfig(settings, &e->config));
  PetscCall(NomosParametersCreate(type, &e->parameters));
  PetscCall(NomosEmulatorCreate(e->config, e->parameters, shape, &e->emulator));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline void EmulatorTearDown(EmulatorSetup *e)
{
  ck_ok(NomosEmulatorDestroy(&e->emulator));
  if (e->tape) ck_ok(NomosTapeDestroy(&e->tape));
  if (e->parameters) ck_ok(NomosParametersDestroy(&e->parameters));
  if (e->config) ck_ok(NomosConfigDestroy(&e->config));
}

/* Values of all weights off the first ones by a normal number of a tenth, so that none is zero or one. */
static inline void EmulatorStart(EmulatorSetup *e)
{
  ck_ok(NomosParametersInitialise(e->parameters, 5));
  void *values;
  ck_ok(NomosParametersEdit(e->parameters, &values));
  for (size_t i = 0; i < NomosParametersSize(e->parameters); i++) {
    const double more = 0.1 * Uniform(77, (uint32_t)i);
    if (NomosParametersType(e->parameters) == NOMOS_F32) ((float *)values)[i] += (float)more;
    else ((double *)values)[i] += more;
  }
  ck_ok(NomosTapeCreate(&e->tape));
  ck_ok(NomosParametersBind(e->parameters, e->tape, e->w));
}

static inline void EmulatorSetUp(EmulatorSetup *e, NomosRealType type, const NomosEmulatorShape *shape, const char *const settings[])
{
  ck_ok(EmulatorTry(e, type, shape, settings));
  EmulatorStart(e);
}

/* Values of a tensor of the parameters as doubles, to be freed. */
static inline double *EmulatorValues(EmulatorSetup *e, const char name[])
{
  size_t number;
  ck_ok(NomosParametersFind(e->parameters, name, &number));
  return Doubles(e->w[number]);
}

#endif
