/* The tape itself, shared by the files that make it up (tape.c, tape_gradient.c, tape_operator.c); primitives see tape_impl.h only. */
#ifndef NOMOS_OPERATORS_TAPE_STATE_IMPL_H
#define NOMOS_OPERATORS_TAPE_STATE_IMPL_H

#include "operators/tape_impl.h"
#include "operators/tape_memory_impl.h"

enum { NOMOS_PAGE_BITS = 9 };
#define NOMOS_NO_STORAGE UINT32_MAX

/* Memory that one node or several views share. */
typedef struct {
  void           *data;
  size_t          capacity; /* of the arena's block; 0: borrowed */
  uint32_t        refs;
  uint64_t        version;
  const uint64_t *watched; /* borrowed memory: the version its owner keeps */
  const char     *name;
} NomosStorage;

/* Something that is destroyed when the tape goes back behind the place where it came. */
typedef struct {
  void *object;
  PetscErrorCode (*destroy)(void *object);
} NomosOwned;

struct NomosTape_s {
  NomosNode   **pages;
  uint32_t      n_pages, n_nodes, stamp;
  NomosStorage *storages;
  uint32_t      n_storages, max_storages, free_storage;
  NomosArena    arena;
  NomosNotes    notes;
  NomosOwned   *owned;
  size_t        n_owned, max_owned;
  bool          recording, unfused;

  PetscErrorCode code;
  char           message[1024];
};

static inline NomosNode *NomosNodeAt(NomosTape tape, uint32_t index)
{
  return &tape->pages[index >> NOMOS_PAGE_BITS][index & ((1u << NOMOS_PAGE_BITS) - 1)];
}

/* A node gives up its memory; a storage goes back when nobody holds it. */
void     NomosNodeRelease(NomosTape tape, NomosNode *node);
void     NomosStorageDrop(NomosTape tape, uint32_t storage);
uint64_t NomosStorageVersion(NomosTape tape, uint32_t storage);

#endif
