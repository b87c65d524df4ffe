/* each_loop: runs a test on every kind of loop, and a pair of connected streams for it.
 *
 * A kernel that refuses io_uring fails the tests "… on io_uring" by name. */
#ifndef TOW_TESTS_EACH_LOOP_H
#define TOW_TESTS_EACH_LOOP_H

#include "../unit.h"

#include "base/buffer.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/stream.h"
#include "transport/timer.h"
#include "transport/tls.h"

#include <stdbool.h>
#include <towline/error.h>

/* What a test's state points to. */
typedef struct each_loop {
    tow_loop *loop;
    tow_timer deadline;
    bool timed_out;
} each_loop;

int each_loop_epoll(void **state);
int each_loop_uring(void **state);
int each_loop_simulated(void **state);
int each_loop_teardown(void **state);

#define ON_EPOLL(test)                                                                                       \
    { #test " on epoll", test, each_loop_epoll, each_loop_teardown, NULL }
#define ON_URING(test)                                                                                       \
    { #test " on io_uring", test, each_loop_uring, each_loop_teardown, NULL }
#define IN_THE_SIMULATOR(test)                                                                               \
    { #test " in the simulator", test, each_loop_simulated, each_loop_teardown, NULL }
#define ON_REAL_LOOPS(test) ON_EPOLL(test), ON_URING(test)
#define ON_EACH_LOOP(test) ON_REAL_LOOPS(test), IN_THE_SIMULATOR(test)

/* Runs the loop until `done(argument)`, at most some seconds of the loop's time; fails the test otherwise. */
void run_until(each_loop *each, bool (*done)(void *argument), void *argument);
/* Lets time pass. */
void run_for(each_loop *each, int64_t nanoseconds);
/* Lets time pass without stepping by hand: the loop sleeps as it would in a server. Returns how many rounds
 * it made. */
uint64_t sleep_in_loop(each_loop *each, int64_t nanoseconds);
/* Runs the loop until nothing keeps it alive. */
void run_to_the_end(each_loop *each);

/* A stream that notes all that happens to it. */
typedef struct test_end {
    tow_stream stream; /* first */
    tow_buffer received;
    tow_buffer unsent; /* written again from on_writable */
    int writable, ended, fins, error, errors, closed, reads, late_reads, turns;
    bool echo;              /* sends back what it receives, by the cork */
    bool close_at_end;      /* closes when the peer ended or an error came */
    bool forbidden;         /* closed by the owner: only on_closed may come */
    struct test_end *other; /* for on_bytes */
    void (*on_bytes)(struct test_end *end);
    void (*on_writable)(struct test_end *end);
    void (*on_turn)(struct test_end *end);
    tow_tls_context *tls; /* starts TLS when it is connected */
    const char *name;     /* with this server */
} test_end;

extern const tow_stream_events end_events;

/* Gives bytes to the cork, or to the queue while the stream is blocked. */
void end_send(test_end *end, const void *bytes, size_t length);
void end_close(test_end *end);
void end_clear(test_end *end);

/* Two ends, connected over TCP on the loop itself. */
typedef struct test_pair {
    each_loop *each;
    tow_listener listener;
    test_end client, server;
    bool accepted;
} test_pair;

void pair_open(test_pair *pair, each_loop *each);
/* The same over TLS, as soon as TCP is connected. */
void pair_open_tls(
    test_pair *pair, each_loop *each, tow_tls_context *server, tow_tls_context *client, const char *name);
/* From now on all pairs meet at one port, which the kernel picks for the first. */
void pair_open_uses_one_port(bool does);
/* From now on pair_open makes TLS streams; NULL: plain ones again. */
void pair_open_uses_tls(tow_tls_context *server, tow_tls_context *client);
/* The same for a group of tests, by an authority of its own: setup and teardown. */
int pairs_speak_tls(void **state);
int pairs_speak_plainly(void **state);
/* Once more inside of the TLS that both ends of an open pair speak. */
void pair_stack_tls(test_pair *pair, tow_tls_context *server, tow_tls_context *client);
/* From now on pair_open makes TLS streams inside of TLS streams. */
void pair_open_stacks_tls(bool does);
/* Closes what is open, runs the loop to its end, and checks that each end was closed once. */
void pair_close(test_pair *pair);
void pairs_close(test_pair *pairs, size_t count);

/* `length` bytes that differ from place to place. */
void fill_pattern(uint8_t *bytes, size_t length, size_t offset);
void assert_pattern(const uint8_t *bytes, size_t length);

#endif
