/* host: a server on a loop that answers one connection after the other by a script: refuses, vanishes at a
 * byte, or accepts and then says what the test wants. It allocates nothing itself. */
#ifndef TOW_TESTS_HOST_H
#define TOW_TESTS_HOST_H

#include "../unit.h"

#include "transport/listener.h"
#include "transport/stream.h"
#include "transport/timer.h"

/* What is done with a connection. Zeroed: accepted, and held. */
typedef struct host_act {
    const char *answer;      /* instead of the right answer to the opening handshake */
    int answer_milliseconds; /* until the answer */
    const char *frames;      /* behind the answer, `milliseconds` later; then our side ends */
    size_t length;           /* of them */
    int milliseconds;
    size_t cut;    /* the connection ends after so many bytes of the answer; 0: it does not */
    bool vanishes; /* ends at once: nothing is answered */
    bool resets;   /* where it ends, by a reset */
    bool stalls;   /* nothing is answered, and nothing ends */
} host_act;

typedef struct host_connection {
    tow_stream stream; /* first */
    struct host *host;
    const host_act *act;
    char request[2048];
    size_t request_length;
    char outgoing[2048];
    size_t outgoing_length, written;
    tow_timer timer;
    bool answered, answer_said, ends, ended, closed;
} host_connection;

enum { HOST_CONNECTIONS_MAX = 64 };

typedef struct host {
    const host_act *acts; /* the last one is for all that come behind it */
    size_t act_count;
    tow_loop *loop;
    tow_listener listener;
    uint16_t port;
    host_connection connections[HOST_CONNECTIONS_MAX];
    size_t accepts;
    int64_t accepted_at[HOST_CONNECTIONS_MAX];
} test_host;

void host_open(test_host *host, tow_loop *loop);

/* Ends all connections and the listener, and steps the loop until that is done. */
void host_close(test_host *host);

#endif
