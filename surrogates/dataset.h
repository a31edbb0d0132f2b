/* Examples from HDF5 files that need not fit into memory.

   The files hold trajectories: a nomos run (its fields.nc) is one, with the frames of its time axis; in any other file the leading axis counts trajectories, and the second
   one frames where `frames` says so (a field that has one axis less than the others, and no time, is in every frame; where there is one frame beside such fields, as of a steady flow and its coefficient, it is led to from zero, unless `never_from_zero`); files of PDEBench and The Well are read as if they were like this (io/field_file.h). An example is a window of frames of one trajectory (or all of them, or without frames a single entry of the leading axis).

   Rows (frames, or entries) are read in blocks of consecutive ones, which are kept in a cache of bounded size, the least recently used going first. An epoch's order is random
   by a counter (operators/random.h): blocks are shuffled and taken in groups that fill the cache, examples are shuffled within a group; so every block is read about once an
   epoch, and when all data fit into the cache the order is a plain permutation. It depends on seed and epoch alone, not on the number of ranks.

   Training, validation and test are different trajectories. Values are doubles here, whatever the file has. Every rank opens the files for itself. */
#ifndef NOMOS_SURROGATES_DATASET_H
#define NOMOS_SURROGATES_DATASET_H

#include "io/config.h"
#include "io/field_file.h"
#include "operators/model.h" /* NomosWarningFn */

typedef struct NomosDataset_s *NomosDataset;

typedef enum { NOMOS_SPLIT_TRAIN, NOMOS_SPLIT_VALIDATION, NOMOS_SPLIT_TEST, NOMOS_N_SPLITS } NomosSplit;
extern const char *const nomos_split_names[NOMOS_N_SPLITS + 1]; /* "train", "validation", "test", NULL */

enum { NOMOS_DATASET_MAX_VARIABLES = 16 };

typedef struct {
  const char *name;                   /* of the dataset in the files */
  bool        constant;               /* without frames: one value (of any shape) for a trajectory, such as a PDE's parameters; a file without such a dataset may have the number as an attribute of its root */
  int         first_space, n_space;   /* of a row's axes, those that space_every thins out; n_space 0: none */
} NomosDatasetVariable;

typedef struct {
  const char                 *path; /* an HDF5 file, a run directory, or a folder of these, taken in order of their names */
  size_t                      n_variables;
  const NomosDatasetVariable *variables;
  bool                        frames;         /* of files that are not runs: the second axis is time */
  size_t                      window;         /* frames of an example; 0: all */
  const char                 *window_key;     /* what a case sets it by, for sentences; may be NULL */
  bool                        whole_tests;    /* examples of validation and test have all frames all the same; of files of several lengths as many as the shortest has in which there is a window */
  bool                        never_from_zero; /* one frame beside fields without time is the state that it is, and not led to from zero */
  size_t                      first_frame;    /* earlier ones are left out */
  size_t                      every;          /* every how many-th frame; 0 stands for 1 */
  size_t                      most_frames;    /* then at most so many, the first ones: others are not even looked at; 0: all */
  size_t                      window_step;    /* frames, after thinning, from one window's start to the next; 0 stands for 1 */
  size_t                      space_every;    /* every how many-th point; 0 stands for 1 */
  size_t                      n_trajectories; /* at most so many, the same part of each file, its first ones; 0: all */
  double                      validation, test; /* fractions of the trajectories: NomosSplitShare */
  uint64_t                    seed;             /* which trajectories are for which */
  double                      cache_bytes;      /* 0 stands for 256 MB */
} NomosDatasetInput;

/* Open, split, and read everything once: numbers that are not finite are found here, and the hash is made. Errors: no file, a missing variable (with those there are), shapes that
   differ between files or variables, an axis of length 0, no training example, a number that is not finite (with its place). Collective. */
PetscErrorCode NomosDatasetOpen(MPI_Comm comm, const NomosDatasetInput *input, NomosDataset *dataset);
PetscErrorCode NomosDatasetClose(NomosDataset *dataset);

/* From now on all trajectories are of the test, and none of them is for training or validation. */
PetscErrorCode NomosDatasetJudgeAll(NomosDataset dataset);

/* A number of n trajectories from a fraction: what is asked for is never empty while there is something to share, of three or more. */
size_t         NomosSplitShare(double fraction, size_t n);
/* Where a share that is asked for got no trajectory. */
PetscErrorCode NomosSplitWarn(double validation, double test, size_t n, NomosWarningFn warn, void *ctx);
/* That, and trajectories that are there again in another split. */
PetscErrorCode NomosDatasetWarn(NomosDataset dataset, NomosWarningFn warn, void *ctx);
/* Trajectories that begin as ones of another split do, in what is over time, and are no copies: an error on them is not of a new initial state. Where all begin alike by their nature it says nothing, and is not asked. Not collective. */
PetscErrorCode NomosDatasetWarnBeginnings(NomosDataset dataset, NomosWarningFn warn, void *ctx);
/* Trajectories of `others`, the test set `name` of the same variables, that the training has too: alike in all variables in their first and last frame, as they are used; and those that begin alike. Not collective. */
PetscErrorCode NomosDatasetWarnCopies(NomosDataset dataset, NomosDataset others, const char name[], NomosWarningFn warn, void *ctx);

size_t      NomosDatasetExamples(NomosDataset dataset, NomosSplit split);
size_t      NomosDatasetTrajectories(NomosDataset dataset, NomosSplit split);
const char *NomosDatasetHash(NomosDataset dataset); /* 16 hex digits of XXH64 over all values that examples can have, thinned, in order of the files */
const char *NomosDatasetSplitHash(NomosDataset dataset); /* the same of which trajectories are for what */

