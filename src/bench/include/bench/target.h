/* target: where a load goes, read from its URL. */
#ifndef TOW_BENCH_TARGET_H
#define TOW_BENCH_TARGET_H

#include "transport/address.h"

typedef struct tow_load_target {
    bool framed;                              /* ws:// ; false: tcp:// */
    char authority[TOW_ADDRESS_TEXT_MAX];     /* HOST[:PORT] as in the URL */
    const char *path;                         /* borrowed from the URL; "/" if it has none */
    tow_address addresses[TOW_ADDRESSES_MAX]; /* to be tried in order */
    int address_count;
} tow_load_target;

/* Reads "ws://HOST[:PORT][/PATH]" (port 80 without one) or "tcp://HOST:PORT". Errors: URL, ADDRESS,
 * NAME_NOT_FOUND. */
int tow_load_target_read(tow_load_target *target, const char *url);

#endif
