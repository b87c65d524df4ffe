/* stage: a loop with a client's socket on it that writes down what it hears, and a server of which the test
 * decides every byte. */
#ifndef TOW_TESTS_STAGE_H
#define TOW_TESTS_STAGE_H

#include "../unit.h"
#include "layer.h"

#include "base/buffer.h"
#include "client/client.h"
#include "http/head.h"
#include "protocol/close.h"
#include "protocol/opening.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/timer.h"

#include <towline/error.h>
#include <towline/websocket.h>

typedef struct stage {
    /* Set before stage_open. */
    tow_simulation_options simulation;
    bool real;
    const char *listen;                  /* default 127.0.0.1:0 */
    const char *scheme;                  /* default ws */
    const char *host;                    /* in the URL; default localhost */
    SSL_CTX *secret;                     /* the server speaks TLS; NULL: it does not */
    tow_websocket_options options;       /* the callbacks are the stage's */
    bool (*then_bytes)(struct stage *);  /* something came: true keeps it from being read as a request */
    void (*then_answer)(struct stage *); /* the request is whole; default: stage_accept("") */
    void (*apart)(bool begins); /* called around what the server does, which is no work of the library */
    bool answers_nothing;
    void (*then_open)(struct stage *);
    void (*then_message)(struct stage *);
    void (*then_error)(struct stage *);
    void (*then_close)(struct stage *);
    void (*then_head)(struct stage *, bool sent);
    /* The network. */
    tow_loop *loop;
    tow_listener listener;
    uint16_t port;
    char url[128];
    tow_timer timer;
    /* The server's end. */
    tow_stream stream;
    size_t accepts;
    bool adopted, server_ended, server_closed;
    test_layer layers[2]; /* of TLS, each inside of the one before */
    size_t layer_count;
    bool layer_failed;
    char request[64 * 1024]; /* all that came */
    size_t request_length;
    size_t head_length; /* of the request's head; 0 until it is whole */
    char accept[TOW_ACCEPT_LENGTH + 1];
    char answer[64 * 1024];
    size_t answer_length, answer_sent;
    bool answered; /* what is said before that is sent at once after it */
    size_t step;   /* at most so many bytes a write, 0: all */
    bool hangs_up; /* ends once the answer is sent */
    /* The client's end. */
    tow_websocket *socket;
    size_t opens, messages, errors, closes, heads_sent, heads_received;
    char last_message[1024];
    tow_error_event error;
    char error_text[600];
    tow_close_event close;
    int64_t closed_at;
} test_stage;

void stage_open(test_stage *stage);
/* Opens the client's socket; `path` is what comes behind the port. */
void stage_connect(test_stage *stage, const char *path);
void stage_close(test_stage *stage);
void stage_step(test_stage *stage);
void stage_run(test_stage *stage, int64_t nanoseconds);

#define stage_until(stage, condition)                                                                        \
    do {                                                                                                     \
        for (size_t stage_steps = 0; !(condition); stage_steps++) {                                          \
            if (stage_steps >= 100 * 1000)                                                                   \
                fail_msg("seed %llu: never happened: %s", (unsigned long long)(stage)->simulation.seed,      \
                    #condition);                                                                             \
            stage_step(stage);                                                                               \
        }                                                                                                    \
    } while (0)

/* The server's stream is closed, and takes another connection. */
void stage_renew(test_stage *stage);

/* From here on the server speaks TLS, inside of that which it speaks already. */
void stage_secure(test_stage *stage, SSL_CTX *context);

/* The server says something. */
void stage_say(test_stage *stage, const void *bytes, size_t length);
/* A right answer, with more fields. */
void stage_accept(test_stage *stage, const char *fields);

#endif
