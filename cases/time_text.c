/* Times as people read them: in years, days, hours or seconds. */
#include "cases/run.h"

#include <math.h>
#include <stdio.h>

void NomosTimeUnit(double scale, bool nondimensional, const char **name, double *factor)
{
  static const struct {
    const char *name;
    double      factor, from; /* used for durations from `from` seconds on */
  } units[] = {
    {"year", 365 * 86400., 3 * 365 * 86400.},
    {"day",  86400.,       2 * 86400.      },
    {"h",    3600.,        2 * 3600.       },
    {"s",    1.,           0.              },
  };
  size_t i = 0;

  *name   = "";
  *factor = 1;
  if (nondimensional) return;
  while (units[i].from > fabs(scale)) i++;
  *name   = units[i].name;
  *factor = units[i].factor;
}

const char *NomosTimeText(double time, double scale, bool nondimensional, char text[], size_t n)
{
  const char *name;
  double      factor;

  NomosTimeUnit(scale, nondimensional, &name, &factor);
  snprintf(text, n, "%.6g%s%s", time / factor, name[0] ? " " : "", name);
  return text;
}
