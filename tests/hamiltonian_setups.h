/* Systems of the registry as a case would make them. */
#ifndef NOMOS_TESTS_HAMILTONIAN_SETUPS_H
#define NOMOS_TESTS_HAMILTONIAN_SETUPS_H

#include "solvers/hamiltonian/system_list.h"
#include "tests/harness.h"

typedef struct {
  NomosConfig                   config;
  const NomosHamiltonianSystem *system;
  NomosHamiltonian              h;
} Setup;

/* settings: NULL-terminated, or NULL. */
static inline Setup SetupOf(const char name[], const char *const settings[])
{
  Setup s;

  ck_ok(NomosConfigCreate(PETSC_COMM_SELF, &s.config));
  ck_ok(NomosHamiltonianSystemFind(name, "test", &s.system));
  for (; settings && *settings; settings++) ck_ok(NomosConfigSet(s.config, *settings));
  ck_ok(NomosConfigRegister(s.config, s.system->n_params, s.system->params));
  ck_ok(NomosConfigCheck(s.config));
  ck_ok(NomosHamiltonianSystemCreate(s.system, s.config, &s.h));
  return s;
}

static inline void SetupEnd(Setup *s)
{
  ck_ok(NomosHamiltonianSystemDestroy(s->system, &s->h));
  ck_ok(NomosConfigDestroy(&s->config));
}

static inline NomosHamiltonianFlow FlowOf(const NomosHamiltonian *h, const char scheme[], size_t n, bool compensated)
{
  NomosHamiltonianFlow flow;

  ck_ok(NomosHamiltonianFlowCreate(&(NomosHamiltonianFlowInput){.hamiltonian = h, .scheme = scheme, .n = n, .compensated = compensated}, &flow));
  return flow;
}

#endif
