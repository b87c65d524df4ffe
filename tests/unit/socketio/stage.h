/* stage: a server of Socket.IO in the simulator, whose packets are plain messages of WebSocket, and an
 * application on it that does what the protocol's own suite asks of one, and writes down what it hears. */
#ifndef TOW_TESTS_SOCKETIO_STAGE_H
#define TOW_TESTS_SOCKETIO_STAGE_H

#include "../server/world.h"

#include <towline/error.h>
#include <towline/socketio.h>

enum { ID_LENGTH = sizeof("private-") - 1 + 20 /* of a socket */ };

enum { STAGE_SOCKETS = 64 };

struct stage {
    struct world world;
    tow_socketio *io;
    tow_buffer heard;                            /* lines, with a zero behind */
    tow_socketio_socket *sockets[STAGE_SOCKETS]; /* those that are connected, in their order */
    size_t socket_count;
    /* Called first in the callback of that name, if set. */
    void (*then_connect)(
        struct stage *stage, tow_socketio_socket *socket, const tow_socketio_arguments *auth);
    void (*then_event)(struct stage *stage, tow_socketio_socket *socket, const tow_socketio_event *event);
    void (*then_disconnect)(struct stage *stage, tow_socketio_socket *socket);
};

/* Namespaces "/", which greets with "auth", echoes and tells all that it hears, and "/custom", which greets.
 * The room "shared" is one channel for both. */
void stage_begin(struct stage *stage, uint64_t seed, const tow_socketio_options *options);
void stage_begin_with(struct stage *stage, const tow_simulation_options *simulation,
    const tow_server_options *server, const tow_socketio_options *options);
void stage_end(struct stage *stage);

/* Whether a line was heard; and that it was. */
bool stage_heard(const struct stage *stage, const char *line);
void stage_expect(struct stage *stage, const char *line);

/* A peer whose connection is open; and one in the main namespace, whose greeting has come. */
void peer_open(struct peer *peer, struct stage *stage);
void peer_enter(struct peer *peer, struct stage *stage);

/* Messages, of any length. */
void peer_say(struct peer *peer, const char *text);
void peer_bytes(struct peer *peer, const void *bytes, size_t length);
void peer_expect_text(struct peer *peer, const char *text);
bool peer_has_text(const struct peer *peer, const char *text);

/* Runs until the server's Close has come, with this code. */
void peer_expect_close(struct peer *peer, uint16_t code);

/* The payload of the last CONNECT that was answered: 20 characters and a zero. */
void peer_id(const struct peer *peer, char id[ID_LENGTH + 1]);

#endif
