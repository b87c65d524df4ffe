/* way: what the options say of the way to a server (URL, proxy, headers), made into options of a client's
 * socket. What is wrong with it is told in one line on standard error. */
#ifndef TOW_PROGRAM_WAY_H
#define TOW_PROGRAM_WAY_H

#include "base/buffer.h"
#include "connect.h"
#include "headers.h"

typedef struct tow_way {
    const tow_options *options; /* of the command whose way it is */
    const tow_connect_settings *settings;
    const char *proxy;     /* its URL, NULL: none */
    char proxy_place[280]; /* the same to show: without the password */
    bool is_secure;        /* TLS with the server */
    bool proxy_is_secure;
    tow_buffer url; /* private from here on */
    tow_headers headers;
} tow_way;

/* Options of TLS are refused for a ws:// without a proxy. `settings` are
 * a part of those of the options, `operand` is a URL; without a scheme it is one of ws. Returns 0 or the exit
 * status; in any case tow_way_clear frees what it owns. */
int tow_way_make(
    tow_way *way, const tow_options *options, const tow_connect_settings *settings, const char *operand);

/* Reads the files of TLS where the way needs them, and tells what is wrong with them, and that --insecure is
 * a risk. Returns 0 or the exit status. */
int tow_way_check(const tow_way *way, tow_loop *loop);

/* They borrow of the way, which may be cleared when the socket was opened. */
tow_websocket_options tow_way_options(const tow_way *way);
const char *tow_way_url(const tow_way *way);

/* Tells why tow_websocket_open refused; returns the exit status. */
int tow_way_refused(const tow_way *way, int error);

void tow_way_clear(tow_way *way);

#endif
