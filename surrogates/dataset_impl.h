/* Private to the data set: files and the blocks in them (dataset_file.c), and what dataset.c builds on these. */
#ifndef NOMOS_SURROGATES_DATASET_IMPL_H
#define NOMOS_SURROGATES_DATASET_IMPL_H

#include "surrogates/dataset.h"

enum { NOMOS_DATASET_MAX_AXES = NOMOS_FIELD_MAX_DIMS + 1 };

/* A variable's row, thinned and as it lies in the files. */
typedef struct {
  char   name[NOMOS_MAX_NAME];
  bool   frames; /* has a row for every frame */
  int    n_axes, first_space, n_space;
  size_t full[NOMOS_DATASET_MAX_AXES], shape[NOMOS_DATASET_MAX_AXES], n_full, n;
} NomosRow;

/* A block: `n_frames` frames from `frame` on (thinned) of `n_trajectories` trajectories from `trajectory` on (of this file). A variable's rows in it are (n_trajectories, n_frames, row). */
typedef struct {
  size_t file, trajectory, n_trajectories, frame, n_frames, n; /* n: doubles */
} NomosDatasetBlock;

typedef struct {
  char  *path;
  bool   is_run;
  size_t n_trajectories, first_trajectory; /* through all files */
  size_t n_frames;                         /* thinned */
  size_t all_frames;                       /* as it has them */
  size_t first_block, block_trajectories, block_frames; /* full sizes of its blocks */
  bool   is_attribute[NOMOS_DATASET_MAX_VARIABLES];     /* the variable is no dataset of it but one number, */
  double attribute[NOMOS_DATASET_MAX_VARIABLES];        /* this one */
  bool   is_steady[NOMOS_DATASET_MAX_VARIABLES];        /* a field without time: the same in all frames */
  bool   from_zero;                                     /* one frame, which steady fields have led to: before it comes one in which what is not steady is zero */
} NomosDatasetFile;

typedef struct {
  size_t   block;
  uint64_t used; /* when, in reads */
  double  *values;
} NomosSlot;

/* The unit of a variable, or of times, and the first file that says it. */
typedef struct {
  char   text[NOMOS_MAX_NAME]; /* "": none does */
  size_t file;
} NomosDatasetUnit;

struct NomosDataset_s {
  NomosDatasetInput input;
  size_t            frames[NOMOS_N_SPLITS]; /* of an example */
  size_t            n_files, n_variables, n_blocks, n_trajectories, n_slots, largest;
  int               rank, size;
  NomosDatasetFile *files;
  NomosRow          rows[NOMOS_DATASET_MAX_VARIABLES];
  NomosDatasetUnit  units[NOMOS_DATASET_MAX_VARIABLES + 1]; /* behind those of the variables that of times, known from NomosDatasetInterval or NomosDatasetBegins on */
  NomosDatasetBlock       *blocks;
  NomosSlot        *slots;
  int              *slot_of; /* (n_blocks), -1: not in the cache */
  uint64_t          n_reads;
  NomosFieldReader  reader; /* of the file opened last */
  size_t            reader_file;
  double           *scratch; /* rows as they lie in the file */
  size_t            n_scratch;

  uint8_t *split_of;                           /* (n_trajectories) */
  size_t   n_of[NOMOS_N_SPLITS];               /* trajectories of a split */
  size_t  *list[NOMOS_N_SPLITS];               /* (n_of) their numbers */
  size_t  *first[NOMOS_N_SPLITS];              /* (n_of + 1) of their examples */
  char     hash[17], split_hash[17];
  uint64_t *marks[2];                          /* (n_trajectories) [0]: of all variables in its first and last frame: those of copies are equal; [1]: of those over time in its first frame alone */
  double    squares[NOMOS_DATASET_MAX_VARIABLES], n_values[NOMOS_DATASET_MAX_VARIABLES]; /* of all that examples can have */
};

/* Find the files of `path`, their trajectories and frames, the rows, and cut all into blocks. */
PetscErrorCode NomosDatasetFindFiles(NomosDataset dataset);
PetscErrorCode NomosDatasetFreeFiles(NomosDataset dataset);
/* Refuses a variable of d->reader's file whose axes have names, or the lengths of coordinates, that are those of another order than it is read in. */
PetscErrorCode NomosDatasetCheckAxes(NomosDataset dataset, const NomosDatasetFile *file, size_t variable, bool with_frames);
/* Of variable v (n_variables: of times), which is `name` in d->reader's file; another unit than that of an earlier file is refused. */
PetscErrorCode NomosDatasetTakeUnit(NomosDataset dataset, size_t file, size_t v, const char name[]);
/* dataset->reader becomes that of this file. */
PetscErrorCode NomosDatasetOpenFile(NomosDataset dataset, size_t file);
/* Offset of a variable in a block. */
size_t NomosDatasetBlockOffset(NomosDataset dataset, const NomosDatasetBlock *block, size_t variable);
/* A block in the cache; valid until the next call. */
PetscErrorCode NomosDatasetGetBlock(NomosDataset dataset, size_t block, const double **values);

static inline size_t NomosDatasetBlockOf(const NomosDatasetFile *file, size_t trajectory, size_t frame)
{
  const size_t over_frames = (file->n_frames + file->block_frames - 1) / file->block_frames;
  return file->first_block + trajectory / file->block_trajectories * over_frames + frame / file->block_frames;
}

#endif
