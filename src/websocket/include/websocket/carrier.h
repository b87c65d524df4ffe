/* carrier: takes messages across for sockets that are not RFC 6455's frames over a stream: a session of
 * Engine.IO, say.
 *
 * It stands in the behaviour; whoever has the socket makes both. tow_websocket_start opens the socket, which
 * has no stream then, but a pointer of the carrier's (socket->carried). From there on the socket calls the
 * carrier by its table, and the carrier tells the socket of its peer by the functions below, for the thread
 * of the socket's loop and never inside a call of the table. States, checks, limits of size, the policy for
 * what waits, pieces and shared messages are the socket's affair, as over frames, and so are silence and the
 * time that an end may take. Pings are not carried: a carrier has signs of life of its own. A message in
 * pieces is gathered, up to max_message, and counts as sent when it is whole. Messages that come slowly, and
 * a peer that takes nothing, are the carrier's: it alone sees their parts. */
#ifndef TOW_WEBSOCKET_CARRIER_H
#define TOW_WEBSOCKET_CARRIER_H

#include "protocol/packets.h"
#include "websocket/websocket.h"

struct tow_carrier {
    /* Takes a whole message of an open socket, text of which is UTF-8: has copied it, or is finished with it,
     * when it returns. Errors: MEMORY; nothing of it goes then. */
    int (*send)(tow_websocket *socket, tow_message_type type, const void *data, size_t length);
    /* Says, behind all that was sent, that our side closes: with a code (0: without) and a reason (may be
     * NULL); or answers the peer's Close. TOW_CLOSE_ABNORMAL: says nothing, and gives up what waits. Comes
     * once, or once more with TOW_CLOSE_ABNORMAL; tow_carried_gone follows in a later round, and in bounded
     * time. Errors: MEMORY; TOW_CLOSE_ABNORMAL comes next. */
    int (*close)(tow_websocket *socket, uint16_t code, const char *reason);
    /* Bytes of application data that were sent and wait to be taken. */
    uint64_t (*buffered)(const tow_websocket *socket);
    /* Tells of no message while it is paused, not even of what has come; then of what came meanwhile, in a
     * later round. A Close that comes behind messages waits with them. */
    void (*set_paused)(tow_websocket *socket, bool paused);
    /* For TOW_OVERFLOW_DROP_OLDEST, which refuses where this is NULL: gives up whole messages of which
     * nothing was taken, oldest first, until no more than `max` bytes wait; returns how many. */
    size_t (*drop)(tow_websocket *socket, uint64_t max);
    /* It carries no binary messages. */
    bool texts_only;
};

/* A message, lent until the call returns; not while it is paused. What is not UTF-8 or too large fails the
 * connection. */
void tow_carried_message(tow_websocket *socket, const tow_message *message);

/* The same for a packet that is one. */
void tow_carried_packet(tow_websocket *socket, const tow_packet *packet);

/* The peer lives, though it says nothing: it has asked for what there is, say. Whatever it says is as good.
 */
void tow_carried_heard(tow_websocket *socket);

/* The peer's Close: a code (1005: it had none) and a reason, which need not end with a zero. It is answered
 * by `close`, unless ours had gone before. */
void tow_carried_close(tow_websocket *socket, uint16_t code, const char *reason, size_t reason_length);

/* Less waits than before. */
void tow_carried_drain(tow_websocket *socket);

/* Why it is about to be over, in one line, where the error alone does not say it. */
void tow_carried_explain(tow_websocket *socket, const char *text);

/* The carrier is over and uses nothing of the socket any more: on_error, unless both sides have closed or
 * `error` is 0, then on_close and the owner's `gone`. */
void tow_carried_gone(tow_websocket *socket, int error);

#endif
