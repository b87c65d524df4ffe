/* libwebsockets_server: an echo server with libwebsockets, with compression and validation of text, as its
 * own examples write one: messages are collected, and written in pieces, one whenever the library says that
 * the connection is writable. Prints its port. */
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_MAX = 4096, MESSAGE_MAX = 16 * 1024 * 1024 };

typedef struct message {
    struct message *next;
    size_t length;
    size_t capacity;
    size_t written;
    bool ended; /* received whole */
    bool begun; /* its first piece is written */
    bool done;  /* its last one, too */
    enum lws_write_protocol type;
    unsigned char *bytes; /* behind LWS_PRE bytes of room */
} message;

typedef struct session {
    message *first;
    message *last;
} session;

static message *message_under_way(session *self, struct lws *wsi) {
    if (self->last != NULL && !self->last->ended)
        return self->last;
    message *next = calloc(1, sizeof(*next));
    if (next == NULL)
        return NULL;
    next->type = lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
    if (self->last == NULL)
        self->first = next;
    else
        self->last->next = next;
    self->last = next;
    return next;
}

static int receive(struct lws *wsi, session *self, const void *bytes, size_t length) {
    message *one = message_under_way(self, wsi);
    if (one == NULL || one->length + length > MESSAGE_MAX)
        return -1;
    if (one->bytes == NULL || one->length + length > one->capacity) {
        one->capacity = 2 * (one->length + length);
        unsigned char *grown = realloc(one->bytes, LWS_PRE + one->capacity);
        if (grown == NULL)
            return -1;
        one->bytes = grown;
    }
    memcpy(one->bytes + LWS_PRE + one->length, bytes, length);
    one->length += length;
    one->ended = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
    if (one->ended)
        lws_callback_on_writable(wsi);
    return 0;
}

static void drop_first(session *self) {
    message *gone = self->first;
    self->first = gone->next;
    if (self->first == NULL)
        self->last = NULL;
    free(gone->bytes);
    free(gone);
}

/* What was written is kept until the connection is writable again: the compressor may still read from it. */
static int write_piece(struct lws *wsi, session *self) {
    if (self->first != NULL && self->first->done)
        drop_first(self);
    message *one = self->first;
    if (one == NULL || !one->ended)
        return 0;
    size_t left = one->length - one->written;
    size_t piece = left < PIECE_MAX ? left : PIECE_MAX;
    int flags = lws_write_ws_flags((int)one->type, !one->begun, piece == left);
    unsigned char *at = one->bytes + LWS_PRE + one->written;
    one->begun = true;
    one->done = piece == left;
    one->written += piece;
    lws_callback_on_writable(wsi);
    return lws_write(wsi, at, piece, (enum lws_write_protocol)flags) < 0 ? -1 : 0;
}

static int callback(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *bytes, size_t length) {
    session *self = user;
    if (reason == LWS_CALLBACK_RECEIVE)
        return receive(wsi, self, bytes, length);
    if (reason == LWS_CALLBACK_SERVER_WRITEABLE)
        return write_piece(wsi, self);
    while (reason == LWS_CALLBACK_CLOSED && self->first != NULL)
        drop_first(self);
    return lws_callback_http_dummy(wsi, reason, user, bytes, length);
}

int main(void) {
    static const struct lws_protocols protocols[] = {
        {.name = "echo", .callback = callback, .per_session_data_size = sizeof(session)}, {.name = NULL}};
    static const struct lws_extension extensions[] = {
        {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate"}, {NULL, NULL, NULL}};
    struct lws_context_creation_info info = {.port = 0,
        .iface = "127.0.0.1",
        .protocols = protocols,
        .extensions = extensions,
        .options = LWS_SERVER_OPTION_VALIDATE_UTF8};
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context = lws_create_context(&info);
    if (context == NULL)
        return 1;
    printf("%d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
    fflush(stdout);
    while (lws_service(context, 0) >= 0)
        continue;
    lws_context_destroy(context);
    return 0;
}
