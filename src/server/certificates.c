#include "certificates.h"

#include "worker.h"

#include <stdlib.h>
#include <towline/error.h>

static void clear(tow_certificates *made, size_t count) {
    for (size_t i = 0; made->contexts != NULL && i < count; i++)
        tow_tls_context_release(made->contexts[i]);
    free(made->contexts);
    *made = (tow_certificates){0};
}

static int contexts_make(tow_certificates *made, tow_server *server) {
    int error = 0;
    made->contexts = calloc(server->worker_count, sizeof(tow_tls_context *));
    if (made->contexts == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; error == 0 && i < server->worker_count; i++)
        error =
            tow_secrecy_draft_context(&server->secrecy, &server->settings, &made->draft, &made->contexts[i]);
    return error;
}

int tow_certificates_make(
    tow_certificates *made, tow_server *server, const tow_certificate *certificates, size_t count) {
    *made = (tow_certificates){0};
    int error = tow_secrecy_read(&server->secrecy, &server->settings, certificates, count, &made->draft);
    if (error != 0)
        return error;
    made->is_made = true;
    error = contexts_make(made, server);
    if (error == 0)
        error = tow_errands_make(server, tow_worker_take_context, &made->letters);
    if (error != 0)
        tow_certificates_drop(made, server);
    return error;
}

/* A worker that begins later makes its own of what is read now: so that none misses both, it begins under the
 * mutex. */
static void contexts_give(tow_certificates *made, tow_server *server) {
    pthread_mutex_lock(&server->mutex);
    for (size_t i = 0; i < server->worker_count; i++) {
        tow_worker *worker = &server->workers[i];
        if (worker->loop == NULL)
            continue;
        tow_tls_context *before = worker->next_tls;
        worker->next_tls = made->contexts[i];
        made->contexts[i] = before;
    }
    pthread_mutex_unlock(&server->mutex);
}

void tow_certificates_take(tow_certificates *made, tow_server *server) {
    if (!made->is_made)
        return;
    tow_secrecy_take(&server->secrecy, &made->draft);
    contexts_give(made, server);
    tow_errands_leave(made->letters, true);
    clear(made, server->worker_count);
}

void tow_certificates_drop(tow_certificates *made, tow_server *server) {
    if (!made->is_made)
        return;
    tow_errands_leave(made->letters, false);
    tow_secrecy_drop(&server->secrecy, &made->draft);
    clear(made, server->worker_count);
}
