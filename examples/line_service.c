/* A service that speaks lines, as many TCP protocols do: it answers each line with the same in capitals,
 * until the line "quit". The code of the service knows byte streams only: it runs over TCP and over
 * WebSocket. Usage: example-line-service [PORT [WEBSOCKET-PORT]] */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline.h>

enum { LINE_MAX = 1024 };

/* One for each connection: the line so far, and answers that the peer has not taken yet. */
typedef struct conversation {
    char line[LINE_MAX];
    size_t length;
    char answers[256 * 1024];
    size_t waiting;
    bool quits;
} conversation;

/* Writes what is waiting; while something is left the peer is not read. */
static void answers_send(tow_byte_stream *stream, conversation *talk) {
    int64_t taken = tow_byte_stream_write(stream, &(tow_bytes){talk->answers, talk->waiting}, 1);
    if (taken < 0)
        return; /* on_error tells */
    talk->waiting -= (size_t)taken;
    memmove(talk->answers, talk->answers + taken, talk->waiting);
    if (talk->waiting > 0)
        tow_byte_stream_pause(stream);
    else if (talk->quits)
        tow_byte_stream_shutdown(stream);
    else
        tow_byte_stream_resume(stream);
}

static void line_answer(tow_byte_stream *stream, conversation *talk) {
    if (talk->length == 4 && memcmp(talk->line, "quit", 4) == 0) {
        talk->quits = true;
        return;
    }
    if (talk->waiting + talk->length + 1 > sizeof(talk->answers)) { /* it sends, and reads no answers */
        tow_byte_stream_reset(stream);
        return;
    }
    for (size_t i = 0; i < talk->length; i++)
        talk->answers[talk->waiting++] = (char)toupper((unsigned char)talk->line[i]);
    talk->answers[talk->waiting++] = '\n';
}

static void on_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    conversation *talk = tow_byte_stream_user(stream);
    for (const char *byte = bytes; length > 0 && !talk->quits; byte++, length--) {
        if (*byte == '\n') {
            line_answer(stream, talk);
            talk->length = 0;
        } else if (talk->length < LINE_MAX) {
            talk->line[talk->length++] = *byte;
        } else {
            tow_byte_stream_reset(stream); /* no line is as long as that */
            return;
        }
    }
    answers_send(stream, talk);
}

static void on_writable(tow_byte_stream *stream) {
    answers_send(stream, tow_byte_stream_user(stream));
}

static void on_end(tow_byte_stream *stream) {
    tow_byte_stream_close(stream);
}

static void on_error(tow_byte_stream *stream, int error, const char *text) {
    fprintf(stderr, "%s\n", text);
    tow_byte_stream_close(stream);
}

static void on_closed(tow_byte_stream *stream) {
    free(tow_byte_stream_user(stream));
}

static const tow_byte_stream_options service = {.on_bytes = on_bytes,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_error = on_error,
    .on_closed = on_closed,
    .text = true};

static void start(tow_byte_stream *stream) {
    conversation *talk = calloc(1, sizeof(*talk));
    tow_byte_stream_set_user(stream, talk);
    if (talk == NULL)
        tow_byte_stream_reset(stream);
}

/* Over TCP, */
static void accepted(tow_byte_listener *listener, tow_byte_stream *stream) {
    start(stream);
}

/* and over WebSocket. */
static void opened(tow_websocket *socket) {
    tow_byte_stream *stream;
    if (tow_byte_stream_from_websocket(&stream, socket, &service) == 0)
        start(stream);
    else
        tow_websocket_close(socket, 1011, NULL);
}

int main(int count, char **arguments) {
    tow_loop *loop;
    tow_server *server;
    tow_byte_listener *listener;
    const char *port = count > 1 ? arguments[1] : "localhost:7000";
    tow_server_options options = {.listen = count > 2 ? arguments[2] : "localhost:7001"};
    if (tow_loop_new(&loop, NULL) != 0)
        return 1;
    options.loop = loop;
    if (tow_byte_listener_new(&listener, loop, port, accepted, &service) != 0 ||
        tow_server_new(&server, &options) != 0 ||
        tow_server_route(server, "/lines", &(tow_handler){.on_open = opened, .limits.max_message = 65536}) !=
            0 ||
        tow_server_listen(server) != 0)
        return 1;
    printf("lines on port %d, and at ws://localhost:%d/lines\n", tow_byte_listener_port(listener),
        tow_server_port(server, 0));
    fflush(stdout);
    return tow_server_run(server) != 0;
}
