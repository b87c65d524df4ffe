/* deflate_sample: what the tests of compression compress, and a writer of streams that no compressor would
 * write. */
#ifndef TOW_TESTS_DEFLATE_SAMPLE_H
#define TOW_TESTS_DEFLATE_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

typedef enum sample_kind {
    SAMPLE_TEXT,
    SAMPLE_NOISE,
    SAMPLE_ZEROS,
    SAMPLE_REPEATS,
    SAMPLE_KINDS
} sample_kind;

/* Fills `out`; the same seed gives the same bytes. REPEATS has matches at all distances up to 64 KiB. */
void sample_fill(uint8_t *out, size_t length, sample_kind kind, uint32_t seed);

/* Writes DEFLATE blocks with the fixed codes (RFC 1951, section 3.2.6), token by token, and stored ones. */
typedef struct sample_writer {
    uint8_t bytes[8192];
    size_t bit;
} sample_writer;

void sample_block_begin(sample_writer *writer, int final);
void sample_literal(sample_writer *writer, uint8_t literal);
void sample_match(sample_writer *writer, unsigned distance); /* of three bytes */
void sample_block_end(sample_writer *writer);
/* The header of a stored block, without LEN and NLEN. */
void sample_stored_begin(sample_writer *writer, int final);
void sample_byte(sample_writer *writer, uint8_t byte);
size_t sample_length(const sample_writer *writer);

#endif
