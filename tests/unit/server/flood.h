/* flood: what is published to many channels at once, for sockets that are subscribed to all of them and read
 * nothing; and what such a socket may have been given. */
#ifndef TOW_TESTS_SERVER_FLOOD_H
#define TOW_TESTS_SERVER_FLOOD_H

#include "world.h"

#include "server/channels.h"

enum { FLOOD_CHANNELS = 1000, FLOOD_ROUNDS = 16 };

/* A server with low marks. */
extern const tow_server_options flood_options;

/* All channels are so to who is slow. */
void flood_set_policy(struct world *world, tow_channel_slow slow);

/* The channel of this number. */
void flood_name(char name[64], const char *prefix, int number);

/* So many messages of 1000 bytes to each channel, which a round brings together. Runs. */
void flood_say(struct world *world, const char *prefix, int channels);

/* What was given is no more than the network takes, the high mark, and what one channel had at once. */
void flood_expect_bound(struct world *world);

/* The peer reads again, and has the last message of each channel in the end. */
void flood_expect_last(struct world *world, struct peer *peer, int channels);

#endif
