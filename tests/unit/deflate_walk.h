/* deflate_walk: reads a raw DEFLATE stream (RFC 1951) token by token, to tell how far back its references
 * reach.
 *
 * It keeps no output and shares no code with what it judges. */
#ifndef TOW_TESTS_DEFLATE_WALK_H
#define TOW_TESTS_DEFLATE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct deflate_walk {
    const uint8_t *data;
    size_t length;
    size_t bit;            /* position of the next bit */
    size_t written;        /* bytes that the stream stands for */
    unsigned max_distance; /* of all references */
    unsigned blocks;
    unsigned final_blocks;
} deflate_walk;

/* Reads whole blocks until the data is used up; a block after one with BFINAL set begins at the next byte.
 * False: not valid. */
bool deflate_walk_all(deflate_walk *walk, const uint8_t *data, size_t length);

#endif
