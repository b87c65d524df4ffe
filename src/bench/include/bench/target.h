/* target: where a load goes, read from its URL. */
#ifndef TOW_BENCH_TARGET_H
#define TOW_BENCH_TARGET_H

#include "transport/address.h"

typedef struct tow_load_target {
    bool framed;                              /* ws:// and wss:// ; false: bare bytes, tcp:// and tls:// */
    bool secure;                              /* wss:// and tls:// */
    char authority[TOW_ADDRESS_TEXT_MAX];     /* HOST[:PORT] as in the URL */
    char host[TOW_ADDRESS_TEXT_MAX];          /* the name that a certificate must have */
    const char *path;                         /* borrowed from the URL; "/" if it has none */
    tow_address addresses[TOW_ADDRESSES_MAX]; /* to be tried in order */
    int address_count;
} tow_load_target;

/* Reads "ws://HOST[:PORT][/PATH]" (port 80 without one), "wss://HOST[:PORT][/PATH]" (443), "tcp://HOST:PORT"
 * or "tls://HOST:PORT". Errors: URL, ADDRESS, NAME_NOT_FOUND. */
int tow_load_target_read(tow_load_target *target, const char *url);

#endif
