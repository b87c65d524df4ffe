/* secrecy: a server's TLS: its texts, in memory, from which each worker makes a context of its own; those of
 * files are read anew by a reload. Streams that are open keep the context that they began with. */
#ifndef TOW_SERVER_SECRECY_H
#define TOW_SERVER_SECRECY_H

#include "settings.h"
#include "transport/tls.h"

#include <pthread.h>

typedef struct tow_pem_pair {
    char *certificate;
    char *key;
} tow_pem_pair;

typedef struct tow_pem_texts {
    tow_pem_pair *pairs;
    size_t count;
    char *roots;   /* of clients' certificates; NULL: none are asked for */
    char *revoked; /* certificates of clients; NULL: no list */
} tow_pem_texts;

typedef struct tow_secrecy {  /* zeroed: no TLS */
    tow_tls_tickets *tickets; /* NULL: no TLS */
    pthread_mutex_t loading;  /* of those that read texts anew, on any thread, one after the other */
    pthread_mutex_t mutex;    /* guards what follows against them */
    tow_pem_texts texts;
    tow_tls_sources given; /* certificates that took the place of the settings', if there are any */
    bool redirects;
} tow_secrecy;

/* Reads the files of the settings, or makes a certificate; nothing if the settings want no TLS. What is wrong
 * goes to the log. Errors: CERTIFICATE, PERMISSION, SYSTEM, MEMORY. */
int tow_secrecy_begin(tow_secrecy *secrecy, const tow_settings *settings);
void tow_secrecy_clear(tow_secrecy *secrecy);

static inline bool tow_secrecy_is_on(const tow_secrecy *secrecy) {
    return secrecy->tickets != NULL;
}

/* Reads the files again. Any thread. Errors as above: the texts are as before then. */
int tow_secrecy_reload(tow_secrecy *secrecy, const tow_settings *settings);

/* Takes other certificates from now on. Errors as above, and ARGUMENT: everything is as before then. */
int tow_secrecy_set_certificates(
    tow_secrecy *secrecy, const tow_settings *settings, const tow_certificate *certificates, size_t count);

/* A context of what was read last, for one worker. Errors as above. */
int tow_secrecy_context(tow_secrecy *secrecy, const tow_settings *settings, tow_tls_context **context);

#endif
