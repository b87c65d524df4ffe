#include "tls_sessions.h"

#include <stdlib.h>
#include <string.h>

static tow_tls_session *find(tow_tls_sessions *sessions, const char *key) {
    for (size_t i = 0; i < TOW_TLS_SESSIONS_MAX; i++)
        if (sessions->items[i].key != NULL && strcmp(sessions->items[i].key, key) == 0)
            return &sessions->items[i];
    return NULL;
}

/* A free place has age 0, so that it is the oldest. */
static tow_tls_session *oldest(tow_tls_sessions *sessions) {
    tow_tls_session *item = &sessions->items[0];
    for (size_t i = 1; i < TOW_TLS_SESSIONS_MAX; i++)
        if (sessions->items[i].age < item->age)
            item = &sessions->items[i];
    return item;
}

static void clear(tow_tls_session *item) {
    free(item->key);
    SSL_SESSION_free(item->session);
    *item = (tow_tls_session){0};
}

bool tow_tls_sessions_put(tow_tls_sessions *sessions, const char *key, SSL_SESSION *session) {
    char *copy = strdup(key);
    if (copy == NULL)
        return false;
    tow_tls_session *item = find(sessions, key);
    if (item == NULL)
        item = oldest(sessions);
    clear(item);
    *item = (tow_tls_session){.key = copy, .session = session, .age = ++sessions->count};
    return true;
}

SSL_SESSION *tow_tls_sessions_take(tow_tls_sessions *sessions, const char *key) {
    tow_tls_session *item = find(sessions, key);
    if (item == NULL)
        return NULL;
    SSL_SESSION *session = item->session;
    item->session = NULL;
    clear(item);
    return session;
}

void tow_tls_sessions_clear(tow_tls_sessions *sessions) {
    for (size_t i = 0; i < TOW_TLS_SESSIONS_MAX; i++)
        clear(&sessions->items[i]);
}
