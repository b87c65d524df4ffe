/* towline/shared.h: a message that is encoded once and sent to many connections.
 *
 * A server that tells a thousand subscribers the same thing writes the frame once, and compresses it once for
 * each window that clients have agreed to. Where a peer is slow, its queue holds a reference, not a copy.
 *
 *     tow_shared *tick;
 *     if (tow_shared_new(&tick, TOW_TEXT, text, length) == 0) {
 *         for (size_t i = 0; i < count; i++)
 *             tow_websocket_send_shared(subscribers[i], tick);
 *         tow_shared_release(tick);
 *     }
 */
#ifndef TOWLINE_SHARED_H
#define TOWLINE_SHARED_H

#include <towline/message.h>
#include <towline/websocket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A message that does not change any more. It is freed with its last reference; queues of connections have
 * references of their own. */
typedef struct tow_shared tow_shared;

/* Makes a shared message of a copy of `data`, with one reference, which is the caller's. Any thread.
 * Errors: ARGUMENT (neither text nor binary), UTF8 (a text that is none), MEMORY. */
int tow_shared_new(tow_shared **shared, tow_message_type type, const void *data, size_t length);

/* One more reference, and one less. Any thread. NULL is allowed. */
void tow_shared_retain(tow_shared *shared);
void tow_shared_release(tow_shared *shared);

/* Sends the message, as tow_websocket_send does: limits, marks, compression and counters are the same, and so
 * are the answers but UTF8: the buffered amount in bytes, CONNECTING, CLOSED, QUEUE_FULL, STATE, MEMORY. The
 * caller keeps its reference. For the thread of the socket's loop; sockets on several loops may be sent the
 * same message at the same time.
 *
 * What is shared are a server's frames. A client masks each frame by a key of its own, and a connection with
 * context takeover compresses for itself: these copy. */
int64_t tow_websocket_send_shared(tow_websocket *socket, tow_shared *shared);

#ifdef __cplusplus
}
#endif

#endif
