#include "gathering.h"

#include "websocket/websocket.h"

#include <stdlib.h>
#include <towline/error.h>

/* Whatever more is held is counted first, so that nothing is copied that may not be held. */
static int hold(
    tow_socketio_connection *connection, tow_socketio_gathering *gathering, size_t more, tow_cause *cause) {
    size_t bytes = gathering->text.length + gathering->bytes.length + more;
    *cause = TOW_CAUSE_COUNT;
    if (connection->io->options.max_message > 0 && bytes > (uint64_t)connection->io->options.max_message)
        return TOW_ERROR_LIMIT;
    *cause = tow_unfinished_hold(connection->websocket->context, &gathering->held,
        tow_websocket_address_key(connection->websocket), bytes);
    return *cause == TOW_CAUSE_COUNT ? 0 : TOW_ERROR_LIMIT;
}

int tow_socketio_gathering_begin(tow_socketio_connection *connection, tow_slice text, tow_cause *cause) {
    tow_socketio_gathering *gathering = calloc(1, sizeof(*gathering));
    *cause = TOW_CAUSE_COUNT;
    int error = gathering == NULL ? TOW_ERROR_MEMORY : hold(connection, gathering, text.length, cause);
    if (error == 0)
        error = tow_buffer_append(&gathering->text, text.data, text.length);
    if (error == 0)
        error = tow_socketio_packet_read(
            &gathering->packet, (tow_slice){(const char *)gathering->text.data, gathering->text.length});
    if (error == 0)
        connection->gathering = gathering;
    else
        tow_socketio_gathering_free(connection, gathering);
    return error;
}

int tow_socketio_gathering_add(
    tow_socketio_connection *connection, const void *data, size_t length, tow_cause *cause) {
    tow_socketio_gathering *gathering = connection->gathering;
    int error = hold(connection, gathering, length, cause);
    if (error == 0)
        error = tow_buffer_reserve_exactly(&gathering->bytes, length);
    if (error == 0)
        error = tow_buffer_append(&gathering->bytes, data, length);
    if (error != 0)
        return error;
    gathering->ends[gathering->count++] = gathering->bytes.length;
    return gathering->count == gathering->packet.attachments;
}

tow_socketio_gathering *tow_socketio_gathering_take(tow_socketio_connection *connection) {
    tow_socketio_gathering *gathering = connection->gathering;
    connection->gathering = NULL;
    return gathering;
}

void tow_socketio_gathering_list(
    const tow_socketio_gathering *gathering, tow_socketio_attachment out[TOW_SOCKETIO_ATTACHMENTS_MAX]) {
    const char *bytes = gathering->bytes.data == NULL ? "" : (const char *)gathering->bytes.data;
    size_t begin = 0;
    for (size_t i = 0; i < gathering->count; i++) {
        out[i] = (tow_socketio_attachment){bytes + begin, gathering->ends[i] - begin};
        begin = gathering->ends[i];
    }
}

void tow_socketio_gathering_free(tow_socketio_connection *connection, tow_socketio_gathering *gathering) {
    if (gathering == NULL)
        return;
    tow_unfinished_hold(connection->websocket->context, &gathering->held, 0, 0);
    tow_buffer_clear(&gathering->text);
    tow_buffer_clear(&gathering->bytes);
    free(gathering);
}
