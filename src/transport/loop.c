#include "loop_shared.h"
#include "system_error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <towline/error.h>
#include <unistd.h>

/* Enough that a loop which falls behind sends each peer many messages at once, and so catches up. */
enum { WORK_A_ROUND = 16 * TOW_LETTER_WORK_MAX, LATE_MAX = 4 };
#define LATE_AFTER (8 * TOW_MILLISECOND)

/* So many streams may have whole turns in a round. */

int tow_loop_init(tow_loop *loop, const tow_loop_kind *kind, bool with_wake_fd) {
    memset(loop, 0, sizeof(*loop));
    loop->kind = kind;
    loop->wake_fd = loop->epoll = loop->timer_fd = -1;
    loop->attention_end = &loop->attention;
    int error = tow_cork_init(&loop->cork);
    if (error != 0)
        return error;
    if (with_wake_fd && (loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
        error = tow_system_error(errno);
    else
        error = tow_random_init(&loop->random);
    if (error != 0) {
        tow_loop_clear(loop);
        return error;
    }
    loop->now = kind->clock(loop);
    tow_timer_wheel_init(&loop->timers, loop->now);
    return 0;
}

void tow_loop_clear(tow_loop *loop) {
    tow_mailbox_clear(&loop->mailbox);
    tow_mailbox_clear(&loop->letters);
    const int descriptors[] = {loop->wake_fd, loop->epoll, loop->timer_fd};
    for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    tow_cork_clear(&loop->cork);
    if (loop->tls != NULL)
        loop->tls->free(loop->tls);
    free(loop->buffer);
}

static void attend(tow_loop *loop, bool gives_turns);

void tow_loop_owe(tow_loop *loop) {
    loop->closing++;
}

void tow_loop_paid(tow_loop *loop) {
    assert(loop->closing > 0);
    loop->closing--;
}

/* Streams that were closed are owed their on_closed; some wait for it, or for another last callback, by a
 * timer. */
static void pay_debts(tow_loop *loop) {
    loop->ends = true;
    do {
        attend(loop, false);
        tow_timer_wheel_fire(&loop->timers, loop->now);
    } while (loop->closing > 0 && loop->kind->turn(loop, true) == 0);
}

static void part_user_timers(tow_loop *loop) {
    if (loop->part_user_timers != NULL)
        loop->part_user_timers(loop);
}

void tow_loop_settle(tow_loop *loop) {
    loop->stepping = true;
    if (loop->end_children != NULL)
        loop->end_children(loop);
    pay_debts(loop);
}

void tow_loop_free(tow_loop *loop) {
    if (loop == NULL)
        return;
    loop->stepping = true;
    part_user_timers(loop);
    for (size_t i = 0; i < TOW_COMPANION_COUNT; i++)
        if (loop->companions[i] != NULL)
            loop->companions[i]->free(loop->companions[i]);
    tow_mailbox_clear(&loop->letters); /* those who drop them may have something open */
    tow_loop_settle(loop);
    part_user_timers(loop); /* those that callbacks have made meanwhile */
    loop->kind->free(loop);
}

void tow_loop_attend(tow_stream *stream) {
    if (stream->flags & STREAM_LISTED)
        return;
    tow_loop *loop = stream->loop;
    stream->flags |= STREAM_LISTED;
    stream->next = NULL;
    *loop->attention_end = stream;
    loop->attention_end = &stream->next;
    if (!loop->stepping)
        tow_loop_touch(loop);
}

static void count_turn(tow_loop *loop) {
    uint64_t round = loop->counters.rounds;
    if (loop->turns_round != round) {
        loop->crowd_before = loop->turns_round + 1 == round ? loop->crowd : 0;
        loop->crowd = 0;
        loop->turns_round = round;
    }
    loop->crowd++;
    tow_count(&loop->counters.turns);
}

int tow_loop_share(const tow_loop *loop, int whole, int together) {
    uint64_t crowd = loop->crowd > loop->crowd_before ? loop->crowd : loop->crowd_before;
    if (crowd * (uint64_t)whole <= (uint64_t)together || loop->counters.rounds > loop->turns_round + 1)
        return whole;
    int share = (int)((uint64_t)together / crowd);
    return share > 0 ? share : 1;
}

bool tow_loop_has_room(tow_loop *loop) {
    if (tow_loop_clock(loop) - loop->now < LATE_AFTER)
        return true;
    if (loop->late_round != loop->counters.rounds)
        loop->late_count = 0;
    loop->late_round = loop->counters.rounds;
    return loop->late_count++ < LATE_MAX;
}

/* Once a round: what is asked for in a turn comes in the next. */
static void give_turn(tow_loop *loop, tow_stream *stream, bool is_time) {
    if ((stream->flags & (STREAM_YIELDED | STREAM_FAILED | STREAM_CLOSED)) != STREAM_YIELDED)
        return;
    if (!is_time) {
        tow_loop_attend(stream);
        return;
    }
    tow_stream_clear_flags(stream, STREAM_YIELDED);
    count_turn(loop);
    stream->events->on_turn(stream);
}

/* Once a round, too. */
static void end_rest(tow_stream *stream, bool is_time) {
    if ((stream->flags & (STREAM_RESTING | STREAM_FAILED | STREAM_CLOSED)) != STREAM_RESTING)
        return;
    if (is_time)
        tow_stream_unblock(stream);
    else
        tow_loop_attend(stream);
}

static void attend_to(tow_loop *loop, tow_stream *stream, bool gives_turns) {
    if (stream->flags & STREAM_CLOSED) {
        if (!stream->class->close(stream))
            return;
        loop->open--;
        loop->closing--;
        stream->events->on_closed(stream);
        return;
    }
    if (stream->class->attend != NULL)
        stream->class->attend(stream);
    if ((stream->flags & (STREAM_FAILED | STREAM_TOLD)) == STREAM_FAILED) {
        stream->flags |= STREAM_TOLD;
        stream->events->on_error(stream, -stream->failure);
    }
    end_rest(stream, gives_turns);
    give_turn(loop, stream, gives_turns);
}

/* Callbacks may list streams anew; those wait for the next time, so that a round ends. */
static void attend(tow_loop *loop, bool gives_turns) {
    tow_stream *stream = loop->attention;
    loop->attention = NULL;
    loop->attention_end = &loop->attention;
    while (stream != NULL) {
        tow_stream *next = stream->next;
        tow_stream_clear_flags(stream, STREAM_LISTED);
        attend_to(loop, stream, gives_turns);
        stream = next;
    }
}

static bool has_mail(tow_loop *loop) {
    return !tow_mailbox_is_empty(&loop->mailbox) || !tow_mailbox_is_empty(&loop->letters);
}

static bool is_alive(tow_loop *loop) {
    return loop->open > 0 || loop->timers.count > 0 || has_mail(loop);
}

static bool must_hurry(tow_loop *loop) {
    return loop->attention != NULL || has_mail(loop) ||
           atomic_load_explicit(&loop->stop, memory_order_relaxed);
}

/* The time of the round is not asked: a long round would make the next timer as much late. */
int64_t tow_loop_patience(tow_loop *loop) {
    if (must_hurry(loop) || !is_alive(loop)) /* the last stream may just have gone */
        return 0;
    int64_t deadline = tow_timer_wheel_next(&loop->timers);
    if (deadline == INT64_MAX)
        return -1;
    int64_t left = deadline - loop->kind->clock(loop);
    return left > 0 ? left : 0;
}

static int round_once(tow_loop *loop, bool wait) {
    tow_count(&loop->counters.rounds);
    attend(loop, true);
    int error = loop->kind->turn(loop, wait);
    if (loop->timers.count > 0)
        tow_timer_wheel_fire(&loop->timers, loop->now);
    if (has_mail(loop)) {
        tow_mailbox_run(&loop->mailbox, SIZE_MAX);
        tow_mailbox_run(&loop->letters, WORK_A_ROUND);
    }
    return error;
}

/* What the last round left: nothing stays behind in memory when the loop is not stepped for a while. */
static void finish(tow_loop *loop) {
    attend(loop, false);
    loop->stepping = false;
    loop->kind->flush(loop);
    if (!loop->foreign)
        return;
    if (must_hurry(loop))
        tow_loop_touch(loop);
    else
        loop->kind->arm(loop, tow_timer_wheel_next(&loop->timers));
}

int tow_loop_run(tow_loop *loop) {
    if (loop == NULL)
        return TOW_ERROR_ARGUMENT;
    if (loop->stepping)
        return TOW_ERROR_STATE;
    loop->stepping = true;
    loop->touched = false;
    int error = 0;
    while (error == 0 && is_alive(loop) && !atomic_exchange(&loop->stop, false))
        error = round_once(loop, true);
    finish(loop);
    return error;
}

static int step(tow_loop *loop, bool wait) {
    if (loop->stepping)
        return TOW_ERROR_STATE;
    loop->stepping = true;
    loop->touched = false;
    int error = round_once(loop, wait);
    finish(loop);
    return error != 0 ? error : is_alive(loop);
}

int tow_loop_step(tow_loop *loop) {
    if (loop == NULL)
        return TOW_ERROR_ARGUMENT;
    return step(loop, false);
}

/* A stop that was meant for tow_loop_run would keep the round from waiting. What is listed is told before the
 * round waits, and may be what the caller waits for. */
int tow_loop_round(tow_loop *loop) {
    atomic_store(&loop->stop, false);
    return step(loop, loop->attention == NULL);
}

/* Signal handlers come here. A counter at its limit takes nothing: the loop will wake all the same. */
static void wake(tow_loop *loop) {
    const uint64_t once = 1;
    int before = errno;
    if (loop->wake_fd >= 0 && write(loop->wake_fd, &once, sizeof(once)) < 0)
        errno = before;
}

void tow_loop_touch(tow_loop *loop) {
    if (!loop->foreign || loop->touched)
        return;
    loop->touched = true;
    wake(loop);
}

void tow_loop_stop(tow_loop *loop) {
    if (loop == NULL)
        return;
    atomic_store(&loop->stop, true);
    wake(loop);
}

void tow_loop_post_letter(tow_loop *loop, tow_letter *letter) {
    assert(letter->work <= TOW_LETTER_WORK_MAX);
    if (tow_mailbox_put(&loop->letters, letter))
        wake(loop);
}

void tow_loop_post_urgently(tow_loop *loop, tow_letter *letter) {
    if (tow_mailbox_put(&loop->mailbox, letter))
        wake(loop);
}

int tow_loop_post(tow_loop *loop, void (*task)(void *argument), void *argument) {
    if (loop == NULL || task == NULL)
        return TOW_ERROR_ARGUMENT;
    int empty = tow_mailbox_put_task(&loop->mailbox, task, argument);
    if (empty < 0)
        return empty;
    if (empty)
        wake(loop);
    return 0;
}

int tow_loop_fd(tow_loop *loop) {
    if (loop == NULL)
        return TOW_ERROR_ARGUMENT;
    int fd = loop->kind->fd(loop);
    if (fd < 0 || loop->foreign)
        return fd;
    loop->foreign = true;
    tow_loop_touch(loop); /* what was begun before */
    return fd;
}

int64_t tow_loop_now(const tow_loop *loop) {
    if (loop == NULL)
        return 0;
    return loop->stepping ? loop->now : loop->kind->clock(loop);
}

int64_t tow_loop_clock(const tow_loop *loop) {
    return loop->kind->clock(loop);
}

const char *tow_loop_io(const tow_loop *loop) {
    return loop == NULL ? "" : loop->kind->name;
}

void tow_loop_random(tow_loop *loop, void *out, size_t length) {
    loop->kind->random(loop, out, length);
}

int64_t tow_loop_wall_seconds(tow_loop *loop) {
    return loop->kind->wall_milliseconds(loop) / 1000;
}

int64_t tow_loop_wall_milliseconds(const tow_loop *loop) {
    return loop->kind->wall_milliseconds(loop);
}

size_t tow_loop_open_count(const tow_loop *loop) {
    return loop->open;
}

bool tow_loop_has_descriptors(const tow_loop *loop) {
    return loop->epoll >= 0;
}

bool tow_loop_may_ask_system(const tow_loop *loop) {
    return !loop->no_name_thread;
}

void tow_loop_set_companion(tow_loop *loop, tow_companion_kind kind, tow_loop_companion *companion) {
    loop->companions[kind] = companion;
}

tow_loop_companion *tow_loop_get_companion(const tow_loop *loop, tow_companion_kind kind) {
    return loop->companions[kind];
}

const tow_loop_counters *tow_loop_count(const tow_loop *loop) {
    return &loop->counters;
}
