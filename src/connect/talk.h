/* talk: what the two kinds of proxy give to proxy_talk. */
#ifndef TOW_CONNECT_TALK_H
#define TOW_CONNECT_TALK_H

#include "connect/proxy_talk.h"

#include <sys/types.h>

/* Write what comes first. Errors: MEMORY, ARGUMENT. */
int tow_http_connect_begin(tow_proxy_talk *talk);
int tow_socks5_begin(tow_proxy_talk *talk);

/* Read one step from the front of talk->input. Return how many bytes it took, 0 when more must come, or an
 * error. The state tells when it is done. */
ssize_t tow_http_connect_step(tow_proxy_talk *talk);
ssize_t tow_socks5_step(tow_proxy_talk *talk);

/* Notes a text, behind the proxy's name, and returns `error`. */
__attribute__((format(printf, 3, 4))) int tow_proxy_refuse(
    tow_proxy_talk *talk, int error, const char *format, ...);

#endif
