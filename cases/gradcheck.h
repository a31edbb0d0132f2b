/* Inside of nomos gradcheck: gradcheck.c runs the checks of its subject, a simulation (gradcheck_model.c) or a training (gradcheck_training.c); gradcheck_output.c writes what came out. */
#ifndef NOMOS_CASES_GRADCHECK_H
#define NOMOS_CASES_GRADCHECK_H

#include "cases/run.h"
#include "operators/operator_check.h"

/* A line of the table: passed if value <= bound; bound NaN: a number to know, not to judge. */
typedef struct {
  char   name[96], note[256];
  double value, bound;
  bool   passed;
} NomosGradcheckLine;

typedef struct NomosGradcheck_s NomosGradcheck;
typedef PetscErrorCode (*NomosGradcheckFn)(NomosRun *run, NomosGradcheck *check);

/* What is differentiated. */
typedef struct {
  NomosGradcheckFn        look;    /* before there is a run directory: whatever may be refused */
  NomosGradcheckFn        prepare; /* in the directory; may end by run->stopped_by. NULL: nothing */
  size_t                  n_checks;
  const NomosGradcheckFn *checks;  /* in this order; one that finds run->stopped_by set leaves the rest out */
  NomosGradcheckFn        destroy; /* of check->data, also after an error */
} NomosGradcheckSubject;
extern const NomosGradcheckSubject nomos_gradcheck_model, nomos_gradcheck_training;

struct NomosGradcheck_s {
  const NomosGradcheckSubject *subject;
  void                        *data; /* of the subject */
  NomosRealType                precision; /* in which bounds are chosen */
  int64_t                      n_directions, seed;
  double                       step;
  char                         extent[96]; /* of the subject: "over 20 steps" */
  NomosOperatorReport          report;     /* of NomosOperatorCheck */
  size_t                       n_norms;    /* of the gradient at each step; 0: there are no steps */
  double                      *norms;
  size_t                       n_lines, max_lines;
  NomosGradcheckLine          *lines;
  int                          n_failed;
  int                          n_vanishing, n_held; /* differences that are 0 = 0 and show nothing; of them those that the subject can explain, */
  char                         held[128];           /* thus */
};

/* What a result may be at most; NOMOS_BOUND_ORDER: how far from the order expected. */
typedef enum { NOMOS_BOUND_TRANSPOSITION, NOMOS_BOUND_LINEARITY, NOMOS_BOUND_ORDER, NOMOS_BOUND_SYMMETRY, NOMOS_BOUND_SECOND, NOMOS_BOUND_DIFFERENCE, NOMOS_N_BOUNDS } NomosGradcheckBound;
double NomosGradcheckBoundOf(const NomosGradcheck *check, NomosGradcheckBound bound);
/* Relative error of a cost. */
double NomosGradcheckEpsilon(const NomosGradcheck *check);

/* Has a signal come, or is the time over? Asked between any two computations that may take long; as NomosOperatorCheckInput.interrupted, ctx: the run. Collective. */
PetscErrorCode NomosGradcheckInterrupted(void *run, bool *interrupted);

PetscErrorCode NomosGradcheckAdd(NomosGradcheck *check, const char name[], double value, double bound, const char note[]);
/* A line for everything that check->report has. */
PetscErrorCode NomosGradcheckAddReport(NomosGradcheck *check);
/* The number of entries of a gradient whose bits differ from the first one's, with another number of threads. */
typedef PetscErrorCode (*NomosGradcheckDifferFn)(NomosRun *run, NomosGradcheck *check, double *different);
PetscErrorCode NomosGradcheckAddThreads(NomosRun *run, NomosGradcheck *check, NomosGradcheckDifferFn differ);
/* A gradient over a forward evaluation (`forward_name`), the fastest of three each, taken in turn. Told, not judged: machines are busy. Collective. */
typedef struct {
  NomosGradcheckFn forward, gradient;
  const char      *forward_name;
} NomosGradcheckCost;
PetscErrorCode NomosGradcheckAddCost(NomosRun *run, NomosGradcheck *check, const NomosGradcheckCost *cost);
/* `slope`, of size `size`, against central differences of the cost J at -h, h, -h/2, h/2, extrapolated to fourth order; or, with a side (-1, 1), at
   0, h, h/2, h/4 on that side, extrapolated to third order. What rounding of the cost leaves undecided counts as agreement; where both sides are exactly zero
   it is counted that nothing is shown. */
typedef struct {
  double      slope, size, h, J[4];
  int         side;
  const char *remark; /* before the note; NULL: none */
} NomosGradcheckDifference;
bool           NomosGradcheckVanishes(const NomosGradcheckDifference *difference); /* 0 = 0 */
double         NomosGradcheckDeviation(const NomosGradcheck *check, const NomosGradcheckDifference *difference);
PetscErrorCode NomosGradcheckAddDifference(NomosGradcheck *check, const char name[], const NomosGradcheckDifference *difference);

/* The table into the log, gradcheck.csv and gradcheck.json; taylor.csv, norms.csv; plots/gradcheck. Collective. */
PetscErrorCode NomosGradcheckWrite(NomosRun *run, const NomosGradcheck *check);

#endif
