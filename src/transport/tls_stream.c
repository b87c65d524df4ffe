#include "tls_stream.h"

#include "tls_failure.h"
#include "tls_name.h"
#include "tls_records.h"
#include "tls_resumption.h"
#include "tls_waiting.h"
#include "transport/tls.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <towline/error.h>

enum { FIRST_BYTE_OF_TLS = 22 }; /* a record of the handshake: RFC 8446, section 5.1 */

static tow_tls_stream *of_layer(tow_stream_layer *layer) {
    return (tow_tls_stream *)layer;
}

/* Writing. */

static ssize_t send_pieces(tow_stream_layer *layer, const struct iovec *pieces, int count) {
    tow_tls_stream *tls = of_layer(layer);
    switch ((tow_tls_state)tls->state) {
    case TOW_TLS_PLAIN:
        return tow_stream_write(&layer->inner, pieces, count);
    case TOW_TLS_OPEN:
        return tow_tls_records_encrypt(tls, pieces, count);
    case TOW_TLS_HANDSHAKE:
        break;
    }
    return 0;
}

static void send_close_notify(tow_stream_layer *layer) {
    tow_tls_stream *tls = of_layer(layer);
    if (tls->state == TOW_TLS_OPEN && !(layer->outer->flags & STREAM_FAILED) &&
        !(SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN))
        (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

/* Reading. */

static void become_open(tow_tls_stream *tls, tow_tls_state state) {
    tls->state = (uint8_t)state;
    tow_stream_layer_open(&tls->layer);
}

static void shake_hands(tow_tls_stream *tls) {
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        become_open(tls, TOW_TLS_OPEN);
        return;
    }
    int error = tow_tls_failure_of(tls, result);
    if (error != 0)
        tow_stream_fail(tls->layer.outer, error);
}

static tow_tls_filling deliver_some(tow_tls_stream *tls) {
    tow_stream *outer = tls->layer.outer;
    uint8_t *buffer = NULL;
    size_t capacity = 0;
    size_t used = 0;
    int error = 0;
    if (outer->events->receive_into != NULL)
        buffer = outer->events->receive_into(outer, &capacity);
    if (buffer == NULL) {
        buffer = tow_tls_shared(tls)->plain;
        capacity = TOW_TLS_PLAIN_SIZE;
    }
    tow_tls_filling result = tow_tls_records_decrypt(tls, buffer, capacity, &used, &error);
    if (used > 0) {
        outer->events->on_bytes(outer, buffer, used);
        tow_stream_layer_reply(&tls->layer);
    }
    if (result == TOW_TLS_FAILED) /* the outer one may be another now: a layer over this one's */
        tow_stream_fail(tls->layer.outer, error);
    return result;
}

static void decrypt(tow_tls_stream *tls) {
    tow_tls_filling result = TOW_TLS_FILLED;
    while (result == TOW_TLS_FILLED && tow_stream_layer_is_hearing(&tls->layer))
        result = deliver_some(tls);
    if (result == TOW_TLS_ENDED && tow_stream_layer_is_hearing(&tls->layer))
        tow_stream_end(tls->layer.outer);
}

/* RFC 8446, section 5.1: what a client says first begins with the type of the handshake's records. */
static bool is_plain(const tow_tls_stream *tls, const uint8_t *bytes) {
    return tls->state == TOW_TLS_HANDSHAKE && tls->context->plain_too && bytes[0] != FIRST_BYTE_OF_TLS &&
           SSL_in_before(tls->ssl);
}

static void receive_records(tow_tls_stream *tls, const uint8_t *bytes, size_t length) {
    if (ERR_peek_error() != 0)
        ERR_clear_error(); /* somebody else's would be taken for ours */
    tow_tls_input input = {bytes, length};
    tls->input = &input;
    if (tls->state == TOW_TLS_HANDSHAKE)
        shake_hands(tls);
    if (tls->state == TOW_TLS_OPEN)
        decrypt(tls);
    tls->input = NULL;
}

/* A record may have come in part. */
static bool is_quiet(const tow_stream_layer *layer) {
    const tow_tls_stream *tls = (const tow_tls_stream *)layer;
    bool has_input = tls->input != NULL && tls->input->length > 0;
    return !has_input && (tls->ssl == NULL || SSL_has_pending(tls->ssl) == 0);
}

static void receive(tow_stream_layer *layer, uint8_t *bytes, size_t length) {
    tow_tls_stream *tls = of_layer(layer);
    if (tls->waiting == NULL && is_plain(tls, bytes))
        become_open(tls, TOW_TLS_PLAIN);
    if (tls->state != TOW_TLS_PLAIN && tow_tls_waits(tls, bytes, length))
        return;
    if (tls->state != TOW_TLS_PLAIN)
        receive_records(tls, bytes, length);
    else if (tow_stream_layer_is_live(layer))
        layer->outer->events->on_bytes(layer->outer, bytes, length);
}

/* The end. */

static int end(tow_stream_layer *layer) {
    tow_tls_stream *tls = of_layer(layer);
    if (tls->state == TOW_TLS_HANDSHAKE) {
        tow_tls_failure_note(tls, "the peer ended the connection during the TLS handshake");
        return TOW_ERROR_ENDED;
    }
    tls->truncated = tls->state == TOW_TLS_OPEN;
    return 0;
}

static void note_error(tow_stream_layer *layer, int error) {
    tow_tls_stream *tls = of_layer(layer);
    const char *text = tow_stream_failure_text(&layer->inner);
    if (text != NULL)
        tow_tls_failure_note(tls, text);
    else if (tls->state == TOW_TLS_HANDSHAKE && error == TOW_ERROR_RESET)
        tow_tls_failure_note(tls, "the peer reset the connection during the TLS handshake");
}

static void layer_free(tow_stream_layer *layer) {
    tow_tls_stream *tls = of_layer(layer);
    tow_tls_waiting_end(tls);
    SSL_free(tls->ssl);
    tow_tls_context_release(tls->context);
    free(tls->name);
    free(tls->text);
    free(tls);
}

static const tow_layer_kind kind = {
    .receive = receive,
    .send = send_pieces,
    .is_quiet = is_quiet,
    .take_leave = send_close_notify,
    .end = end,
    .fail = note_error,
    .free = layer_free,
};

tow_tls_stream *tow_tls_stream_of(const tow_stream *stream) {
    tow_stream_layer *layer = tow_stream_layer_of(stream);
    return layer != NULL && layer->kind == &kind ? of_layer(layer) : NULL;
}

/* The beginning. */

static int prepare_ssl(tow_tls_stream *tls) {
    tls->ssl = SSL_new(tls->context->ssl);
    if (tls->ssl == NULL || SSL_set_app_data(tls->ssl, tls) != 1)
        return TOW_ERROR_MEMORY;
    int error = tow_tls_records_attach(tls);
    if (error != 0)
        return error;
    X509_VERIFY_PARAM_set_time(SSL_get0_param(tls->ssl), tow_loop_wall_seconds(tls->layer.outer->loop));
    if (tls->context->server)
        SSL_set_accept_state(tls->ssl);
    else
        SSL_set_connect_state(tls->ssl);
    return tls->name == NULL ? 0 : tow_tls_name_set(tls);
}

/* From plain to TLS. */
static int secure(tow_tls_stream *tls, tow_tls_context *context, const char *server_name) {
    if (context->checks_name && server_name == NULL)
        return TOW_ERROR_ARGUMENT;
    tls->context = tow_tls_context_retain(context);
    bool named = server_name != NULL && !context->server;
    if (named && (tls->name = tow_tls_name_copy(server_name)) == NULL)
        return TOW_ERROR_MEMORY;
    int error = prepare_ssl(tls);
    if (error == 0 && !context->server)
        error = tow_tls_resume(tls);
    ERR_clear_error();
    if (error != 0)
        return error;
    tls->state = TOW_TLS_HANDSHAKE;
    tow_stream_layer_begin(&tls->layer);
    if (!context->server)
        shake_hands(tls);
    return 0;
}

static int insert(tow_stream *outer) {
    tow_tls_stream *tls = tow_tls_of_loop(outer->loop) == NULL ? NULL : calloc(1, sizeof(*tls));
    if (tls == NULL)
        return TOW_ERROR_MEMORY;
    tls->state = TOW_TLS_PLAIN;
    int error = tow_stream_layer_insert(&tls->layer, &kind, outer);
    if (error != 0)
        free(tls);
    return error;
}

int tow_stream_prepare_tls(tow_stream *stream) {
    return tow_tls_stream_of(stream) != NULL ? TOW_ERROR_STATE : insert(stream);
}

int tow_stream_start_tls(tow_stream *stream, tow_tls_context *context, const char *server_name) {
    if (context->checks_name && server_name == NULL)
        return TOW_ERROR_ARGUMENT;
    int error = tow_stream_prepare_tls(stream);
    return error != 0 ? error : secure(tow_tls_stream_of(stream), context, server_name);
}

/* What speaks TLS already gets a layer over it. */
static int stack(tow_stream *stream) {
    const tow_tls_stream *tls = tow_tls_stream_of(stream);
    if (tls->context == NULL)
        return 0;
    return tls->state == TOW_TLS_OPEN ? insert(stream) : TOW_ERROR_STATE;
}

int tow_stream_start_prepared_tls(tow_stream *stream, tow_tls_context *context, const char *server_name,
    const uint8_t *rest, size_t rest_length) {
    const tow_tls_stream *prepared = tow_tls_stream_of(stream);
    if (prepared == NULL || !tow_stream_layer_is_live(&prepared->layer))
        return TOW_ERROR_STATE;
    tow_stream_flush(stream);
    if (stream->flags & STREAM_BLOCKED)
        return TOW_ERROR_STATE;
    int error = stack(stream);
    if (error != 0)
        return error;
    tow_tls_stream *tls = tow_tls_stream_of(stream);
    error = tow_stream_layer_keep_early(&tls->layer, rest, rest_length);
    if (error == 0)
        error = secure(tls, context, server_name);
    if (rest_length > 0)
        tow_loop_attend(stream);
    return error;
}

/* Questions. */

bool tow_stream_is_secure(const tow_stream *stream) {
    const tow_tls_stream *tls = tow_tls_stream_of(stream);
    return tls != NULL && tls->state != TOW_TLS_PLAIN;
}

bool tow_stream_is_handshaking(const tow_stream *stream) {
    const tow_tls_stream *tls = tow_tls_stream_of(stream);
    return tls != NULL && tls->state == TOW_TLS_HANDSHAKE;
}

const char *tow_stream_failure_text(const tow_stream *stream) {
    const tow_tls_stream *tls = tow_tls_stream_of(stream);
    return tls == NULL ? NULL : tls->text;
}

const tow_stream *tow_stream_beneath(const tow_stream *stream) {
    const tow_tls_stream *tls = tow_tls_stream_of(stream);
    return tls == NULL || tls->layer.memory == NULL ? NULL : &tls->layer.inner;
}

bool tow_stream_is_truncated(const tow_stream *stream) {
    const tow_tls_stream *tls = tow_tls_stream_of(stream);
    return tls != NULL && tls->truncated;
}
