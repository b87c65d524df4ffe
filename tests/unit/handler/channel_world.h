/* channel_world: a server with doors to channels, and peers at them, in the simulator. */
#ifndef TOW_TESTS_HANDLER_CHANNEL_WORLD_H
#define TOW_TESTS_HANDLER_CHANNEL_WORLD_H

#include "../server/world.h"

#include "handler/channel.h"
#include "server/channels.h"

#include <towline/channel.h>

struct channels {
    struct world world; /* first */
    tow_channels shared;
    tow_channel_policies *policies;
    tow_handler doors[2];
};

/* A server with /channel/ and an asterisk for all names, and /one for the channel "one". `settings` end with
 * a NULL name, and may be NULL. */
void channels_begin(struct channels *channels, uint64_t seed, const tow_channel_settings *settings,
    const tow_channel_keeper *keeper, const tow_server_options *options);
void channels_end(struct channels *channels);

/* Others in place of those. */
void channels_set(struct channels *channels, const tow_channel_settings *settings);

/* A text to a channel; the loop does not step. */
void channels_say(struct channels *channels, const char *channel, const char *text);

/* The present position of a channel, as a poll tells it. Runs. */
void channels_position(struct channels *channels, const char *channel, char out[64]);

/* Opens a WebSocket, without and with towline.v1, and runs until it is subscribed to what the path names. */
void peer_open(struct peer *peer, struct channels *channels, const char *target);
void peer_talk(struct peer *peer, struct channels *channels, const char *target);

/* Says an envelope, in a frame. */
void peer_say(struct peer *peer, const char *text);

/* A request with further fields ("Name: value\r\n", or ""). */
void peer_request(struct peer *peer, struct channels *channels, const char *target, const char *fields);

/* Runs until a Close with this code and reason was received. */
void peer_expect_close(struct peer *peer, uint16_t code, const char *reason);

/* How often a text was received. */
size_t peer_count(const struct peer *peer, const char *text);

#endif
