/* serving: a service that is a tow_server: its options made into one with handlers on its routes, what is
 * wrong with them or with listening told in one line, and the run until the drain has ended. */
#ifndef TOW_PROGRAM_SERVING_H
#define TOW_PROGRAM_SERVING_H

#include "handler/kind.h"
#include "service.h"

typedef struct tow_serving tow_serving;

enum { TOW_SERVING_HANDLERS_MAX = 4 };

/* What was made of a kind, to be read again and freed. */
typedef struct tow_made_handler {
    const tow_handler_kind *kind;
    void *user;
} tow_made_handler;

struct tow_serving {
    tow_service service; /* first; `kind` and `settings` are set, and the two functions; the rest is zeroed */
    int (*add_routes)(tow_serving *serving); /* to `server`; returns 0 or a tow_error, and has told of it */
    bool (*is_ready)(const tow_serving *serving); /* whether all routes are there; NULL: they are */
    void (*announce)(tow_serving *serving, const char *port, int number); /* logs what is served there */
    void (*before_end)(tow_serving *serving); /* lets go of what needs `server`; may be NULL */
    const char *listen_option;                /* what says where to listen; NULL: --port */
    char **ports;
    tow_made_handler handlers[TOW_SERVING_HANDLERS_MAX];
    size_t handler_count;
    tow_server *server;
    tow_nursery *nursery;                /* of all processes that its handlers start */
    const struct tow_channels *channels; /* what the doors to them share; NULL: there are none */
    int workers;
    struct tow_pusher *pusher; /* what its handlers are given; may be NULL */
    int descriptors_each;      /* that a connection takes with what it leads to; 0: its own */
    bool starting;             /* what the server says meanwhile, we say better */
    char failed[256];          /* what can't be listened on, as it was given; "": nothing */
    char failed_why[256];
    bool failed_is_status;
};

/* Serves on the addresses (NULL: the default one) until it is stopped, and frees the handlers; returns the
 * exit status. */
int tow_serving_run(tow_serving *serving, const char *const *listens);

/* Only tells whether it could be served, all but listening, and frees the handlers; returns the exit status.
 */
int tow_serving_check(tow_serving *serving, const char *const *listens);

/* A kind's on_stop, on_tick and on_reload. */
void tow_serving_stop(tow_service *service);
void tow_serving_tick(tow_service *service);
void tow_serving_reload(tow_service *service);

/* Has a handler made as its settings say, whose lines go to the service's log, before the run. `option`
 * (NULL: none) is which one says what is wrong. Errors: those of the kind, told. */
int tow_serving_make(tow_serving *serving, tow_handler *handler, const tow_handler_kind *kind,
    const void *settings, const char *option);

/* Frees the handlers when there is no run. */
void tow_serving_clear(tow_serving *serving);

/* Where its handlers are made, from add_routes on. */
tow_handler_place tow_serving_place(tow_serving *serving);

/* Each certificate of these settings with its key; to be freed. NULL without memory. */
tow_certificate *tow_serving_certificates(const tow_serve_settings *settings, size_t *count);

bool tow_serving_has_tls(const tow_serving *serving);

#endif
