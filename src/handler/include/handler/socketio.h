/* socketio: a server of Socket.IO that needs no code: rooms are channels, into which clients come by what
 * they emit, and events are published to and from them by whoever may publish there (docs/socketio.md). */
#ifndef TOW_HANDLER_SOCKETIO_H
#define TOW_HANDLER_SOCKETIO_H

#include "handler/kind.h"

typedef struct tow_socketio_settings {
    const char *const *namespaces; /* ends with NULL; NULL: the main one */
    const char *const *channels; /* "NAMESPACE: CHANNEL", for those that do not go by the namespace's name */
    const char *const *rooms;    /* that everybody is in from the first */
    const char *const *share;    /* rooms that are the channels of their own names, or PREFIX* */
    int recovery_seconds;
    int connect_seconds;
    int max_rooms;
    int max_away;
} tow_socketio_settings;

extern const tow_handler_kind tow_socketio_kind;

#endif
