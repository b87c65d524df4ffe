/* serving: a service that is a tow_server: its options made into one, what is wrong with them or with
 * listening told in one line, files of --document-root, and the run until the drain has ended. */
#ifndef TOW_PROGRAM_SERVING_H
#define TOW_PROGRAM_SERVING_H

#include "handler/files.h"
#include "service.h"

typedef struct tow_serving tow_serving;

struct tow_serving {
    tow_service service; /* first; `kind` and `settings` are set, and the two functions; the rest is zeroed */
    int (*add_routes)(tow_serving *serving); /* to `server`; returns 0 or a tow_error */
    void (*announce)(tow_serving *serving, const char *port, int number); /* logs what is served there */
    char **ports;
    tow_files *files; /* NULL: no document root */
    tow_server *server;
    int workers;
    bool starting; /* what the server says meanwhile, we say better */
};

/* Serves on the addresses (NULL: the default one) until it is stopped; returns the exit status. */
int tow_serving_run(tow_serving *serving, const char *const *listens);

/* A kind's on_stop and on_reload. */
void tow_serving_stop(tow_service *service);
void tow_serving_reload(tow_service *service);

bool tow_serving_has_tls(const tow_serving *serving);

#endif
