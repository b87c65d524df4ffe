/* unit: what every unit test includes: cmocka and the headers that it needs before itself. */
#ifndef TOW_TESTS_UNIT_H
#define TOW_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The step of a loop that would take long: 1 where all is wanted (script/test --all sets TOWLINE_ALL), else
 * `quick`. */
static inline unsigned unit_step(unsigned quick) {
    return getenv("TOWLINE_ALL") != NULL ? 1 : quick;
}

#endif