/* Root of the mean square of a variable over all trajectories. */
double NomosDatasetSize(NomosDataset dataset, size_t variable);

/* Shape of a variable in one example of the training: (window, row) for one with frames, else (row). *size (may be NULL): its entries. */
PetscErrorCode NomosDatasetShape(NomosDataset dataset, size_t variable, int *n_dims, size_t shape[NOMOS_FIELD_MAX_DIMS + 1], size_t *size);
/* Frames of an example of a split: those of the training where all are alike. */
size_t NomosDatasetFrames(NomosDataset dataset, NomosSplit split);
/* Has it a file whose one frame is led to from zero? */
bool   NomosDatasetFromZero(NomosDataset dataset);
/* The fewest and most frames of its trajectories, after first_frame and every. */
void NomosDatasetLengths(NomosDataset dataset, size_t *least, size_t *most);
/* Shape of its rows. Borrowed. */
PetscErrorCode NomosDatasetRowShape(NomosDataset dataset, size_t variable, int *n_axes, const size_t **shape);
/* As they lie in the files, before space_every. Borrowed. */
PetscErrorCode NomosDatasetFullRowShape(NomosDataset dataset, size_t variable, const size_t **shape);
/* Time from one frame to the next (after first_frame and every), by the datasets `time` or `t-coordinate`, or where there is neither `t`, if it has as many entries (NomosFieldReaderCoordinate: for each trajectory, too); NaN where no file says
   it. Errors: times that are not one for each frame (and one more at most); that differ between trajectories; times that do not rise; files whose times have other units; intervals that differ by more than a thousandth, within a file or between
   two of them, as those of a learned step must not. Not collective. */
PetscErrorCode NomosDatasetInterval(NomosDataset dataset, double *interval);
/* When its trajectories begin. `name`: of the dataset that says it, in the first file that does; NULL: none does, and all else is unknown. */
typedef struct {
  const char *name;
  double      time;     /* of the first frame that is taken, of the first trajectory that has one */
  double      interval; /* from there to the next frame as it lies in the file; NaN: there is none */
  bool        alike;    /* all trajectories begin then */
} NomosDatasetBeginning;
/* Times may differ between trajectories, and of others than these nothing is asked. Errors: files whose times have other units. Not collective. */
PetscErrorCode NomosDatasetBegins(NomosDataset dataset, NomosDatasetBeginning *beginning);
/* What the files say of a variable, or of times (n_variables), once these were read; "": nothing. Borrowed. */
const char    *NomosDatasetUnitOf(NomosDataset dataset, size_t variable);
/* Numbers of two data sets of the same variables mean the same as far as their files say units (the attribute units of a dataset; "1", as where nothing is known, says none); of times once NomosDatasetInterval, or NomosDatasetBegins, was called of both.
   Errors: a unit of `others`, which lies at `path`, of another dimension or size (km, m). */
PetscErrorCode NomosDatasetCheckUnits(NomosDataset dataset, NomosDataset others, const char path[]);
/* Where an example lies: trajectory (counted through all files), file, and first frame as in the file. Any may be NULL. */
PetscErrorCode NomosDatasetOrigin(NomosDataset dataset, NomosSplit split, size_t example, size_t *trajectory, const char **file, size_t *frame);
/* The number of its trajectory in that file, from 0. */
PetscErrorCode NomosDatasetIndexInFile(NomosDataset dataset, NomosSplit split, size_t example, size_t *index);

/* values (n, shape of the variable) of n examples of a split. Errors: an example beyond; what HDF5 says. Not collective. */
PetscErrorCode NomosDatasetRead(NomosDataset dataset, size_t variable, NomosSplit split, size_t n, const size_t examples[], double values[]);

/* The order of an epoch: a permutation of the split's examples, the same on every rank. Not collective. */
PetscErrorCode NomosDatasetOrder(NomosDataset dataset, NomosSplit split, uint64_t seed, int64_t epoch, size_t order[]);
/* A permutation of n by the same generator, for examples that are in no file. */
void NomosPermutation(uint64_t seed, int64_t epoch, size_t n, size_t order[]);

/* Visit the rows of a variable that examples of a split can have, each once, in order of the files, distributed among the ranks in blocks: `visit` is called with the number of
   the block (0, 1, ... of n_blocks), a row and its size. Partial results of the blocks, combined in their order, do not depend on the ranks. Not collective. */
typedef PetscErrorCode (*NomosRowFn)(size_t block, const double row[], size_t size, void *ctx);
size_t         NomosDatasetBlocks(NomosDataset dataset);
PetscErrorCode NomosDatasetVisit(NomosDataset dataset, size_t variable, NomosSplit split, NomosRowFn visit, void *ctx);

/* The files that a path names: a run's fields.nc, an HDF5 file, or those of a folder, in order of their names. *files (n) and each of them are PetscFree'd. Not collective. */
PetscErrorCode NomosDataFiles(const char path[], size_t *n, char ***files);
/* Calls `visit` with each of them opened, until an error. Not collective. */
typedef PetscErrorCode (*NomosDataFileFn)(NomosFieldReader reader, const char file[], void *ctx);
PetscErrorCode NomosDataFilesVisit(const char path[], NomosDataFileFn visit, void *ctx);

/* `data.*`: the table, and the input from a config that it was registered with (apart from variables, frames and window, which the learning problem knows). */
extern const NomosParam nomos_data_params[];
extern const size_t     nomos_n_data_params;
PetscErrorCode          NomosDatasetInputFromConfig(NomosConfig config, NomosDatasetInput *input);

#endif
