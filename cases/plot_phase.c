/* Variables over time alone, as those of an ordinary differential equation, against each other: phase planes of the first three. */
#include "cases/plot_run.h"

#include <stdio.h>

enum { MOST = 3, MANY = 64 /* fewer frames are marks: a line through them would be made up */ };

PetscErrorCode NomosPlotPhase(const NomosPlotContext *context, NomosFieldReader reader, size_t n)
{
  static const int   planes[MOST][2] = {{0, 1}, {0, 2}, {1, 2}};
  const char *const *names;
  size_t             n_names, n_found = 0;
  const char        *found[MOST];
  char               label[MOST][NOMOS_LABEL];
  double            *values[MOST];
  NomosFigure        figure;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderVariables(reader, &n_names, &names));
  for (size_t v = 0; v < n_names && n_found < MOST; v++) {
    size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
    int    n_dims;
    PetscCall(NomosFieldReaderShape(reader, names[v], &n_dims, shape));
    if (n_dims == 1) found[n_found++] = names[v];
  }
  if (n_found < 2 || n < 3) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t v = 0; v < n_found; v++) {
    char unit[NOMOS_LABEL], words[NOMOS_LABEL];
    PetscCall(PetscMalloc1(n, &values[v]));
    PetscCall(NomosFieldReaderRead(reader, found[v], (size_t[]){0}, (size_t[]){n}, values[v]));
    PetscCall(NomosReadLabel(reader, found[v], "units", unit));
    NomosWords(found[v], words);
    NomosAxisLabel(words, unit, label[v]);
  }
  const int n_planes = n_found == MOST ? MOST : 1;
  PetscCall(NomosFigureCreate(context->params.title[0] ? context->params.title : context->ops->name, 1, n_planes, &figure));
  for (int p = 0; p < n_planes; p++) {
    const int a = planes[p][0], b = planes[p][1];
    PetscCall(NomosFigurePanel(figure, 0, p, &(NomosAxes){.x_label = label[a], .y_label = label[b], .shape = 0.8}));
    PetscCall(NomosFigureLine(figure, n, values[a], values[b], n < MANY ? "every frame" : NULL, n < MANY ? 3 : 0));
    PetscCall(NomosFigureLine(figure, 1, values[a], values[b], "first", 3));
    PetscCall(NomosFigureLine(figure, 1, values[a] + n - 1, values[b] + n - 1, "last", 3));
  }
  for (size_t v = 0; v < n_found; v++) PetscCall(PetscFree(values[v]));
  PetscCall(NomosPlotSave(context, "phase", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}
