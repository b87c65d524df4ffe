/* socks5: a connection through a SOCKS 5 proxy (RFC 1928), with user and password where it wants them (RFC
 * 1929). */
#include "talk.h"

#include "transport/address.h"

#include <netinet/in.h>
#include <string.h>
#include <towline/error.h>

enum {
    VERSION = 5,
    METHOD_NONE = 0,
    METHOD_PASSWORD = 2,
    METHOD_NO_MATCH = 0xff,
    PASSWORD_VERSION = 1,
    COMMAND_CONNECT = 1,
    ADDRESS_IPV4 = 1,
    ADDRESS_NAME = 3,
    ADDRESS_IPV6 = 4,
    NAME_MAX_LENGTH = 255
};

int tow_socks5_begin(tow_proxy_talk *talk) {
    static const uint8_t without[] = {VERSION, 1, METHOD_NONE};
    static const uint8_t with[] = {VERSION, 2, METHOD_NONE, METHOD_PASSWORD};
    if (strlen(talk->host) > NAME_MAX_LENGTH)
        return TOW_ERROR_ARGUMENT;
    talk->state = TOW_PROXY_GREETED;
    if (talk->proxy->user == NULL)
        return tow_buffer_append(&talk->output, without, sizeof(without));
    return tow_buffer_append(&talk->output, with, sizeof(with));
}

static int append_text(tow_buffer *output, const char *text) {
    uint8_t length = (uint8_t)strlen(text); /* at most 255: tow_proxy_read saw to it */
    int error = tow_buffer_append(output, &length, 1);
    return error != 0 ? error : tow_buffer_append(output, text, length);
}

/* RFC 1929, section 2. */
static int send_password(tow_proxy_talk *talk) {
    static const uint8_t version = PASSWORD_VERSION;
    talk->state = TOW_PROXY_AUTHENTICATED;
    int error = tow_buffer_append(&talk->output, &version, 1);
    if (error == 0)
        error = append_text(&talk->output, talk->proxy->user);
    return error != 0 ? error : append_text(&talk->output, talk->proxy->password);
}

/* RFC 1928, section 5. */
static int append_target(tow_proxy_talk *talk) {
    tow_address addresses[TOW_ADDRESSES_MAX] = {0};
    const void *storage = &addresses[0].storage;
    int count = tow_address_from_host(talk->host, talk->port, addresses);
    uint8_t kind = count != 1                                  ? ADDRESS_NAME
                   : addresses[0].storage.ss_family == AF_INET ? ADDRESS_IPV4
                                                               : ADDRESS_IPV6;
    int error = tow_buffer_append(&talk->output, &kind, 1);
    if (error != 0)
        return error;
    if (kind == ADDRESS_NAME)
        return append_text(&talk->output, talk->host);
    if (kind == ADDRESS_IPV4)
        return tow_buffer_append(&talk->output, &((const struct sockaddr_in *)storage)->sin_addr, 4);
    return tow_buffer_append(&talk->output, &((const struct sockaddr_in6 *)storage)->sin6_addr, 16);
}

/* RFC 1928, section 4. */
static int send_request(tow_proxy_talk *talk) {
    static const uint8_t head[] = {VERSION, COMMAND_CONNECT, 0};
    const uint8_t port[] = {(uint8_t)(talk->port >> 8), (uint8_t)talk->port};
    talk->state = TOW_PROXY_REQUESTED;
    int error = tow_buffer_append(&talk->output, head, sizeof(head));
    if (error == 0)
        error = append_target(talk);
    return error != 0 ? error : tow_buffer_append(&talk->output, port, sizeof(port));
}

static int no_socks(tow_proxy_talk *talk) {
    return tow_proxy_refuse(talk, TOW_ERROR_PROXY, "answered with something else than SOCKS 5");
}

