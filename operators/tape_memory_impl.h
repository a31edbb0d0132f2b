/* Memory of a tape: blocks in size classes that are given back and taken again, and small notes that live until a rewind. Private to operators/. */
#ifndef NOMOS_OPERATORS_TAPE_MEMORY_IMPL_H
#define NOMOS_OPERATORS_TAPE_MEMORY_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NOMOS_BLOCK_ALIGN = 64, NOMOS_BLOCK_CLASSES = 256 };

typedef struct NomosBlock_s NomosTapeBlock; /* a free block begins with the link to the next of its class */
typedef struct NomosChunk_s NomosChunk; /* what malloc gave */

typedef struct {
  NomosTapeBlock *free[NOMOS_BLOCK_CLASSES];
  NomosChunk *chunks;
  char       *next; /* of the chunk that small blocks are cut from */
  size_t      left;
  size_t      used, most; /* bytes of blocks in use, and at most */
} NomosArena;

/* A block of at least `bytes`, aligned to cache lines, not cleared; *capacity goes back with it. NULL: out of memory. */
void *NomosArenaTake(NomosArena *arena, size_t bytes, size_t *capacity);
void  NomosArenaGive(NomosArena *arena, void *block, size_t capacity);
void  NomosArenaDestroy(NomosArena *arena);

/* Notes: a stack of small pieces. `top` is a position to rewind to. */
typedef struct {
  char **pages;
  size_t n_pages, top;
} NomosNotes;
void *NomosNotesTake(NomosNotes *notes, size_t bytes); /* at most a page (64 KiB); NULL: out of memory */
void  NomosNotesDestroy(NomosNotes *notes);

#endif
