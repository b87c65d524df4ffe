/* fuzz: what every fuzz target includes: a check that holds in every build. */
#ifndef TOW_TESTS_FUZZ_H
#define TOW_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#endif
