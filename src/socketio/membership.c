/* membership: the rooms that the application puts a socket into, and takes it out of. */
#include "ending.h"
#include "rooms.h"
#include "socket.h"
#include "socketio/parts.h"

#include <string.h>
#include <towline/error.h>

static tow_socketio_room *find(const tow_socketio_socket *socket, const char *name) {
    tow_socketio_room *room = socket->rooms;
    while (room != NULL && !tow_slice_equals(tow_socketio_room_name(room), name))
        room = room->next;
    return room;
}

bool tow_socketio_is_in(const tow_socketio_socket *socket, const char *name) {
    if (socket == NULL || name == NULL || socket->stage != TOW_SOCKETIO_CONNECTED)
        return false;
    return strcmp(socket->id, name) == 0 || find(socket, name) != NULL;
}

int tow_socketio_join(tow_socketio_socket *socket, const char *name) {
    if (socket == NULL || name == NULL || name[0] == '\0')
        return TOW_ERROR_ARGUMENT;
    int error = tow_socketio_socket_let_in(socket);
    if (error != 0 || tow_socketio_is_in(socket, name))
        return error;
    if (socket->room_count >= socket->scope->io->options.max_rooms)
        return TOW_ERROR_LIMIT;
    return tow_socketio_room_add(socket, tow_slice_from(name), NULL);
}

int tow_socketio_leave(tow_socketio_socket *socket, const char *name) {
    tow_socketio_room *room = socket == NULL || name == NULL ? NULL : find(socket, name);
    if (room == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_socketio_room_remove(room);
    return 0;
}

void tow_socketio_sift(tow_socketio_socket *socket, tow_socketio_stays stays) {
    if (socket->stage != TOW_SOCKETIO_CONNECTED)
        return;
    for (tow_socketio_room *room = socket->rooms, *next; room != NULL; room = next) {
        next = room->next;
        if (!tow_socketio_room_stays(room, stays))
            tow_socketio_room_remove(room);
    }
    if (!tow_socketio_room_stays(&socket->all, stays))
        tow_socketio_expel(socket);
}
