/* Small help with text: numbers as people write them, names that are nearly right, text that grows. */
#ifndef NOMOS_IO_TEXT_H
#define NOMOS_IO_TEXT_H

#include "io/base.h"

#include <stdio.h>

/* Longest text of a number that NomosNumberFormat writes, with its end. */
enum { NOMOS_NUMBER_SIZE = 32 };

/* The decimal number at the start of `text` (`12`, `-1.5e-11`, `.5`); returns where it ends, NULL if there is none. Hexadecimal, inf and nan are
   no numbers here. A number too large for a double gives inf, one too small gives NaN: not finite means out of range. Independent of the locale. */
const char *NomosNumberRead(const char text[], double *value);

/* The shortest text that reads back as exactly `value`. Independent of the locale. */
void NomosNumberFormat(double value, char text[NOMOS_NUMBER_SIZE]);

/* Closest name by edit distance among n, or NULL if none is near; for `did you mean`. Upper and lower case count as the same letter. */
const char *NomosNearestName(const char name[], size_t n, const char *const names[]);

/* The edit distance itself: insertions, deletions, substitutions and swaps of neighbours. SIZE_MAX when a name is longer than 2 NOMOS_MAX_NAME. */
size_t NomosNameDistance(const char a[], const char b[]);

/* `text` fit for an error of one line: shortened with `...` to what `out` holds, control characters as `?`. Returns `out`. */
const char *NomosTextShorten(const char text[], size_t n_out, char out[]);

/* `12.3 GB`; returns out. */
const char *NomosTextBytes(double bytes, char out[32]);

/* Bytes of the mark by which some programs (spreadsheets) begin a text in UTF-8, at the start of `text`; 0: there is none. */
size_t NomosTextMark(const char text[]);

/* The UTF-8 character at the start of `text`: its code, and its number of bytes (0: the bytes there are not UTF-8). */
size_t NomosTextCharacter(const char text[], unsigned *code);

/* Numbers separated by commas, nan and inf too: how many there are. 0: none (text may be NULL), more than `most`, or something else. */
size_t NomosTextNumbers(const char text[], size_t most, double values[]);

/* In a list (may be NULL) of entries NAME or NAME=VALUE what follows this NAME: "=VALUE...", the separator or the end; NULL: it is not there. */
const char *NomosTextEntry(const char list[], char separator, const char name[]);

/* What such an entry NAME=VALUE has: true, and the value, cut to what `value` holds; else `value` stays as it is. */
bool NomosTextValue(const char list[], char separator, const char name[], size_t n_value, char value[]);

/* "[2, 3, 4]"; returns text. */
const char *NomosShapeText(int n, const size_t shape[], char text[128]);

/* Print behind what is in `text` (n_text with its end); what does not fit is cut. */
void NomosTextAppend(size_t n_text, char text[], const char format[], ...) PETSC_ATTRIBUTE_FORMAT(3, 4);

/* Raises that there is no `name` among n: "SENTENCE; did you mean NEAR?; there are A, B, C" (PETSC_ERR_ARG_UNKNOWN_TYPE). */
PetscErrorCode NomosNameUnknown(MPI_Comm comm, const char name[], size_t n, const char *const names[], const char sentence[], ...) PETSC_ATTRIBUTE_FORMAT(5, 6);

/* Text of any length: what is printed to `out` between begin and end. `string`: the caller's to PetscFree. Errors: no memory. Not collective. */
typedef struct {
  FILE  *out;
  char  *written;
  size_t n;
} NomosText;
PetscErrorCode NomosTextBegin(NomosText *text);
PetscErrorCode NomosTextEnd(NomosText *text, char **string);

#endif
