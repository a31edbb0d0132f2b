#include "io/ends.h"

#include "io/trajectory_file.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "boundary_", *const sides[] = {"", "_high"}, *const values[] = {"value_low", "value_high"};

bool NomosEndIs(const char name[], const char axis[])
{
  const size_t length = strlen(axis);

  if (strncmp(name, prefix, sizeof prefix - 1) || strncmp(name + sizeof prefix - 1, axis, length)) return false;
  name += sizeof prefix - 1 + length;
  return !strcmp(name, sides[0]) || !strcmp(name, sides[1]);
}

bool NomosEndsName(size_t i, size_t n_axes, const char *const axes[], char name[NOMOS_MAX_NAME])
{
  if (i < 2 * n_axes) snprintf(name, NOMOS_MAX_NAME, "%s%.40s%s", prefix, axes[i / 2], sides[i % 2]);
  else if (i < 2 * n_axes + 2) snprintf(name, NOMOS_MAX_NAME, "%s", values[i - 2 * n_axes]);
  return i < 2 * n_axes + 2;
}

void NomosEndsSay(NomosEnds *ends, const char name[], const char text[])
{
  if (!text || !text[0] || NomosEndsFind(ends, name) || ends->n == NOMOS_MAX_ENDS) return;
  snprintf(ends->list[ends->n].name, sizeof ends->list[0].name, "%s", name);
  snprintf(ends->list[ends->n++].text, sizeof ends->list[0].text, "%s", text);
}

const char *NomosEndsFind(const NomosEnds *ends, const char name[])
{
  for (size_t i = 0; i < ends->n; i++)
    if (!strcmp(ends->list[i].name, name)) return ends->list[i].text;
  return NULL;
}

const char *NomosEndsOf(const NomosEnds *ends, const char axis[], bool high)
{
  char        name[NOMOS_MAX_NAME];
  const char *text = NULL;

  for (int side = high; side >= 0 && (!text || !strcmp(text, "same")); side--) {
    NomosEndsName((size_t)side, 1, &axis, name);
    text = NomosEndsFind(ends, name);
  }
  return text;
}

bool NomosEndsAlike(const char a[], const char b[])
{
  const char *one = NomosTrajectoryWellBoundary(a), *other = NomosTrajectoryWellBoundary(b);

  return !strcmp(a, b) || (one && other && !strcmp(one, other));
}

/* ---- of a case */

static bool IsSpace(const NomosFieldDim *dim)
{
  return !strcmp(dim->name, "x") || !strcmp(dim->name, "y") || !strcmp(dim->name, "z");
}

typedef struct {
  size_t               n_dims;
  const NomosFieldDim *dims;
  NomosEnds           *ends;
} OfCase;

static PetscErrorCode TakeKey(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  const OfCase *c     = ctx;
  const char   *dot   = strrchr(param->key, '.'), *name = dot ? dot + 1 : "";
  const bool    value_of = !strcmp(name, values[0]) || !strcmp(name, values[1]);

  PetscFunctionBeginUser;
  (void)origin;
  for (size_t d = 0; d < c->n_dims; d++)
    if (NomosEndIs(name, c->dims[d].name) || (value_of && IsSpace(&c->dims[d]))) NomosEndsSay(c->ends, name, value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEndsOfCase(NomosConfig config, size_t n_dims, const NomosFieldDim dims[], NomosEnds *ends)
{
  char name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  ends->n = 0;
  PetscCall(NomosConfigVisit(config, TakeKey, &(OfCase){n_dims, dims, ends}));
  for (size_t d = 0; d < n_dims; d++) {
    if (!IsSpace(&dims[d]) || !dims[d].values || dims[d].open) continue;
    NomosEndsName(0, 1, &dims[d].name, name);
    NomosEndsSay(ends, name, "periodic");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- of a file */

PetscErrorCode NomosEndsRead(NomosFieldReader reader, size_t n_axes, const char *const axes[], NomosEnds *ends)
{
  char name[NOMOS_MAX_NAME], *text;

  PetscFunctionBeginUser;
  ends->n = 0;
  for (size_t i = 0; NomosEndsName(i, n_axes, axes, name); i++) {
    PetscCall(NomosFieldReaderAttribute(reader, NULL, name, &text));
    NomosEndsSay(ends, name, text);
    PetscCall(PetscFree(text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosEndsAttributes(const NomosEnds *ends, NomosFieldAttribute attributes[NOMOS_MAX_ENDS])
{
  for (size_t i = 0; i < ends->n; i++) attributes[i] = (NomosFieldAttribute){.name = ends->list[i].name, .text = ends->list[i].text};
  return ends->n;
}
