/* towline/error.h: what can go wrong, as one table.
 *
 * Every call that can fail returns 0 (or a count) on success and one of these negative codes on failure.
 * A call that fails has no effect and never runs its callback. Enum, name and text come from TOW_ERRORS. */
#ifndef TOWLINE_ERROR_H
#define TOWLINE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, text) */
#define TOW_ERRORS(X)                                                                                        \
    X(MEMORY, -1, "out of memory")                                                                           \
    X(ARGUMENT, -2, "an argument is not valid")                                                              \
    X(STATE, -3, "not possible in this state")                                                               \
    X(CONNECTING, -4, "the connection is not open yet: send from on_open")                                   \
    X(CLOSED, -5, "the connection is closing or closed")                                                     \
    X(SYSTEM, -6, "the system refused a call")                                                               \
    X(UNSUPPORTED, -7, "not supported here")                                                                 \
    X(LIMIT, -8, "a limit was reached")                                                                      \
    X(ADDRESS_IN_USE, -9, "the address is already in use")                                                   \
    X(ADDRESS, -10, "not an address")                                                                        \
    X(PERMISSION, -11, "permission denied")                                                                  \
    X(DESCRIPTORS, -12, "out of file descriptors")                                                           \
    X(REFUSED, -13, "connection refused")                                                                    \
    X(TIMED_OUT, -14, "timed out")                                                                           \
    X(RESET, -15, "the connection was reset by the peer")                                                    \
    X(ENDED, -16, "the peer ended the connection")                                                           \
    X(UNREACHABLE, -17, "the host or network is unreachable")                                                \
    X(NAME_NOT_FOUND, -18, "the name was not found")                                                         \
    X(URL, -19, "not a WebSocket URL")                                                                       \
    X(QUEUE_FULL, -20, "more than max-queue is waiting to be sent")                                          \
    X(TLS, -21, "TLS failed")                                                                                \
    X(CERTIFICATE, -22, "a certificate or its key is not valid")                                             \
    X(NO_FILE, -23, "there is no such file")                                                                 \
    X(NO_PROGRAM, -24, "the file is no program: it has no #! line")                                          \
    X(INTERPRETER, -25, "the interpreter that the file's #! line names was not found")                       \
    X(PROXY, -30, "the proxy refused")                                                                       \
    /* RFC 6455: frames */                                                                                   \
    X(RESERVED_BITS, -40, "a reserved bit is set that no extension defines")                                 \
    X(RESERVED_OPCODE, -41, "reserved opcode")                                                               \
    X(CONTROL_FRAGMENTED, -42, "a control frame is fragmented")                                              \
    X(CONTROL_TOO_LONG, -43, "a control frame is longer than 125 bytes")                                     \
    X(LENGTH_NOT_MINIMAL, -44, "the payload length is not minimally encoded")                                \
    X(LENGTH_TOO_LARGE, -45, "the payload length has its highest bit set")                                   \
    X(NOT_MASKED, -46, "a client's frame is not masked")                                                     \
    X(MASKED, -47, "a server's frame is masked")                                                             \
    X(CONTINUATION_EXPECTED, -48, "a new message began inside a fragmented one")                             \
    X(CONTINUATION_UNEXPECTED, -49, "a continuation without a message")                                      \
    X(CLOSE_LENGTH, -50, "a Close frame with a payload of one byte")                                         \
    X(CLOSE_CODE, -51, "a status code that must not be sent")                                                \
    X(UTF8, -52, "not valid UTF-8")                                                                          \
    X(MESSAGE_TOO_LARGE, -53, "the message is larger than max-message")                                      \
    X(COMPRESSED_DATA, -54, "the compressed data is not valid")                                              \
    X(PACKET, -55, "a packet of Engine.IO or SockJS against its rules")                                      \
    /* RFC 6455, section 4; RFC 9112: opening handshake and HTTP */                                          \
    X(HTTP_SYNTAX, -70, "not valid HTTP/1.1")                                                                \
    X(HTTP_TOO_LARGE, -71, "the HTTP head is larger than handshake-bytes")                                   \
    X(HTTP_STATUS, -72, "the server answered with another status than 101")                                  \
    X(HANDSHAKE_METHOD, -73, "an opening handshake needs GET over HTTP/1.1")                                 \
    X(HANDSHAKE_UPGRADE, -74, "Upgrade is not websocket")                                                    \
    X(HANDSHAKE_CONNECTION, -75, "Connection has no token upgrade")                                          \
    X(HANDSHAKE_KEY, -76, "Sec-WebSocket-Key is missing, repeated or not 16 bytes in base64")                \
    X(HANDSHAKE_VERSION, -77, "Sec-WebSocket-Version is not 13")                                             \
    X(HANDSHAKE_ACCEPT, -78, "Sec-WebSocket-Accept does not answer the key")                                 \
    X(HANDSHAKE_PROTOCOL, -79, "the subprotocol was not offered, not acknowledged or is not a token")        \
    X(HANDSHAKE_EXTENSION, -80, "an extension that was not offered, or with parameters that are not valid")

#define TOW_ERROR_ENUMERATOR(name, value, text) TOW_ERROR_##name = (value),
typedef enum tow_error { TOW_OK = 0, TOW_ERRORS(TOW_ERROR_ENUMERATOR) } tow_error;
#undef TOW_ERROR_ENUMERATOR

/* The text of an error, a static string; for a number that is no tow_error, "unknown error". Any thread. */
const char *tow_strerror(int error);

/* The name of an error, "TOW_ERROR_UTF8" for example; a static string. Any thread. */
const char *tow_error_name(int error);

#ifdef __cplusplus
}
#endif

#endif
