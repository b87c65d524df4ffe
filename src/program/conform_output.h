/* conform_output: what `towline conform` shows: a bar while it runs, then the failures and a table of the
 * groups. */
#ifndef TOW_PROGRAM_CONFORM_OUTPUT_H
#define TOW_PROGRAM_CONFORM_OUTPUT_H

#include "conform/suite.h"

#include <stdint.h>

typedef struct tow_conform_output {
    tow_loop *loop;
    int64_t began;
    int64_t took; /* nanoseconds */
    size_t shown; /* of the bar: its step */
    bool has_bar;
    bool painted; /* the output */
} tow_conform_output;

void tow_conform_begin(tow_conform_output *output, tow_loop *loop);
void tow_conform_progress(tow_conform_output *output, const conform_suite *suite, size_t done, size_t total);
void tow_conform_end(tow_conform_output *output);

/* Prints the results; false when that failed. */
bool tow_conform_show(const tow_conform_output *output, const conform_suite *suite, bool verbose);

#endif
