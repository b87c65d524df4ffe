/* publisher: publishes to one channel of a server by HTTP, in batches: while the server has one, what comes
 * meanwhile is the next. Nothing is published twice, and the order stays. */
#ifndef TOW_PROGRAM_PUBLISHER_H
#define TOW_PROGRAM_PUBLISHER_H

#include "base/buffer.h"
#include "base/slice.h"
#include "client/http_client.h"
#include "exit_status.h"
#include "transport/timer.h"

typedef struct tow_publisher_options { /* texts outlive the publisher */
    const char *url;                   /* of the server's publishing */
    const char *unix_path;             /* NULL: the URL's host */
    const char *secret;                /* the key that the server wants */
    const tow_header_field *fields;    /* of the request, besides its own; ends with a NULL name */
    const char *channel;
    const char *event; /* NULL: the default */
    const char *key;   /* of the publications; NULL: none */
    tow_http_client_options client;
} tow_publisher_options;

typedef enum tow_publisher_form { TOW_PUBLISH_TEXT, TOW_PUBLISH_JSON, TOW_PUBLISH_BYTES } tow_publisher_form;

enum { TOW_PUBLISHER_BATCH = 1000 };

typedef struct tow_publisher_batch { /* private */
    tow_buffer items;                /* each with a comma behind it */
    size_t ends[TOW_PUBLISHER_BATCH];
    size_t count;
    size_t done; /* of these, published */
} tow_publisher_batch;

typedef struct tow_publisher {
    const tow_publisher_options *options;
    tow_loop *loop;
    void (*on_change)(struct tow_publisher *publisher); /* a batch was published, or it has failed */
    void *user;
    uint64_t published;
    tow_exit_status status;  /* of a failure, which was told on standard error: it does no more then */
    tow_http_client *client; /* private from here on */
    tow_http_call *call;
    tow_publisher_batch batches[2]; /* what the server has, and what comes next */
    unsigned sending;               /* the number of the first of these */
    unsigned attempts;
    char attempt[33]; /* the idempotency key */
    tow_header_field *fields;
    tow_buffer body;
    tow_timer again;
} tow_publisher;

/* Errors: as tow_http_client_new. */
int tow_publisher_begin(tow_publisher *publisher);
void tow_publisher_end(tow_publisher *publisher);

/* One more. Errors: ARGUMENT (it is not JSON), UTF8 (it is no text), MEMORY. */
int tow_publisher_add(tow_publisher *publisher, tow_publisher_form form, tow_slice data);

/* What the server has not answered for is told, and nothing more is done. */
void tow_publisher_give_up(tow_publisher *publisher);

/* Whether so much waits that one had better wait with the next. */
bool tow_publisher_is_full(const tow_publisher *publisher);
bool tow_publisher_is_idle(const tow_publisher *publisher);

#endif
