/* paint: colours where a person reads along, nothing where a program does. */
#ifndef TOW_PROGRAM_PAINT_H
#define TOW_PROGRAM_PAINT_H

#include <stdbool.h>

typedef enum tow_colour {
    TOW_COLOUR_BOLD,
    TOW_COLOUR_DIM,
    TOW_COLOUR_RED,
    TOW_COLOUR_GREEN,
    TOW_COLOUR_CYAN,
    TOW_COLOUR_NONE
} tow_colour;

/* Whether what is written to this descriptor may have colours: a terminal that is not dumb, and no NO_COLOR
 * (no-color.org). */
bool tow_paint_wanted(int fd);

/* The sequences that begin and end a colour; "" when not `painted`. */
const char *tow_paint(bool painted, tow_colour colour);
const char *tow_paint_end(bool painted);

/* Columns of the terminal at this descriptor; `otherwise` where there is none. */
int tow_paint_columns(int fd, int otherwise);

#endif
