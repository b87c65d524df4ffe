#include "door.h"

#include "server/entrance.h"

#include <string.h>
#include <towline/error.h>

bool tow_door_serves(const tow_door *door, tow_slice channel) {
    bool begins = channel.length >= door->length && memcmp(channel.data, door->name, door->length) == 0;
    return begins && (door->path_length > 0 || channel.length == door->length);
}

int tow_door_read(const tow_door *door, const tow_exchange *exchange, char name[TOW_CHANNEL_NAME_MAX]) {
    char below[TOW_CHANNEL_NAME_MAX];
    memcpy(name, door->name, door->length);
    if (door->path_length == 0)
        return (int)door->length;
    const tow_slice path = tow_exchange_route_path(exchange);
    const tow_slice rest = {path.data + door->path_length, path.length - door->path_length};
    int length = rest.length > 0 ? tow_channel_name_decode(rest, below) : 0;
    if (length <= 0)
        return length;
    if (door->length + (size_t)length > TOW_CHANNEL_NAME_MAX)
        return TOW_ERROR_ARGUMENT;
    memcpy(name + door->length, below, (size_t)length);
    return (int)door->length + length;
}
