/* WebSocket without a transport: an echo server over standard input and output, for inetd, socat or a test to
 * give it a connection. Only the protocol core is used (towline/protocol.h): reading and writing are this
 * program's own. Try it with: socat TCP-LISTEN:9998,fork,reuseaddr EXEC:./sans_io, and towline connect
 * ws://localhost:9998/ */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <towline.h>
#include <unistd.h>

enum { HEAD_MAX = 8192, READ_MAX = 65536 };

/* One connection: reading goes on in this memory, so the receiver may work in place. */
struct connection {
    tow_receiver *receiver;
    bool closing; /* a Close was sent */
    uint8_t bytes[READ_MAX];
};

static bool write_all(const void *data, size_t length) {
    for (const char *from = data; length > 0;) {
        ssize_t count = write(STDOUT_FILENO, from, length);
        if (count < 0)
            return false;
        from += count;
        length -= (size_t)count;
    }
    return true;
}

static bool write_frame(uint8_t opcode, bool final, const void *payload, size_t length) {
    uint8_t bytes[TOW_FRAME_HEADER_MAX];
    tow_frame_header header = {.opcode = opcode, .final = final, .payload_length = length};
    return write_all(bytes, tow_frame_header_write(bytes, &header)) && write_all(payload, length);
}

static bool write_close(struct connection *connection, uint16_t code) {
    uint8_t payload[TOW_CONTROL_PAYLOAD_MAX];
    size_t length = tow_close_payload_write(payload, code, NULL, 0);
    connection->closing = true;
    return write_frame(TOW_OPCODE_CLOSE, true, payload, length);
}

/* A piece of a message goes back as a fragment, so that nothing is collected however long a message is. */
static bool echo(const tow_received *piece) {
    uint8_t opcode = piece->first ? piece->type : TOW_OPCODE_CONTINUATION;
    return write_frame(opcode, piece->last, piece->data, piece->length);
}

static bool answer_close(struct connection *connection, const tow_received *event) {
    uint16_t code;
    const char *reason;
    size_t reason_length;
    tow_close_payload_read(event->data, event->length, &code, &reason, &reason_length); /* it is valid */
    return write_close(connection, code);
}

static bool answer(struct connection *connection, tow_received_kind kind, const tow_received *event) {
    switch (kind) {
    case TOW_RECEIVED_DATA:
        return echo(event);
    case TOW_RECEIVED_PING:
        return write_frame(TOW_OPCODE_PONG, true, event->data, event->length);
    case TOW_RECEIVED_CLOSE:
        return answer_close(connection, event);
    case TOW_RECEIVED_FAILED:
        fprintf(stderr, "%s\n", tow_strerror(event->error));
        return write_close(connection, tow_close_code_for_error(event->error));
    case TOW_RECEIVED_PONG:
    case TOW_RECEIVED_NOTHING:
        return true;
    }
    return false;
}

/* What was read goes in, what it means comes out. */
static bool receive(struct connection *connection, size_t length) {
    static const tow_receiver_rules rules = {.role = TOW_ROLE_SERVER, .max_message = 16 << 20};
    uint8_t *bytes = connection->bytes;
    tow_received event;
    tow_received_kind kind;
    do {
        kind = tow_receiver_next(connection->receiver, &rules, &bytes, &length, &event);
        if (!answer(connection, kind, &event))
            return false;
    } while (kind > TOW_RECEIVED_NOTHING && !connection->closing);
    return true;
}

/* Reads up to the empty line, a byte at a time: what follows is the receiver's. */
static bool read_head(char head[HEAD_MAX]) {
    for (size_t length = 0; length < HEAD_MAX - 1;) {
        if (read(STDIN_FILENO, head + length, 1) != 1)
            return false;
        head[++length] = 0;
        if (length >= 4 && memcmp(head + length - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

/* The value of the header field, up to the end of its line; "" if there is none. */
static const char *field_value(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':')
            return line + 3 + length + strspn(line + 3 + length, " \t");
    }
    return "";
}

/* A real server looks at method, Upgrade, Connection, Sec-WebSocket-Version, Host and Origin as well. */
static bool open_connection(void) {
    char head[HEAD_MAX];
    char accept[TOW_ACCEPT_LENGTH + 1];
    if (!read_head(head))
        return false;
    const char *key = field_value(head, "Sec-WebSocket-Key");
    if (strcspn(key, " \t\r\n") != TOW_KEY_LENGTH || tow_opening_accept(accept, key) != 0) {
        printf("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return false;
    }
    printf("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: %s\r\n\r\n",
        accept);
    return fflush(stdout) == 0;
}

int main(void) {
    static struct connection connection;
    if (!open_connection() || tow_receiver_new(&connection.receiver) != 0)
        return 1;
    while (!connection.closing) {
        ssize_t length = read(STDIN_FILENO, connection.bytes, READ_MAX);
        if (length <= 0 || !receive(&connection, (size_t)length))
            break;
    }
    tow_receiver_free(connection.receiver);
    return connection.closing ? 0 : 1;
}
