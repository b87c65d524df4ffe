/* byte_stream_pair: two ends of a byte stream for tests, over TCP or over WebSocket, that note all that
 * happens to them. */
#ifndef TOW_TESTS_BYTE_STREAM_PAIR_H
#define TOW_TESTS_BYTE_STREAM_PAIR_H

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <towline/stream.h>

enum { SEEDS = 40, BYTES = 200 * 1000 };

typedef enum stream_kind { OVER_TCP, OVER_WEBSOCKET, OVER_TEXT, KINDS, OVER_LINES = KINDS } stream_kind;

/* What tests write; filled by samples_fill: a pattern, and UTF-8 of characters of one to four bytes, whole at
 * every length that the tests use. */
extern uint8_t noise[BYTES];
extern uint8_t text[BYTES];
int samples_fill(void **state);

typedef struct stream_side {
    tow_byte_stream *stream;
    struct stream_pair *pair;
    tow_buffer heard;
    const uint8_t *out;
    size_t length, done; /* of what is written */
    size_t step;         /* at most so many bytes a write, 0: all */
    bool shuts;          /* after the last */
    bool closes_at_end;
    bool pauses; /* after every delivery */
    size_t writables, ends, errors, closed, deliveries;
    size_t heard_at_end;
    int error;
    char error_text[200];
    int64_t refused; /* the last error of a write */
} stream_side;

typedef struct stream_pair {
    test_world world; /* first */
    stream_kind kind;
    int half_close_seconds;
    tow_byte_listener *listener;
    stream_side near, far; /* the client's, the server's */
} stream_pair;

/* What a side is opened with, and its callbacks, for streams that a test opens itself. */
tow_byte_stream_options options_of(const stream_pair *pair, const stream_side *side);
void side_on_error(tow_byte_stream *stream, int error, const char *why);
void side_on_closed(tow_byte_stream *stream);
void side_accepted(tow_byte_listener *listener, tow_byte_stream *stream);

/* Opens both ends, over what its kind says; and closes what is open. */
void open_pair(stream_pair *pair);
void close_pair(stream_pair *pair);

/* Has a side write these, in steps, which are lent; and asserts what it has heard. */
void write_all(stream_side *side, const uint8_t *bytes, size_t length);
void assert_side_heard(const stream_side *side, const uint8_t *bytes, size_t length);

/* A server's socket as a stream, and a peer of which the test decides every byte. */
void open_with_peer(stream_pair *pair);
void close_with_peer(stream_pair *pair);

#define FOR_EACH_KIND_AND_SEED(kind, seed)                                                                   \
    for (int kind = 0; kind < KINDS; kind++)                                                                 \
        for (uint64_t seed = 0; seed < SEEDS; seed += unit_step(3))

#endif
