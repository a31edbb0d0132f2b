/* A run in progress: what a command does that writes a run directory. run_session.c sets it up and takes it down for every such command, summary.c sums it up. Of `nomos run`
   are run.c, run_loop.c, which advances it, and run_output.c, which writes its files. */
#ifndef NOMOS_CASES_RUN_H
#define NOMOS_CASES_RUN_H

#include "cases/program.h"
#include "cases/run_directory.h"
#include "cases/run_params.h"
#include "io/log.h"

/* A file with a cadence. Frame k is due at the first step whose time reaches k*every: a function of time alone, so that a resumed run writes what
   an uninterrupted one would have written. */
typedef struct {
  double  every;     /* 0: only at the start and the end */
  int64_t last_step; /* of the last frame written; -1: none */
} NomosCadence;

typedef struct NomosRun_s NomosRun;
struct json_t;

/* A command that writes a run directory. */
typedef struct {
  const char *command; /* "run" */
  bool        learns;  /* its cases name a surrogate (train_params.h): there is no model, run->surrogate_ops instead of run->ops */
  bool        either;  /* they name the one or the other */
  bool        of_data; /* they may name neither, when they are of data alone: no model, run->ops is NULL */
  bool        alone;   /* every rank has a model of its own, whole (on PETSC_COMM_SELF) */
  bool        once;    /* it keeps nothing to go on from: no --restart */
  const char *section; /* of the parameters that the command adds to those of runs (NomosSection); default directories are runs/<case>-<section>/. NULL: none */
  PetscErrorCode (*body)(NomosRun *run);    /* from NomosRunSetUp to the last line of the log */
  PetscErrorCode (*results)(NomosRun *run, NomosResultFn result, void *ctx); /* for summary.json, at the end. Collective; what rank 0 reports counts */
  PetscErrorCode (*destroy)(NomosRun *run); /* of run->data, after errors too; may be NULL */
} NomosRunTask;

struct NomosRun_s {
  const NomosRunTask  *task;
  void                *data; /* of the task */
  NomosProgram        *program;
  MPI_Comm             comm;
  int                  rank, size, n_threads;
  NomosCaseFile        case_file;
  NomosConfig          config;
  NomosRunParams       params;
  const NomosModelOps *ops;
  NomosModel           model;
  const NomosSurrogateOps *surrogate_ops;
  int64_t              step; /* where there is no model */
  char                *physics; /* NomosPhysicsText */
  char                 physics_hash[17];
  char                *yaml, *provenance; /* what the files record: the resolved case, and where the run comes from */
  char                 restart_path[NOMOS_MAX_PATH]; /* the checkpoint this run began from, "" */
  char                 later[1500]; /* parameters younger than that checkpoint, `key = value, ...`, "" */
  NomosRunDirectory    directory;
  NomosLog             log;

  bool                 restarted;
  int64_t              first_step;    /* of this process */
  double               previous_time; /* of the step before */
  int64_t              checked_step;
  bool                 begun; /* there is a summary.json: from here on a failure leaves a run directory */

  NomosFieldFile       fields, spectra;
  NomosScalarFile      scalars;
  bool                 has_planes; /* fields over (y, x): ParaView can show them */
  NomosFieldVariable  *field_variables, *spectra_variables; /* with the types chosen here */
  NomosCadence         fields_due, spectra_due, scalars_due, checkpoint_due;
  size_t               n_scalars;
  const NomosScalarInfo *scalar_info;
  double              *scalar_values; /* (n_scalars) of the last row */

  size_t               n_warnings;
  char               **warnings; /* of the model or the surrogate, for summary.json */

  double wall_begin, wall_initialise, wall_step, wall_output; /* s */
  int    stopped_by;                                          /* signal, or NOMOS_STOP_WALL; 0: none */

  bool    clock_due;          /* the clock asks for a checkpoint */
  double  clock_mark, clock_took; /* when the last checkpoint was there, and how long it took to write [s] */
  int64_t clock_step;         /* of the last checkpoint, if the clock asked for it; -1: the case did */
};

enum { NOMOS_STOP_WALL = 1000 };

/* The command: its body, then the directory is closed, and with --check the results are compared. An error is told in STATUS, in the log and in summary.json. Collective. */
PetscErrorCode NomosRunCommand(NomosProgram *program, const NomosRunTask *task);
/* The pieces of a body. SetUp: case, parameters, threads, model; NomosConfigCheckPetscOptions when everything is made that reads them. PrepareDirectory: look at the run directory; nothing changes. Begin: make it, with room
   for `bytes`; log, config.yaml, provenance.json. End: summary.json, STATUS, a line of the
   log, the exit code; `done` ("reached time.stop", unless it was stopped) at `where` ("step 100"), `timings` follow the total (", 3 s stepping"). Collective. */
PetscErrorCode NomosRunSetUp(NomosRun *run);
PetscErrorCode NomosRunPrepareDirectory(NomosRun *run);
PetscErrorCode NomosRunBegin(NomosRun *run, double bytes);
PetscErrorCode NomosRunEnd(NomosRun *run, const char done[], const char where[], const char timings[]);
/* run.threads (0: unset), or OMP_NUM_THREADS, or this machine's cores divided among the ranks on it. Collective. */
PetscErrorCode NomosRunSetThreads(MPI_Comm comm, int threads);
/* NomosWarningFn of a run (ctx): into its log and its summary.json. */
PetscErrorCode NomosRunWarn(const char sentence[], void *ctx);
/* The same in a dry run: comments on standard output; and what was left out of the case. */
PetscErrorCode NomosRunPrintWarning(const char sentence[], void *ctx);
PetscErrorCode NomosRunPrintNotes(NomosRun *run);
/* Pictures are a courtesy, what they show is safe in files: rank 0 draws them by `call`, if output.pictures says so, and a failure is a warning. DrawPictures: those of the run directory. */
#define NomosRunDraw(run, call) \
  do { \
    PetscErrorCode failed_ = PETSC_SUCCESS; \
    if ((run)->params.pictures && !(run)->rank) NomosQuietly(failed_, call); \
    if (failed_) PetscCall(NomosLogPrint((run)->log, NOMOS_LOG_WARNING, "pictures", "pictures could not be drawn: %s", NomosErrorLast())); \
  } while (0)
