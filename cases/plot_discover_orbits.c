/* orbits.csv of nomos discover: of the first orbits their way, how far integrations go from the data, and their energies. */
#include "cases/plot_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STEP, ORBIT, TIME, N_BEFORE };                   /* columns of the file, */
enum { FIRST, SECOND, ENERGY, DISTANCE, N_COLUMNS }; /* and behind them of the data and of each integration */

typedef struct {
  NomosTable table;
  size_t     first, end; /* rows of the orbit */
  double    *room[2];
} Orbit;

/* Column `what` of run `which` (0: the data). */
static double Value(const Orbit *orbit, size_t row, size_t which, size_t what)
{
  return orbit->table.values[row * orbit->table.n_columns + N_BEFORE + N_COLUMNS * which + what];
}

static PetscErrorCode DrawRuns(NomosFigure figure, const Orbit *orbit, int panel)
{
  const size_t n = orbit->end - orbit->first, n_runs = (orbit->table.n_columns - N_BEFORE) / N_COLUMNS;

  PetscFunctionBeginUser;
  for (size_t which = 0; which < n_runs; which++) {
    const bool nothing = panel == 1 && !which; /* the data are not away from themselves: only their colour is taken */
    char       label[NOMOS_LABEL];
    snprintf(label, sizeof label, "%.*s", (int)strcspn(orbit->table.names[N_BEFORE + N_COLUMNS * which], "_"), orbit->table.names[N_BEFORE + N_COLUMNS * which]);
    for (size_t i = 0; i < n; i++) {
      const size_t row  = orbit->first + i;
      orbit->room[0][i] = panel ? orbit->table.values[row * orbit->table.n_columns + TIME] : Value(orbit, row, which, FIRST);
      orbit->room[1][i] = panel == 0 ? Value(orbit, row, which, SECOND) : panel == 1 ? Value(orbit, row, which, DISTANCE) : fabs(Value(orbit, row, which, ENERGY) - Value(orbit, orbit->first, which, ENERGY));
    }
    PetscCall(NomosFigureLine(figure, nothing ? 0 : n, orbit->room[0], orbit->room[1], nothing ? NULL : label, which == 0 && !panel ? 3 : 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotDiscoverOrbits(const NomosPlotContext *context)
{
  static const char *const titles[] = {"orbit %d", "distance from the data", "change of the energy"};
  char                     path[2 * NOMOS_MAX_PATH], time[NOMOS_LABEL];
  Orbit                    orbit = {.first = 0};
  NomosFigure              figure;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/orbits.csv", context->directory);
  if (access(path, F_OK)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTableRead(path, &orbit.table));
  const NomosTable *table  = &orbit.table;
  const int         n      = table->n_rows ? (int)table->values[(table->n_rows - 1) * table->n_columns + ORBIT] : 0;
  const char       *second = table->n_columns > N_BEFORE + SECOND ? strchr(table->names[N_BEFORE + SECOND], '_') : NULL;
  NomosAxisLabel("time", context->params.nondimensional ? "" : "s", time);
  PetscCall(PetscMalloc2(table->n_rows + 1, &orbit.room[0], table->n_rows + 1, &orbit.room[1]));
  if (n) PetscCall(NomosFigureCreate(context->params.title[0] ? context->params.title : "orbits", n, 3, &figure));
  for (int o = 0; o < n; o++, orbit.first = orbit.end) {
    while (orbit.end < table->n_rows && (int)table->values[orbit.end * table->n_columns + ORBIT] == o + 1) orbit.end++;
    for (int panel = 0; panel < 3; panel++) {
      char title[NOMOS_LABEL];
      snprintf(title, sizeof title, titles[panel], o + 1);
      PetscCall(NomosFigurePanel(figure, o, panel, &(NomosAxes){.title = title, .x_label = panel ? time : "q_1", .y_label = panel ? NULL : second && second[1] == 'p' ? "p_1" : "q_2", .y_scale = panel ? NOMOS_SCALE_LOG : NOMOS_SCALE_LINEAR}));
      PetscCall(DrawRuns(figure, &orbit, panel));
    }
  }
  if (n) PetscCall(NomosPlotSave(context, "orbits", &figure));
  PetscCall(PetscFree2(orbit.room[0], orbit.room[1]));
  PetscCall(NomosTableDestroy(&orbit.table));
  PetscFunctionReturn(PETSC_SUCCESS);
}
