/* load: many connections that send messages, keep a number of them in flight, and check every byte that comes
 * back.
 *
 * WebSocket (ws://, wss://) does the opening handshake and masked frames; raw TCP and TLS (tcp://, tls://)
 * send the bare payloads, so that one generator measures a server with and without the protocol. What it
 * costs itself is kept below what a server costs: frames are made beforehand, and what one read answers is
 * asked for again in one write.
 */
#ifndef TOW_BENCH_LOAD_H
#define TOW_BENCH_LOAD_H

#include "bench/histogram.h"
#include "bench/traffic.h"

#include <towline/loop.h>

/* How far a run has come, for a person who waits. */
typedef struct tow_load_progress {
    int opened;        /* connections */
    int64_t elapsed;   /* nanoseconds of the measurement; 0 before it */
    uint64_t messages; /* answered in the measurement */
} tow_load_progress;

typedef struct tow_load_options { /* times in nanoseconds */
    const char *url;              /* ws or wss://HOST[:PORT][/PATH], tcp or tls://HOST:PORT */
    const char *origin;           /* of the opening handshake; NULL for none */
    const char *authorities;      /* with TLS: a PEM file, whom to trust; NULL: the system's */
    bool insecure;                /* with TLS: the server's certificate is not checked */
    int connections;              /* 1 at least */
    int in_flight;                /* messages under way on each connection; 0 opens and stays silent */
    size_t payload_length;
    tow_traffic_kind kind;
    int64_t duration; /* of the measurement */
    int64_t warm_up; /* load before it that is not counted; it lasts until nine of ten connections have had an
                        answer */
    double rate;     /* messages per second over all connections; 0: as fast as they are answered */
    int pid;         /* the server, where it runs on this machine; 0: unknown */
    bool count_system_calls; /* of the server: needs `pid` and the right to trace */
    void (*on_progress)(
        void *user, const tow_load_progress *progress); /* about four times a second; may be NULL */
    void *user;
} tow_load_options;

typedef struct tow_load_figures {
    int64_t elapsed;             /* nanoseconds that were measured */
    uint64_t messages;           /* answered in full */
    double messages_answered;    /* the same with the parts of those under way, by bytes */
    tow_histogram latency;       /* nanoseconds from a message's turn to be sent to its last byte back */
    int64_t generator_cpu;       /* nanoseconds */
    int64_t server_cpu;          /* nanoseconds; -1 unknown */
    int64_t server_system_calls; /* -1 unknown */
    int64_t server_memory; /* growth of the server's proportional set size since before the first connection,
                              bytes */
    double server_memory_per_connection; /* without what the first `server_memory_first` connections needed,
                                            which is also what the server needs once */
    int server_memory_first;
    int64_t server_memory_total; /* its proportional set size at the end; -1 unknown */
} tow_load_figures;

enum { TOW_LOAD_TEXT_MAX = 256 };

/* Runs a load to its end on a loop of its own. Returns 0, or an error with `text` saying what went wrong:
 * ARGUMENT, URL, NAME_NOT_FOUND, CERTIFICATE and what else the authorities' file fails with, what a
 * connection failed with, HTTP_STATUS and the other errors of the opening handshake, STATE (a wrong byte came
 * back), TIMED_OUT (not all connections opened), PERMISSION (system calls can't be counted), MEMORY.
 * `figures` is large: not for the stack. */
int tow_load_run(const tow_load_options *options, tow_load_figures *figures, char text[TOW_LOAD_TEXT_MAX]);

#endif
