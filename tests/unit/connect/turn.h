/* turn: what a proxy says, and what it must have heard before; both may hold zeros. */
#ifndef TOW_TESTS_TURN_H
#define TOW_TESTS_TURN_H

#include <stddef.h>

typedef struct test_turn {
    const char *heard;
    size_t heard_length;
    const char *says;
    size_t says_length;
} test_turn;

#define TURN(heard, says)                                                                                    \
    { heard, sizeof(heard) - 1, says, sizeof(says) - 1 }

#endif
