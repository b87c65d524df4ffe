/* known_ways: on which way a server was reached lately where WebSocket did not get through, remembered on a
 * loop for an hour: for the servers that were reached last. */
#ifndef TOW_CLIENT_FALLBACK_KNOWN_WAYS_H
#define TOW_CLIENT_FALLBACK_KNOWN_WAYS_H

#include <towline/loop.h>

typedef enum tow_known_way {
    TOW_WAY_UNKNOWN,
    TOW_WAY_POLLING, /* beginning by polling */
    TOW_WAY_CUT      /* the same, and a WebSocket would be cut after a while */
} tow_known_way;

/* `server` is a text that tells servers apart, with what stands between. */
tow_known_way tow_known_ways_find(tow_loop *loop, const char *server);

/* Without memory it is not remembered. */
void tow_known_ways_note(tow_loop *loop, const char *server, tow_known_way way);

#endif