PetscErrorCode NomosRunDrawPictures(NomosRun *run);
/* Has any rank received a signal, or is time.max_wall over? Sets run->stopped_by, and run->clock_due by checkpoint.wall, the same on every rank. Collective. */
PetscErrorCode NomosRunStopped(NomosRun *run);
/* Has this rank received one, or is the time over? For work within which the ranks do not meet (ctx: the NomosRun). Once it is so, it stays so. */
bool           NomosRunToStop(void *run);

/* Files of the run. Look: can those of a restarted run be continued? Nothing changes. Open: create them, or resume those of a restarted run, and write what is due. Due: after a step. Finish: the last frames, close.
   Discard: close what is open after an error, whatever happens. Collective. */
PetscErrorCode NomosRunOutputLook(NomosRun *run);
PetscErrorCode NomosRunOutputOpen(NomosRun *run);
PetscErrorCode NomosRunOutputDue(NomosRun *run);
PetscErrorCode NomosRunOutputFinish(NomosRun *run);
void           NomosRunOutputDiscard(NomosRun *run);
/* A checkpoint by `write`: one that the clock asked for stays until the next one, beside the checkpoint.keep others. Collective. */
PetscErrorCode NomosRunCheckpoint(NomosRun *run, bool by_clock, PetscErrorCode (*write)(NomosRun *run));
PetscErrorCode NomosRunWriteCheckpoint(NomosRun *run);
/* Load the state and the clock of a restart. Before the files are opened. */
PetscErrorCode NomosRunReadCheckpoint(NomosRun *run, const char directory[]);
/* What checkpoints of every command have: the case and its physics, and in a text `what` (NULL: none) an object of the command's own, which is freed here. The command adds its arrays and closes it. Collective. */
PetscErrorCode NomosRunCheckpointCreate(NomosRun *run, int64_t step, int keep, const char what[], struct json_t *object, NomosCheckpoint *checkpoint);
/* That of a restart, among those of a directory: its path becomes run->restart_path; PetscFree(*text). Errors: the text is missing, or the physics is not that of this run. Collective. */
PetscErrorCode NomosRunCheckpointOpen(NomosRun *run, const char directory[], const char what[], char **text, NomosCheckpoint *checkpoint);
/* Of a file of fields: what this run says of itself, with axes and variables of the layout. */
NomosFieldFileInput NomosRunFileInput(const NomosRun *run, const char path[], const NomosFileLayout *layout, size_t capacity);
/* What the files record: run->yaml and run->provenance. NomosRunBegin does it where that has not been done. */
PetscErrorCode NomosRunProvenance(NomosRun *run);
/* Bytes and frames that the files of the whole run take. */
typedef struct {
  int64_t n_steps, n_fields, n_spectra, n_scalars, n_checkpoints;
  double  frame_bytes, spectra_bytes, bytes;
} NomosRunCost;
PetscErrorCode NomosRunEstimate(NomosRun *run, NomosRunCost *cost);

/* Is the state sound? Otherwise the error that names field, step and index. Collective. */
PetscErrorCode NomosRunCheck(NomosRun *run);
/* Advance to the end, or until stopped. */
PetscErrorCode NomosRunLoop(NomosRun *run);
/* The line of progress of a model on its way to where the work begins: `what` it is ("the truth"), its time and step. Collective. */
PetscErrorCode NomosRunProgress(NomosRun *run, NomosModel model, const char what[], double fraction);
bool           NomosRunEnded(const NomosRun *run);
double         NomosRunTolerance(const NomosRun *run);
/* From here on signals stop the loop instead of killing the process; until released. */
void NomosRunCatchSignals(void);
void NomosRunReleaseSignals(void);
/* `call` between the two. */
#define NomosRunUnderSignals(call) \
  do { \
    NomosRunCatchSignals(); \
    const PetscErrorCode code_ = (call); \
    NomosRunReleaseSignals(); \
    PetscCall(code_); \
  } while (0)

/* summary.json: at the start (it describes the scalars), when the files are open and nothing can be refused any more (run->begun), and at the end with results and timings. */
PetscErrorCode NomosRunWriteSummary(NomosRun *run, const char status[], const char reason[]);
/* Final value, mean and standard deviation of every scalar, from the rows of scalars.csv (an interrupted run's too). One rank. */
PetscErrorCode NomosRunScalarResults(NomosRun *run, NomosResultFn result, void *ctx);

/* A time in the unit a person would choose for it ("12.5 day"). */
const char *NomosTimeText(double time, double scale, bool nondimensional, char text[], size_t n);
/* That unit, for a duration: factor in s. */
void NomosTimeUnit(double scale, bool nondimensional, const char **name, double *factor);

/* Pictures of a run directory, from its files alone. Not collective: one rank. */
PetscErrorCode NomosPlotRun(const char directory[], const NomosProgram *program);

/* The present step, of the model or of a training. */
static inline int64_t NomosRunStep(const NomosRun *run)
{
  return run->model ? run->model->step : run->step;
}

/* Compare `results` of RUN/summary.json with expected.yaml of a case; *passed says whether all are within tolerance. One rank. */
PetscErrorCode NomosCheckResults(const char case_directory[], const char run_directory[], bool *passed);

#endif
