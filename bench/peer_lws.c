/* peer_lws: an echo server with libwebsockets, on its own poll loop, as its documentation would have one
 * written: whole messages are collected, and one is written whenever the library says that the connection is
 * writable. */
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECEIVE_BUFFER = 4096, QUEUE_MAX = 1024 };

struct message {
    struct message *next;
    size_t length;
    size_t capacity;
    enum lws_write_protocol type;
    unsigned char bytes[]; /* LWS_PRE of room, then the payload */
};

struct session {
    struct message *incoming; /* not complete yet */
    struct message *first;    /* complete, to be sent */
    struct message *last;
    int queued;
};

static int collect(struct lws *wsi, struct session *session, const void *bytes, size_t length) {
    struct message *message = session->incoming;
    size_t before = message == NULL ? 0 : message->length;
    size_t needed = before + length + lws_remaining_packet_payload(wsi);
    if (message == NULL || message->capacity < needed) {
        struct message *grown = realloc(message, sizeof(*grown) + LWS_PRE + needed);
        if (grown == NULL)
            return -1;
        if (message == NULL)
            *grown = (struct message){.type = lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT};
        grown->capacity = needed;
        session->incoming = message = grown;
    }
    memcpy(message->bytes + LWS_PRE + before, bytes, length);
    message->length = before + length;
    return 0;
}

static int receive(struct lws *wsi, struct session *session, const void *bytes, size_t length) {
    if (collect(wsi, session, bytes, length) != 0)
        return -1;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
        return 0;
    struct message *message = session->incoming;
    session->incoming = NULL;
    message->next = NULL;
    if (session->first == NULL)
        session->first = message;
    else
        session->last->next = message;
    session->last = message;
    if (++session->queued == QUEUE_MAX)
        lws_rx_flow_control(wsi, 0);
    lws_callback_on_writable(wsi);
    return 0;
}

static int send_first(struct lws *wsi, struct session *session) {
    struct message *message = session->first;
    if (message == NULL)
        return 0;
    int written = lws_write(wsi, message->bytes + LWS_PRE, message->length, message->type);
    session->first = message->next;
    free(message);
    if (session->queued-- == QUEUE_MAX)
        lws_rx_flow_control(wsi, 1);
    if (session->first != NULL)
        lws_callback_on_writable(wsi);
    return written < 0 ? -1 : 0;
}

static void clear(struct session *session) {
    free(session->incoming);
    while (session->first != NULL) {
        struct message *next = session->first->next;
        free(session->first);
        session->first = next;
    }
}

static int callback(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *bytes, size_t length) {
    if (reason == LWS_CALLBACK_RECEIVE)
        return receive(wsi, user, bytes, length);
    if (reason == LWS_CALLBACK_SERVER_WRITEABLE)
        return send_first(wsi, user);
    if (reason == LWS_CALLBACK_CLOSED)
        clear(user);
    return 0;
}

int main(void) {
    const struct lws_protocols protocols[] = {
        {.name = "echo",
            .callback = callback,
            .per_session_data_size = sizeof(struct session),
            .rx_buffer_size = RECEIVE_BUFFER},
        {.name = NULL},
    };
    struct lws_context_creation_info info = {.port = 0, .iface = "127.0.0.1", .protocols = protocols};
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context = lws_create_context(&info);
    if (context == NULL) {
        fputs("libwebsockets: no context\n", stderr);
        return 1;
    }
    printf(
        "listening on 127.0.0.1:%d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
    fflush(stdout);
    while (lws_service(context, 0) >= 0)
        continue;
    lws_context_destroy(context);
    return 0;
}
