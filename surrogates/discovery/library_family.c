/* Families of terms: ranges and monomials become texts. */
#include "surrogates/discovery/library.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TERMS = 2000, MAX_TEXT = 512, MAX_MONOMIAL_FIELDS = 4 };

typedef struct {
  const char *where, *entry;
  size_t      n;
  char      **terms;
} Family;

static PetscErrorCode Expand(Family *family, const char text[]);

static PetscErrorCode Add(Family *family, const char text[])
{
  PetscFunctionBeginUser;
  PetscCheck(family->n < MAX_TERMS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: '%s' makes more than %d terms of the library; choose smaller ranges", family->where, family->entry, MAX_TERMS);
  PetscCall(PetscRealloc((family->n + 1) * sizeof *family->terms, &family->terms));
  PetscCall(PetscStrallocpy(text, &family->terms[family->n]));
  family->n++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Expand text with what is between `begin` and `end` of it replaced. */
static PetscErrorCode Replace(Family *family, const char text[], const char *begin, const char *end, const char by[])
{
  char      out[MAX_TEXT];
  const int n = snprintf(out, sizeof out, "%.*s%s%s", (int)(begin - text), text, by, end);

  PetscFunctionBeginUser;
  PetscCheck(n < MAX_TEXT, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: '%s' makes terms of more than %d characters", family->where, family->entry, MAX_TEXT - 1);
  PetscCall(Expand(family, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "2..5" at `dots`: numbers and where they stand. */
static PetscErrorCode Range(const Family *family, const char text[], const char *dots, const char **begin, const char **end, long range[2])
{
  char *after;

  PetscFunctionBeginUser;
  *begin = dots;
  while (*begin > text && isdigit((unsigned char)(*begin)[-1])) (*begin)--;
  range[0] = strtol(*begin, NULL, 10);
  range[1] = strtol(dots + 2, &after, 10);
  *end     = after;
  PetscCheck(*begin < dots && isdigit((unsigned char)dots[2]) && range[0] <= range[1], PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: '%s': a range is written 1..4, from the smaller number to the larger one", family->where, family->entry);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "u^2 v" of exponents (2, 1). */
static void Monomial(size_t n, char names[][NOMOS_MAX_NAME], const long exponents[], char out[MAX_TEXT])
{
  size_t length = (size_t)snprintf(out, MAX_TEXT, "(");

  for (size_t i = 0; i < n; i++) {
    if (!exponents[i]) continue;
    length += (size_t)snprintf(out + length, MAX_TEXT - length, length > 1 ? " %s" : "%s", names[i]);
    if (exponents[i] > 1) length += (size_t)snprintf(out + length, MAX_TEXT - length, "^%ld", exponents[i]);
  }
  snprintf(out + length, MAX_TEXT - length, ")");
}

/* All exponents of this degree, the first field's largest first. */
static PetscErrorCode OfDegree(Family *family, const char text[], const char *const place[2], size_t n, char names[][NOMOS_MAX_NAME], size_t i, long left, long exponents[])
{
  char monomial[MAX_TEXT];

  PetscFunctionBeginUser;
  if (i + 1 == n) {
    exponents[i] = left;
    Monomial(n, names, exponents, monomial);
    PetscCall(Replace(family, text, place[0], place[1], monomial));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (exponents[i] = left; exponents[i] >= 0; exponents[i]--) PetscCall(OfDegree(family, text, place, n, names, i + 1, left - exponents[i], exponents));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "monomials(u v, 1..3)". */
static PetscErrorCode Monomials(Family *family, const char text[], const char *begin)
{
  const char *open = strchr(begin, '('), *comma = open ? strchr(open, ',') : NULL, *close = comma ? strchr(comma, ')') : NULL, *dots = comma ? strstr(comma, "..") : NULL, *from, *to;
  const char *place[2];
  char        names[MAX_MONOMIAL_FIELDS][NOMOS_MAX_NAME];
  long        range[2], exponents[MAX_MONOMIAL_FIELDS];
  size_t      n = 0;
  int         taken;

  PetscFunctionBeginUser;
  PetscCheck(close && dots && dots < close, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: '%s': monomials are written monomials(u v, 1..3): names of fields, and the range of their degree", family->where, family->entry);
  PetscCall(Range(family, text, dots, &from, &to, range));
  for (const char *at = open + 1; at < comma && n <= MAX_MONOMIAL_FIELDS; at += taken) {
    char name[NOMOS_MAX_NAME];
    if (sscanf(at, " %63[A-Za-z0-9_]%n", name, &taken) != 1 || at + taken > comma) break;
    if (n < MAX_MONOMIAL_FIELDS) memcpy(names[n], name, sizeof name);
    n++;
  }
  PetscCheck(n && n <= MAX_MONOMIAL_FIELDS && range[0] > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: '%s': monomials(u v, 1..3) takes one to %d names of fields, and degrees from 1 on", family->where, family->entry, MAX_MONOMIAL_FIELDS);
  place[0] = begin;
  place[1] = close + 1;
  for (long degree = range[0]; degree <= range[1]; degree++) PetscCall(OfDegree(family, text, place, n, names, 0, degree, exponents));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What stands first is expanded first; d1x is written dx. */
static PetscErrorCode Expand(Family *family, const char text[])
{
  const char *monomials = strstr(text, "monomials"), *dots = strstr(text, ".."), *begin, *end;
  long        range[2];

  PetscFunctionBeginUser;
  if (monomials && (!dots || monomials < dots)) {
    PetscCall(Monomials(family, text, monomials));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!dots) {
    PetscCall(Add(family, text));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Range(family, text, dots, &begin, &end, range));
  const bool derivative = begin > text && begin[-1] == 'd' && isalpha((unsigned char)*end) && (begin - 1 == text || !isalnum((unsigned char)begin[-2]));
  for (long i = range[0]; i <= range[1]; i++) {
    char number[24];
    snprintf(number, sizeof number, "%ld", i);
    PetscCall(Replace(family, text, begin, end, derivative && i == 1 ? "" : number));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryExpand(const char where[], size_t n_entries, const char *const entries[], size_t *n, char ***terms)
{
  Family family = {.where = where};

  PetscFunctionBeginUser;
  *n     = 0;
  *terms = NULL;
  for (size_t i = 0; i < n_entries; i++) {
    family.entry        = entries[i];
    PetscErrorCode code = Expand(&family, entries[i]);
    if (code) PetscCall(NomosLibraryFreeTerms(family.n, &family.terms));
    PetscCall(code);
  }
  *n     = family.n;
  *terms = family.terms;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryFreeTerms(size_t n, char ***terms)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; *terms && i < n; i++) PetscCall(PetscFree((*terms)[i]));
  PetscCall(PetscFree(*terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}
