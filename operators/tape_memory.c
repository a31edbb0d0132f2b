#include "operators/tape_memory_impl.h"

#include <stdlib.h>

struct NomosBlock_s {
  NomosTapeBlock *next;
};

struct NomosChunk_s {
  NomosChunk *next;
};

enum { CHUNK = 1 << 20, LARGE = 1 << 18, PAGE = 1 << 16 };

/* Classes grow by a quarter of a power of two, so that at most a fifth of a block is wasted. */
static int ClassOf(size_t bytes, size_t *capacity)
{
  size_t power = NOMOS_BLOCK_ALIGN, step;
  int    class = 0;

  while (2 * power < bytes) {
    power *= 2;
    class += 4;
  }
  step = power / 4 < NOMOS_BLOCK_ALIGN ? NOMOS_BLOCK_ALIGN : power / 4;
  *capacity = bytes <= power ? power : power + (bytes - power + step - 1) / step * step;
  return bytes <= power ? class : class + (int)((*capacity - power) / (power / 4 ? power / 4 : 1));
}

static void *NewChunk(NomosArena *arena, size_t bytes)
{
  NomosChunk *chunk = aligned_alloc(NOMOS_BLOCK_ALIGN, NOMOS_BLOCK_ALIGN + bytes);

  if (!chunk) return NULL;
  chunk->next   = arena->chunks;
  arena->chunks = chunk;
  return (char *)chunk + NOMOS_BLOCK_ALIGN;
}

void *NomosArenaTake(NomosArena *arena, size_t bytes, size_t *capacity)
{
  if (bytes > SIZE_MAX / 4) return NULL;
  const int class = ClassOf(bytes ? bytes : 1, capacity);
  void     *block = arena->free[class];

  if (block) arena->free[class] = arena->free[class]->next;
  else if (*capacity >= LARGE) block = NewChunk(arena, *capacity);
  else {
    if (arena->left < *capacity) {
      arena->next = NewChunk(arena, CHUNK);
      arena->left = arena->next ? CHUNK : 0;
    }
    if (!arena->next || arena->left < *capacity) return NULL;
    block = arena->next;
    arena->next += *capacity;
    arena->left -= *capacity;
  }
  if (!block) return NULL;
  arena->used += *capacity;
  if (arena->used > arena->most) arena->most = arena->used;
  return block;
}

void NomosArenaGive(NomosArena *arena, void *data, size_t capacity)
{
  size_t      same;
  const int   class = ClassOf(capacity, &same);
  NomosTapeBlock *block = data;

  block->next        = arena->free[class];
  arena->free[class] = block;
  arena->used -= capacity;
}

void NomosArenaDestroy(NomosArena *arena)
{
  while (arena->chunks) {
    NomosChunk *next = arena->chunks->next;
    free(arena->chunks);
    arena->chunks = next;
  }
}

void *NomosNotesTake(NomosNotes *notes, size_t bytes)
{
  bytes = (bytes + 15) / 16 * 16;
  if (bytes > PAGE) return NULL;
  if (notes->top % PAGE + bytes > PAGE || (notes->top % PAGE == 0 && notes->top / PAGE == notes->n_pages)) {
    const size_t page = (notes->top + PAGE - 1) / PAGE;
    if (page == notes->n_pages) {
      char **pages = realloc(notes->pages, (page + 1) * sizeof *pages);
      if (!pages) return NULL;
      notes->pages = pages;
      if (!(pages[page] = malloc(PAGE))) return NULL;
      notes->n_pages++;
    }
    notes->top = page * PAGE;
  }
  void *piece = notes->pages[notes->top / PAGE] + notes->top % PAGE;
  notes->top += bytes;
  return piece;
}

void NomosNotesDestroy(NomosNotes *notes)
{
  for (size_t i = 0; i < notes->n_pages; i++) free(notes->pages[i]);
  free(notes->pages);
}
