/* worker_fake: programs for many connections that are functions of a test, in the simulator: what they hear
 * and say goes by a byte stream in memory, in pieces and at times that a seed decides.
 *
 * Takes the place of tow_command_start (the link wraps it). Allocates nothing of its own but the stream. */
#ifndef TOW_TESTS_HANDLER_WORKER_FAKE_H
#define TOW_TESTS_HANDLER_WORKER_FAKE_H

#include "../unit.h"

#include "command.h"
#include "service/protocol.h"
#include "transport/loop.h"

enum { WORKERS_MAX = 64, WORKER_BYTES_MAX = 1 << 17 };

typedef struct worker worker;

struct worker {
    tow_command *command; /* NULL: it is over */
    tow_byte_stream *handle;
    tow_loop *loop;
    tow_timer turn;
    int number; /* from 0, of all that were started */
    int frames; /* that it has heard */
    size_t heard_length, said_length;
    uint64_t chance;
    int status; /* with which it has exited; -1: it runs */
    bool paused, closed;
    uint8_t heard[WORKER_BYTES_MAX], said[WORKER_BYTES_MAX];
};

/* What workers do with a frame; a test's. The frame is whole: type and what is behind it. */
typedef void (*worker_behaviour)(worker *self, uint8_t type, const uint8_t *data, size_t length);

/* For the workers that are started from now on. */
void workers_begin(worker_behaviour behaviour, uint64_t seed);

/* How many were started, and how many run. */
int workers_started(void);
int workers_running(void);

/* Has it write a frame, or bytes. What finds no room is not said. */
void worker_say(worker *self, uint8_t type, const void *data, size_t length);
void worker_say_bytes(worker *self, const void *bytes, size_t length);
void worker_acknowledge(worker *self, const uint8_t *id, uint32_t count);

/* It ends when it has said what it said: it hears nothing more. */
void worker_exit(worker *self, int status);

/* It is killed: a part of what it said may not have left. */
void worker_kill(worker *self);

/* Says that it is ready, sends messages back, with "again " before those that are given again, acknowledges
 * everything, and ends when it is drained. */
void worker_echo(worker *self, uint8_t type, const uint8_t *data, size_t length);

#endif
