/* Physical units: `15 km`, `1.6e-11 1/(m s)`, `2 h`, `10 year`, `m2 s-2`, `K/km`. */
#ifndef NOMOS_IO_UNIT_H
#define NOMOS_IO_UNIT_H

#include "io/base.h"

/* A unit is a factor to SI times powers of the base quantities. */
enum { NOMOS_UNIT_METRE, NOMOS_UNIT_SECOND, NOMOS_UNIT_KILOGRAM, NOMOS_UNIT_KELVIN, NOMOS_UNIT_RADIAN, NOMOS_UNIT_NBASE };
typedef struct {
  double factor;
  int    power[NOMOS_UNIT_NBASE];
} NomosUnit;

/* Parse a unit expression: products by blank, `*` or `.`, quotients by `/`, powers as `m2`, `m^2`, `s-1`, `s**-1`, brackets; `1` is
   dimensionless. Known: m s kg K rad and g, N, Pa, J, W, Hz, min, h, d, deg, with the SI prefixes (km, ms, GPa...), and as words metre|meter, second|sec, minute, hour|hr, day, week, year (365 day), with
   plurals and prefixes that are words (milliseconds, kilometers).
   Errors (PETSC_ERR_ARG_WRONG, PETSC_COMM_SELF): unknown symbol with the nearest known one, bad syntax with the position. */
PetscErrorCode NomosUnitParse(const char text[], NomosUnit *unit);

/* value[from] -> value[to]; error when the dimensions differ, naming both. */
PetscErrorCode NomosUnitConvert(double value, const char from[], const char to[], double *converted);

/* For callers that word the error themselves: false and a sentence when `text` is no unit. */
bool   NomosUnitRead(const char text[], NomosUnit *unit, size_t n_message, char message[]);
/* The unit that an attribute of a file (NULL: there is none) says, without the date that times count from: "hours since 2000-01-01" are hours; is there such a date? "1" stands, too, where nobody knew a unit: "". */
bool   NomosUnitOfFile(const char text[], char unit[NOMOS_MAX_NAME]);
bool   NomosUnitSame(const NomosUnit *a, const NomosUnit *b); /* the same dimensions */
bool   NomosUnitAlike(const char a[], const char b[]);        /* written alike, or of one size (h, hours) */
double NomosUnitScale(double value, const NomosUnit *from, const NomosUnit *to);
void   NomosUnitPhrase(const char unit[], size_t n_phrase, char phrase[]); /* `a length such as m or km` */

#endif
