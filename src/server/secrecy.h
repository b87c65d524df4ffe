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
    bool self_signed; /* until some are given */
} tow_secrecy;

/* Reads the files of the settings, or makes a certificate; nothing if the settings want no TLS. What is wrong
 * goes to the log. Errors: CERTIFICATE, PERMISSION, SYSTEM, MEMORY. */
int tow_secrecy_begin(tow_secrecy *secrecy, const tow_settings *settings);
void tow_secrecy_clear(tow_secrecy *secrecy);

static inline bool tow_secrecy_is_on(const tow_secrecy *secrecy) {
    return secrecy->tickets != NULL;
}

/* Whether the certificate was made for this run, and nothing can be read anew. Any thread. */
bool tow_secrecy_is_self_signed(tow_secrecy *secrecy);

/* Texts that were read anew and are known to be good, until they are taken or dropped: others who read some
 * wait for that. */
typedef struct tow_secrecy_draft {
    tow_pem_texts texts;
    tow_tls_sources sources; /* where they come from */
    bool is_given;           /* the certificates of the sources are its own, and not as they were */
} tow_secrecy_draft;

/* Reads these certificates, or with a count of 0 the files of those that there are. Any thread. Errors as
 * above, and ARGUMENT; the log says more. */
int tow_secrecy_read(tow_secrecy *secrecy, const tow_settings *settings, const tow_certificate *certificates,
    size_t count, tow_secrecy_draft *draft);
int tow_secrecy_draft_context(const tow_secrecy *secrecy, const tow_settings *settings,
    const tow_secrecy_draft *draft, tow_tls_context **context);
void tow_secrecy_take(tow_secrecy *secrecy, const tow_secrecy_draft *draft);
void tow_secrecy_drop(tow_secrecy *secrecy, tow_secrecy_draft *draft);

/* A context of what was taken last, for one worker. Errors as above. */
int tow_secrecy_context(tow_secrecy *secrecy, const tow_settings *settings, tow_tls_context **context);

#endif
