/* Inside of nomos gradcheck: gradcheck.c checks, gradcheck_output.c writes what came out. */
#ifndef NOMOS_CASES_GRADCHECK_H
#define NOMOS_CASES_GRADCHECK_H

#include "cases/run.h"
#include "operators/field_loss.h"
#include "operators/operator_check.h"

/* A line of the table: passed if value <= bound; bound NaN: a number to know, not to judge. */
typedef struct {
  char   name[96], note[256];
  double value, bound;
  bool   passed;
} NomosGradcheckLine;

typedef struct {
  int64_t                    n_steps, n_directions, seed;
  double                     step;
  size_t                     n, n_parameters; /* of the state on this rank; parameters */
  const NomosModelParameter *parameters;
  NomosModelParameter       *kept;
  NomosFieldLoss             loss;
  NomosLoss                  term;
  NomosTrajectory            trajectory; /* with all states stored */
  void                      *x_0, *x_bar;
  double                    *p_bar, J;
  double                    *norms; /* (n_steps + 1) of the gradient */
  NomosOperatorReport        report;
  size_t                     n_lines, max_lines;
  NomosGradcheckLine        *lines;
  int                        n_failed;
} NomosGradcheck;

/* The table into the log, gradcheck.csv and gradcheck.json; taylor.csv, norms.csv; plots/gradcheck. Collective. */
PetscErrorCode NomosGradcheckWrite(NomosRun *run, const NomosGradcheck *check);

#endif
