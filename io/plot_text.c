/* Text on pictures: one line of UTF-8 in cairo's sans-serif, with super- and subscripts. */
#include "io/plot_impl.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double script_size = 0.72, script_rise = 0.36, script_drop = 0.16;

/* Bytes of the UTF-8 character at c, 0 if it is none. */
static size_t CharacterBytes(const char c[])
{
  static const struct {
    unsigned char mask, lead;
    uint32_t      least;
  } kinds[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
  const unsigned char *byte = (const unsigned char *)c;

  for (size_t n = 1; n <= 4; n++) {
    uint32_t code;
    if ((byte[0] & kinds[n - 1].mask) != kinds[n - 1].lead) continue;
    code = byte[0] & (unsigned char)~kinds[n - 1].mask;
    for (size_t i = 1; i < n; i++) {
      if ((byte[i] & 0xc0) != 0x80) return 0;
      code = code << 6 | (byte[i] & 0x3f);
    }
    return code < kinds[n - 1].least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : n;
  }
  return 0;
}

char *NomosTextClean_Private(const char text[])
{
  char *copy = strdup(text);

  for (char *c = copy; c && *c;) {
    size_t n = CharacterBytes(c);
    if (!n) *c = '?';
    else if (n == 1 && iscntrl((unsigned char)*c)) *c = ' ';
    c += n ? n : 1;
  }
  return copy;
}

/* One run of text set alike. */
typedef struct {
  const char *start;
  size_t      length;
  int         script; /* 1 super, -1 sub, 0 neither */
} Run;

/* Length of the script behind `^` or `_`: `{...}` (then *braces), a signed integer, or a single letter that ends a word, so that the names of variables keep their
   underscores. 0: no script, the character stands for itself. */
static size_t ScriptLength(const char c[], bool *braces)
{
  const char *end = c;

  *braces = *c == '{' && (end = strchr(c, '}')) != NULL;
  if (*braces) return (size_t)(end - c) - 1;
  end = c + (*c == '-' || *c == '+');
  if (isdigit((unsigned char)*end)) return (size_t)(end - c) + strspn(end, "0123456789");
  if (!*c || isspace((unsigned char)*c) || *c == '{' || *c == '^' || *c == '_') return 0;
  end = c + CharacterBytes(c);
  return end > c && !isalnum((unsigned char)*end) && *end != '_' ? (size_t)(end - c) : 0;
}

/* The next run of *rest, which moves on. */
static Run NextRun(const char **rest)
{
  Run         run = {.start = *rest};
  const char *c   = *rest;
  bool        braces;
  size_t      n;

  if ((*c == '^' || *c == '_') && (n = ScriptLength(c + 1, &braces)) > 0) {
    run.script = *c == '^' ? 1 : -1;
    run.start  = c + 1 + braces;
    run.length = n;
    *rest      = run.start + n + braces;
    return run;
  }
  if (*c == '\\' && (c[1] == '^' || c[1] == '_' || c[1] == '\\')) run.start = ++c; /* for itself */
  do run.length++;
  while (c[run.length] && c[run.length] != '^' && c[run.length] != '_' && c[run.length] != '\\');
  *rest = c + run.length;
  return run;
}

/* Without any font installed cairo falls back to one of its own that knows ASCII only. */
static bool Knows(cairo_t *cairo, const char character[])
{
  cairo_scaled_font_t *font   = cairo_get_scaled_font(cairo);
  cairo_glyph_t       *glyphs = NULL;
  int                  n      = 0;
  bool                 known;

  if (cairo_scaled_font_get_type(font) == CAIRO_FONT_TYPE_USER) return false;
  known = cairo_scaled_font_text_to_glyphs(font, 0, 0, character, -1, &glyphs, &n, NULL, NULL, NULL) == CAIRO_STATUS_SUCCESS && n == 1 && glyphs[0].index != 0;
  cairo_glyph_free(glyphs);
  return known;
}

/* Append what stands for the character at c of n bytes: in a script a hyphen is a minus. Returns the bytes appended. */
static size_t AppendCharacter(cairo_t *cairo, const char c[], size_t n, bool script, char piece[])
{
  static const char *const plain[][2] = {{"−", "-"}, {"×", "x"}};

  if (script && *c == '-') {
    c = plain[0][0];
    n = strlen(c);
  }
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
    if (n != strlen(plain[i][0]) || strncmp(c, plain[i][0], n) || Knows(cairo, plain[i][0])) continue;
    c = plain[i][1];
    n = 1;
  }
  memcpy(piece, c, n);
  return n;
}

/* Set the line from the current point on; returns its width. */
static double SetLine(cairo_t *cairo, double size, const char text[], bool draw)
{
  double width = 0;
  char   piece[512];

  cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  while (*text) {
    cairo_text_extents_t extents;
    Run                  run   = NextRun(&text);
    double               shift = run.script > 0 ? -script_rise * size : run.script < 0 ? script_drop * size : 0;
    size_t               used  = 0;
    for (size_t i = 0, n; i < run.length && used + 4 < sizeof piece; i += n) {
      n = PetscMax(1, CharacterBytes(run.start + i));
      used += AppendCharacter(cairo, run.start + i, n, run.script != 0, piece + used);
    }
    piece[used] = '\0';
    cairo_set_font_size(cairo, run.script ? script_size * size : size);
    cairo_text_extents(cairo, piece, &extents);
    if (draw) {
      cairo_rel_move_to(cairo, 0, shift);
      cairo_show_text(cairo, piece);
      cairo_rel_move_to(cairo, 0, -shift);
    }
    width += extents.x_advance;
  }
  return width;
}

double NomosTextWidth_Private(cairo_t *cairo, double size, const char text[])
{
  return text ? SetLine(cairo, size, text, false) : 0;
}

void NomosTextDraw_Private(cairo_t *cairo, double size, double x, double y, double align, bool middle, const char text[])
{
  if (!text || !text[0]) return;
  cairo_move_to(cairo, x - align * NomosTextWidth_Private(cairo, size, text), y + (middle ? 0.36 * size : 0));
  SetLine(cairo, size, text, true);
}

double NomosTextFit_Private(cairo_t *cairo, double size, double room, const char text[])
{
  double width = NomosTextWidth_Private(cairo, size, text);
  return width > room ? fmax(4, size * room / width) : size;
}
