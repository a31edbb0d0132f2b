/* The program `nomos`: one table of commands, one of options, from which parsing, help and the errors come. */
#ifndef NOMOS_CASES_PROGRAM_H
#define NOMOS_CASES_PROGRAM_H

#include "operators/model.h"
#include "surrogates/surrogate.h"

/* What the command line says, checked against the tables. Texts are borrowed from argv. */
typedef struct {
  MPI_Comm                    comm;
  const NomosModelOps *const *models; /* NULL-terminated: solvers, then what surrogates make of their weights */
  const NomosSurrogateOps *const *surrogates; /* NULL-terminated */
  size_t                      n_arguments;
  const char *const          *arguments;
  const char                 *directory; /* -o */
  const char                 *beside;    /* another run directory, shown beside this one */
  const char                 *restart;   /* latest, a step or a file; NULL: a fresh run */
  const char                 *format;    /* of a file to write */
  size_t                      n_set;
  const char                **set;       /* key=value: what is set; of an export, the trajectories that are chosen */
  bool                        force, dry_run, smoke, check, quiet, help, debug;
  int                         argc; /* the whole command line */
  char                      **argv;
  int                         n_petsc; /* what follows `--` */
  char                      **petsc;
  int                         exit_code; /* of a command that ends without error */
  bool                        alone;     /* this rank has an error that the others do not know of */
  struct NomosTold           *told;      /* warnings of runs that are parts of one: each is told on the terminal once. NULL: they are not remembered */
} NomosProgram;

enum { NOMOS_MAX_COMPARED = 7 }; /* runs of nomos compare: as many as lines have colours */

typedef struct NomosTold {
  size_t n;
  char **sentences;
} NomosTold;

/* Exit codes: 0 done; 1 an error; 2 a wrong command line; 128 + signal when stopped (a wall-clock limit counts as SIGTERM: 143). */
enum { NOMOS_EXIT_ERROR = 1, NOMOS_EXIT_USAGE = 2, NOMOS_EXIT_SIGNAL = 128 };

/* `main` of the program with the models it can run and the surrogates it can train, NULL-terminated lists, either of which may be NULL. Initialises PETSc unless that is done already (tests). Returns the exit code. */
int NomosProgramMain(int argc, char **argv, const NomosModelOps *const models[], const NomosSurrogateOps *const surrogates[]);

/* The list NomosProgram.models of such lists. Not collective. */
PetscErrorCode NomosModelsCreate(const NomosModelOps *const models[], const NomosSurrogateOps *const surrogates[], const NomosModelOps ***all);
PetscErrorCode NomosModelsDestroy(const NomosModelOps ***all);

/* The commands. Collective over program->comm. An error has been printed when they return its code. */
PetscErrorCode NomosCommandRun(NomosProgram *program);
PetscErrorCode NomosCommandDiscover(NomosProgram *program);
PetscErrorCode NomosCommandAssimilate(NomosProgram *program);
PetscErrorCode NomosCommandEstimate(NomosProgram *program);
PetscErrorCode NomosCommandGradcheck(NomosProgram *program);
PetscErrorCode NomosCommandTrain(NomosProgram *program);
PetscErrorCode NomosCommandEvaluate(NomosProgram *program);
PetscErrorCode NomosCommandPredict(NomosProgram *program);
PetscErrorCode NomosCommandExport(NomosProgram *program);
PetscErrorCode NomosCommandImport(NomosProgram *program);
PetscErrorCode NomosCommandGenerate(NomosProgram *program);
PetscErrorCode NomosCommandScaling(NomosProgram *program);
PetscErrorCode NomosCommandPlot(NomosProgram *program);
PetscErrorCode NomosCommandCompare(NomosProgram *program);
PetscErrorCode NomosCommandCheck(NomosProgram *program);
PetscErrorCode NomosCommandDescribe(NomosProgram *program);
PetscErrorCode NomosCommandList(NomosProgram *program);

/* What `nomos help NAME` prints, if there is such a command. */
PetscErrorCode NomosProgramHelp(const NomosProgram *program, const char name[], bool *is_command);

/* True when every rank of comm comes here within a few seconds: then an error is everyone's, and ranks may go on together. */
bool NomosEveryRankArrives(MPI_Comm comm);

#endif
