#include "worker_fake.h"

#include "transport/timer.h"

#include <towline/error.h>

enum { HEADER = 5, ID = 8 };

static struct {
    worker all[WORKERS_MAX];
    int started;
    worker_behaviour behaviour;
    uint64_t seed;
} workers;

int __wrap_tow_command_start(tow_command *command, tow_byte_stream **stream, tow_loop *loop,
    const tow_command_options *options, const tow_byte_stream_options *stream_options);

void workers_begin(worker_behaviour behaviour, uint64_t seed) {
    workers.behaviour = behaviour;
    workers.seed = seed;
    workers.started = 0;
}

int workers_started(void) {
    return workers.started;
}

int workers_running(void) {
    int count = 0;
    for (int i = 0; i < workers.started && i < WORKERS_MAX; i++)
        count += workers.all[i].command != NULL;
    return count;
}

/* Below a number, more or less each alike. */
static size_t chance(worker *self, size_t below) {
    self->chance = self->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(self->chance >> 33) % below;
}

static void take_turn(tow_timer *timer);

static void turn_soon(worker *self) {
    int64_t delay = (int64_t)chance(self, 3) * TOW_MILLISECOND;
    if (!tow_timer_is_set(&self->turn))
        tow_timer_set(self->loop, &self->turn, tow_loop_now(self->loop) + delay, take_turn);
}

/* What it hears and says. */

void worker_say_bytes(worker *self, const void *bytes, size_t length) {
    if (length > WORKER_BYTES_MAX - self->said_length)
        return;
    memcpy(self->said + self->said_length, bytes, length);
    self->said_length += length;
}

void worker_say(worker *self, uint8_t type, const void *data, size_t length) {
    const uint8_t header[HEADER] = {
        (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length, type};
    if (HEADER + length > WORKER_BYTES_MAX - self->said_length)
        return;
    worker_say_bytes(self, header, HEADER);
    worker_say_bytes(self, data, length);
}

void worker_acknowledge(worker *self, const uint8_t *id, uint32_t count) {
    uint8_t entry[ID + 4] = {[ID + 2] = (uint8_t)(count >> 8), [ID + 3] = (uint8_t)count};
    memcpy(entry, id, ID);
    worker_say(self, TOW_SERVICE_ACKNOWLEDGE, entry, sizeof(entry));
}

static size_t hear_one(worker *self) {
    const uint8_t *bytes = self->heard;
    if (self->heard_length < HEADER)
        return 0;
    size_t length = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
    if (self->heard_length < HEADER + length)
        return 0;
    self->frames++;
    workers.behaviour(self, bytes[4], bytes + HEADER, length);
    return HEADER + length;
}

static void hear(worker *self) {
    size_t length;
    while (self->status < 0 && (length = hear_one(self)) > 0) {
        self->heard_length -= length;
        memmove(self->heard, self->heard + length, self->heard_length);
    }
}

/* A part, or all: borrowed memory that may be changed. */
static void let_out(worker *self) {
    static uint8_t part[WORKER_BYTES_MAX];
    size_t length = 1 + chance(self, self->said_length);
    memcpy(part, self->said, length);
    self->said_length -= length;
    memmove(self->said, self->said + length, self->said_length);
    tow_byte_stream_tell_bytes(self->handle, part, length);
}

/* Its end. */

void worker_exit(worker *self, int status) {
    self->status = status;
    turn_soon(self);
}

void worker_kill(worker *self) {
    if (self->said_length > 0)
        self->said_length = chance(self, self->said_length);
    worker_exit(self, 128 + 9);
}

static void exit_now(worker *self) {
    tow_command *command = self->command;
    self->command = NULL;
    command->child.pid = 0;
    command->status = self->status;
    command->on_exit(command);
}

/* Its owner wants no more of it. */
static void be_gone(worker *self) {
    if (self->status < 0)
        self->status = 128 + 15;
    if (self->command != NULL)
        exit_now(self);
    tow_byte_stream_tell_closed(self->handle);
}

static void take_turn(tow_timer *timer) {
    worker *self = (worker *)(void *)((char *)timer - offsetof(worker, turn));
    if (self->closed) {
        be_gone(self);
        return;
    }
    hear(self);
    if (self->paused)
        return;
    if (self->said_length > 0)
        let_out(self);
    if (self->closed || self->paused)
        return; /* it has a turn for that */
    if (self->said_length > 0) {
        turn_soon(self);
    } else if (self->status >= 0 && self->command != NULL) {
        exit_now(self);
        if (!self->closed)
            tow_byte_stream_tell_end(self->handle);
    }
}

/* Its stream. */

static int64_t write_pieces(void *user, const tow_bytes *pieces, size_t count) {
    worker *self = user;
    int64_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        size_t room = WORKER_BYTES_MAX - self->heard_length;
        size_t some = pieces[i].length < room ? pieces[i].length : room;
        memcpy(self->heard + self->heard_length, pieces[i].data, some);
        self->heard_length += some;
        taken += (int64_t)some;
    }
    turn_soon(self);
    return taken;
}

static void pause_reading(void *user) {
    ((worker *)user)->paused = true;
}

static void resume_reading(void *user) {
    worker *self = user;
    self->paused = false;
    turn_soon(self);
}

static void ignore(void *user) {
    (void)user;
}

static void close_stream(void *user) {
    worker *self = user;
    self->closed = true;
    turn_soon(self);
}

int __wrap_tow_command_start(tow_command *command, tow_byte_stream **stream, tow_loop *loop,
    const tow_command_options *options, const tow_byte_stream_options *stream_options) {
    static const tow_byte_stream_functions functions = {.write = write_pieces,
        .pause = pause_reading,
        .resume = resume_reading,
        .shutdown = ignore,
        .close = close_stream,
        .reset = close_stream};
    if (workers.started == WORKERS_MAX)
        return TOW_ERROR_SYSTEM;
    worker *self = &workers.all[workers.started];
    memset(self, 0, offsetof(worker, heard));
    int error = tow_byte_stream_new(&self->handle, loop, &functions, self, stream_options);
    if (error != 0)
        return error;
    self->number = workers.started++;
    self->chance = workers.seed * 1000 + (uint64_t)self->number;
    self->status = -1;
    self->loop = loop;
    self->command = command;
    command->on_exit = options->on_exit;
    command->child.pid = self->number + 1;
    command->child.watch.loop = loop;
    *stream = self->handle;
    return 0;
}

/* One that does as it should. */

static void send_back(worker *self, const uint8_t *data, size_t length) {
    uint8_t frame[200] = {0};
    bool again = data[ID] & TOW_SERVICE_AGAIN;
    memcpy(frame, data, ID);
    int written = snprintf((char *)frame + ID + 1, sizeof(frame) - ID - 1, "%s%.*s", again ? "again " : "",
        (int)(length - ID - 1), (const char *)data + ID + 1);
    worker_say(self, TOW_SERVICE_SEND, frame, ID + 1 + (size_t)written);
}

void worker_echo(worker *self, uint8_t type, const uint8_t *data, size_t length) {
    if (type == TOW_SERVICE_HELLO)
        worker_say(self, TOW_SERVICE_READY, "", 0);
    if (type == TOW_SERVICE_MESSAGE)
        send_back(self, data, length);
    if (type == TOW_SERVICE_OPEN || type == TOW_SERVICE_MESSAGE || type == TOW_SERVICE_CLOSED)
        worker_acknowledge(self, data, 1);
    if (type == TOW_SERVICE_DRAIN)
        worker_exit(self, 0);
}
