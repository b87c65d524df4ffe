/* protocol: what server and Python process say to each other: operations, each a length (four bytes, of what
 * follows the number), a number, and as many bytes. python/mod_pywebsocket/_link.py has the same. */
#ifndef TOW_HANDLER_PYTHON_PROTOCOL_H
#define TOW_HANDLER_PYTHON_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

enum {
    TOW_PYTHON_HEADER = 5,
    TOW_PYTHON_PART_MAX = 64 * 1024, /* bytes of a message, or for a peer, in an operation */
    TOW_PYTHON_OPERATION_MAX = TOW_PYTHON_PART_MAX + 64 /* of the host's */
};

typedef enum tow_python_operation {
    TOW_PYTHON_OPEN = 1, /* to the host: 8 bytes of version, 1: TLS, then texts behind 4 bytes of length each:
                            the peer's address, ours, the request's head */
    TOW_PYTHON_ACCEPT,   /* to us: 1 byte of flags, 2 bytes of length, the subprotocol, header lines */
    TOW_PYTHON_REFUSE,   /* to us: 2 bytes of status, a line */
    TOW_PYTHON_OPENED,   /* to the host: the extensions in use */
    TOW_PYTHON_CLOSE, /* to us: 1 byte: the peer's answer is awaited, and nothing else; both: 2 bytes of code,
                         0 or 1005 for none, the reason */
    TOW_PYTHON_CLOSED, /* to the host: 1 byte: clean, 2 bytes: the peer's code, 2 bytes: ours for a failure,
                          the reason */
    TOW_PYTHON_END,    /* to us: the handler is done */
    TOW_PYTHON_PING,   /* both: a payload */
    TOW_PYTHON_PONG,
    TOW_PYTHON_WRITE,   /* to us: bytes for the peer as they are */
    TOW_PYTHON_READ,    /* to us: 4 bytes: so many of the peer's are wanted ahead of the answer */
    TOW_PYTHON_BYTES,   /* to the host: those */
    TOW_PYTHON_CONTROL, /* to us: 1 byte: the handler answers Pings */
    /* of the process; the first 8 bytes are the version */
    TOW_PYTHON_LOAD,   /* to the host: a file */
    TOW_PYTHON_LOADED, /* to us */
    TOW_PYTHON_FAILED, /* to us: why */
    TOW_PYTHON_UNLOAD, /* to the host */
    TOW_PYTHON_LOG,    /* to us: 1 byte of level (instead of a version), a line */
    TOW_PYTHON_ALIVE,  /* to the host: whether it still serves; to us: it does */
    /* both: a message or a part of one: this and flags */
    TOW_PYTHON_DATA = 0x20
} tow_python_operation;

enum { TOW_PYTHON_BINARY = 1, TOW_PYTHON_FIRST = 2, TOW_PYTHON_LAST = 4, TOW_PYTHON_PLAIN = 8 };
enum { TOW_PYTHON_ACCEPT_UNCOMPRESSED = 1, TOW_PYTHON_ACCEPT_PROTOCOL = 2 };

/* An operation as it was read; `bytes` lie in what it was read from. */
typedef struct tow_python_said {
    uint8_t operation;
    const uint8_t *bytes;
    size_t length;
} tow_python_said;

/* Takes the first operation off the bytes. Returns 1, 0 (it has not come whole), or LIMIT (it is longer than
 * anything that the host says). */
int tow_python_next(const uint8_t **bytes, size_t *length, tow_python_said *said);

void tow_python_write_header(uint8_t out[TOW_PYTHON_HEADER], uint8_t operation, size_t length);

/* Numbers, high byte first. */
uint32_t tow_python_number(const uint8_t *bytes, size_t size);
uint64_t tow_python_version_of(const uint8_t bytes[8]);
void tow_python_put(uint8_t *out, uint64_t number, size_t size);

#endif
