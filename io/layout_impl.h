/* Layouts of other people's files (private to io/): a layout recognises a file, and says for each variable where it lies. All present the same: variables over (trajectory, time, [z, y,] x) and
   coordinates, and parameters over (trajectory).

   Axes are letters: n trajectory, t time, 0 1 2 the axes of space in the file's order (they are presented in reverse, x last), c components, d of size 1. */
#ifndef NOMOS_IO_LAYOUT_IMPL_H
#define NOMOS_IO_LAYOUT_IMPL_H

#include "io/ends.h"
#include "io/field_impl.h"

enum { NOMOS_LAYOUT_MAX_SPACE = 3, NOMOS_VIEW_MAX_AXES = 8 };

/* Where the numbers come from. */
typedef enum { NOMOS_VIEW_DATASET, NOMOS_VIEW_ATTRIBUTE, NOMOS_VIEW_TEXT } NomosViewKind;

typedef struct {
  char          name[NOMOS_MAX_NAME], alias[NOMOS_MAX_NAME]; /* ours, and what the file calls it */
  NomosViewKind kind;                                        /* a dataset; a number that is an attribute; a number in the attribute `config` (YAML) of a group */
  char          source[2 * NOMOS_MAX_NAME];                  /* path of the dataset, below its group where there is one for each trajectory; or the key in the text */
  char          axes[NOMOS_VIEW_MAX_AXES];                   /* as presented */
  size_t        shape[NOMOS_FIELD_MAX_DIMS + 1];
  char          raw[NOMOS_VIEW_MAX_AXES];                    /* of the dataset; g first: one dataset in the group of each trajectory. Presented axes that it lacks: the same for all */
  hsize_t       size[NOMOS_VIEW_MAX_AXES];                   /* of the dataset, without g */
  size_t        component;                                   /* of the c axes together */
  double        value;                                       /* of an attribute */
} NomosLayoutView;

typedef struct {
  const char *name;   /* of the layout; NULL: NetCDF-4, datasets are what they seem */
  const char *family; /* of the equation, where the layout has one of its own; NULL: unknown */
  size_t      n_views, n_groups;
  NomosLayoutView  *views;
  char      **groups; /* names of the trajectories' groups */
  size_t      n_trajectories, n_frames;
  int         n_space;
  char        space[NOMOS_LAYOUT_MAX_SPACE][NOMOS_MAX_NAME]; /* names of the axes of space, and their points, in the file's order */
  size_t      points[NOMOS_LAYOUT_MAX_SPACE];
  NomosEnds   ends; /* of space, where the root has no attributes that say them: by other attributes, or by the family */
} NomosLayout;

/* Which layout is this, and what is in it? False with a verdict where a file of a known layout is inconsistent. */
bool             NomosLayoutRecognise(hid_t file, const char path[], NomosLayout *layout, NomosVerdict *verdict);
void             NomosLayoutFree(NomosLayout *layout);
const NomosLayoutView *NomosLayoutFind(const NomosLayout *layout, const char name[]);
const char      *NomosLayoutAxisName(const NomosLayout *layout, char axis);
/* A block of a view as presented; its datasets are checked against the shape that the first one has. */
bool             NomosViewRead(const NomosLayout *layout, hid_t file, const char path[], const NomosLayoutView *view, const size_t start[], const size_t count[], double data[], NomosVerdict *verdict);
/* The other way, of one trajectory at most where there are groups. A block of a dataset is written when all its components are there; those of other datasets may come between them. */
typedef struct {
  size_t  n, trajectory; /* n: components that have come */
  hsize_t from[NOMOS_VIEW_MAX_AXES], count[NOMOS_VIEW_MAX_AXES];
  double *raw;
} NomosPendingBlock;
/* pending (n_views): a dataset's is that of its first view. Errors: components of one dataset in different blocks. */
bool             NomosViewWrite(const NomosLayout *layout, hid_t file, const char path[], NomosPendingBlock pending[], const NomosLayoutView *view, const size_t start[], const size_t count[], const double data[], NomosVerdict *verdict);
/* The dataset of a view (of the first trajectory); negative if it is none. H5Dclose. */
hid_t            NomosViewDataset(const NomosLayout *layout, hid_t file, const NomosLayoutView *view);
/* Sizes of its chunks along the presented axes; false where it lies in one piece (then chunk stays as it is). */
bool             NomosViewChunk(const NomosLayout *layout, hid_t file, const NomosLayoutView *view, size_t chunk[NOMOS_FIELD_MAX_DIMS + 1]);
/* Offsets between neighbours along the presented axes in an array with the raw axes and these counts; 0 for an axis that it lacks. */
void             NomosViewStrides(const NomosLayoutView *view, const hsize_t raw_count[], size_t stride[NOMOS_FIELD_MAX_DIMS + 1]);

/* For what builds them. Add: a view, whose raw axes and sizes are to be filled in; Present: then its axes and shape, over trajectories, `frames`, and space. NULL without memory. */
NomosLayoutView *NomosLayoutAdd(NomosLayout *layout, const char name[], const char alias[], const char source[]);
void       NomosLayoutPresent(const NomosLayout *layout, NomosLayoutView *view, bool frames);
/* A coordinate named as its axis. Time may have one entry more than there are frames: PDEBench's has the end of the last step too; one frame has any, and another number is not taken. Errors: rows or groups that differ; space that does not
   rise or fall throughout. */
bool       NomosLayoutAddCoordinate(NomosLayout *layout, hid_t location, const char path[], char axis, const char source[], NomosVerdict *verdict);
const char *NomosLayoutSizes(int n, const hsize_t size[], char text[128]); /* "[2, 3]" */
/* Number of dimensions and sizes of a dataset; -1: it is none, or holds no numbers. */
int        NomosLayoutShape(hid_t location, const char name[], hsize_t size[NOMOS_VIEW_MAX_AXES]);
/* Numbers that are attributes of an object become views over trajectories, but for those that `except` lists. */
void       NomosLayoutAddAttributes(NomosLayout *layout, hid_t object, const char *const except[]);

/* The layouts: each returns true if this is its own, then with views, or with a verdict. */
bool NomosLayoutFlat(hid_t file, const char path[], NomosLayout *layout, NomosVerdict *verdict);
bool NomosLayoutGroups(hid_t file, const char path[], NomosLayout *layout, NomosVerdict *verdict);
bool NomosLayoutFluid(hid_t file, const char path[], NomosLayout *layout, NomosVerdict *verdict);
bool NomosLayoutWell(hid_t file, const char path[], NomosLayout *layout, NomosVerdict *verdict);

#endif