/* RFC 1928, section 3. */
static ssize_t read_method(tow_proxy_talk *talk, const uint8_t *bytes) {
    int error = 0;
    if (bytes[0] != VERSION)
        return no_socks(talk);
    if (bytes[1] == METHOD_NONE)
        error = send_request(talk);
    else if (bytes[1] == METHOD_PASSWORD && talk->proxy->user != NULL)
        error = send_password(talk);
    else if (bytes[1] == METHOD_NO_MATCH)
        return tow_proxy_refuse(talk, TOW_ERROR_PROXY,
            talk->proxy->user == NULL ? "wants a user and a password"
                                      : "wants another authentication than user and password");
    else
        return no_socks(talk);
    if (error != 0)
        return tow_proxy_refuse(talk, error, "could not be asked: %s", tow_strerror(error));
    return 2;
}

static ssize_t read_password_answer(tow_proxy_talk *talk, const uint8_t *bytes) {
    if (bytes[1] != 0)
        return tow_proxy_refuse(talk, TOW_ERROR_PROXY, "does not accept the user and password");
    int error = send_request(talk);
    return error != 0 ? tow_proxy_refuse(talk, error, "could not be asked: %s", tow_strerror(error)) : 2;
}

/* RFC 1928, section 6. */
static int refuse(tow_proxy_talk *talk, unsigned reply) {
    static const struct {
        int error;
        const char *text;
    } replies[] = {
        [1] = {TOW_ERROR_PROXY, "general failure"},
        [2] = {TOW_ERROR_PROXY, "not allowed by its rules"},
        [3] = {TOW_ERROR_UNREACHABLE, "network unreachable"},
        [4] = {TOW_ERROR_UNREACHABLE, "host unreachable"},
        [5] = {TOW_ERROR_REFUSED, "connection refused"},
        [6] = {TOW_ERROR_TIMED_OUT, "time to live expired"},
        [7] = {TOW_ERROR_PROXY, "it can't connect"},
        [8] = {TOW_ERROR_PROXY, "it does not know this kind of address"},
    };
    if (reply >= sizeof(replies) / sizeof(replies[0]))
        return tow_proxy_refuse(
            talk, TOW_ERROR_PROXY, "did not reach %s port %u: reply %u", talk->host, talk->port, reply);
    return tow_proxy_refuse(talk, replies[reply].error, "did not reach %s port %u: %s", talk->host,
        talk->port, replies[reply].text);
}

/* How long a reply is, or 0 while that can't be told, or -1. */
static int reply_length(const uint8_t *bytes, size_t length) {
    enum { HEAD = 4, PORT = 2 };
    if (length <= HEAD)
        return 0;
    switch (bytes[3]) {
    case ADDRESS_IPV4:
        return HEAD + 4 + PORT;
    case ADDRESS_IPV6:
        return HEAD + 16 + PORT;
    case ADDRESS_NAME:
        return HEAD + 1 + bytes[4] + PORT;
    default:
        return -1;
    }
}

static ssize_t read_reply(tow_proxy_talk *talk, const uint8_t *bytes, size_t length) {
    if (bytes[0] != VERSION)
        return no_socks(talk);
    if (bytes[1] != 0)
        return refuse(talk, bytes[1]);
    int whole = reply_length(bytes, length);
    if (whole < 0)
        return no_socks(talk);
    if (whole == 0 || length < (size_t)whole)
        return 0;
    talk->state = TOW_PROXY_DONE;
    return whole;
}

ssize_t tow_socks5_step(tow_proxy_talk *talk) {
    const uint8_t *bytes = talk->input.data;
    size_t length = talk->input.length;
    if (length < 2)
        return 0;
    switch (talk->state) {
    case TOW_PROXY_GREETED:
        return read_method(talk, bytes);
    case TOW_PROXY_AUTHENTICATED:
        return read_password_answer(talk, bytes);
    case TOW_PROXY_REQUESTED:
        return read_reply(talk, bytes, length);
    case TOW_PROXY_ASKED:
    case TOW_PROXY_DONE:
        break;
    }
    return 0;
}
