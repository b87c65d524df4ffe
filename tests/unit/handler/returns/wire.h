/* wire: one connection of a client: what comes is read as responses, and as frames once it has become a
 * WebSocket. */
#ifndef TOW_TESTS_RETURNS_WIRE_H
#define TOW_TESTS_RETURNS_WIRE_H

#include "scene.h"

#include "http/response_reader.h"

#include <towline/protocol.h>

struct wire;

/* What may be NULL is not of interest. None of them opens, cuts or reads this wire; they may ask and say. */
struct wire_events {
    void (*piece)(struct wire *wire, tow_slice piece); /* of a body, as it comes */
    void (*answered)(struct wire *wire);               /* status and body are there */
    void (*opened)(struct wire *wire);                 /* it is a WebSocket */
    void (*heard)(struct wire *wire, tow_slice message);
    void (*closing)(struct wire *wire, uint16_t code, tow_slice reason);
    void (*over)(struct wire *wire); /* the server has ended it; also where it refused the WebSocket */
};

struct wire {
    struct peer peer;
    struct scene *scene;
    const struct wire_events *events;
    void *user;
    bool is_open;
    bool is_asking; /* a response is to come */
    bool wants_websocket;
    tow_receiver *receiver; /* NULL: it is none */
    tow_response_reader reader;
    int status;
    tow_buffer body;    /* of the response */
    tow_buffer message; /* as far as it has come */
};

void wire_open(struct wire *wire, struct scene *scene, const struct wire_events *events, void *user);

/* A request with further fields ("Name: value\r\n", or ""). */
void wire_ask(struct wire *wire, const char *method, const char *target, const char *fields, tow_slice body);
void wire_ask_for_websocket(struct wire *wire, const char *target, const char *fields);

void wire_say(struct wire *wire, tow_slice text);

/* Looks at what has come. */
void wire_read(struct wire *wire);

/* Whether it reads, meanwhile. Nothing happens if it is not open. */
void wire_pause(struct wire *wire, bool is_paused);

/* It ends, wherever it is, by FIN or by RST. Nothing happens if it is not open. */
void wire_cut(struct wire *wire);

#endif
