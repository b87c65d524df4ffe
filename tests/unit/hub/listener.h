/* listener: a subscriber that writes down what it hears, and a hub with some parts on a simulated loop. */
#ifndef TOW_TESTS_LISTENER_H
#define TOW_TESTS_LISTENER_H

#include "../unit.h"

#include "hub/hub.h"
#include "late_store.h"
#include "transport/loop.h"

enum { PARTS = 3 };

typedef struct hub_world {
    tow_loop *loop;
    tow_hub *hub;
    tow_hub_part *parts[PARTS];
    tow_channel_policy policy; /* of all names */
    late_server *server;       /* NULL: the store is memory */
    tow_store *store;
    bool is_guest; /* loop and server are another's */
} hub_world;

/* With a store that lies elsewhere, which keeps what the policy says; `like` is one whose hub has the same
 * server, or NULL: another on the same loop. */
void hub_world_begin_late(
    hub_world *self, const hub_world *like, const tow_hub_options *options, uint64_t seed);

/* `self` is set up with the policy before; a seed decides how the loop goes. */
void hub_world_begin(hub_world *self, const tow_hub_options *options, uint64_t seed);
void hub_world_end(hub_world *self);

/* Steps until nothing is to be done at once. */
void hub_world_settle(hub_world *self);

/* And so many seconds more. */
void hub_world_wait(hub_world *self, int seconds);

/* Publishes a text, which must work. */
void hub_world_say(hub_world *self, const char *channel, const char *text);

typedef struct listener {
    tow_subscription subscription; /* first */
    bool takes_no_more;            /* than the first burst; */
    bool has_taken;                /* that one */
    bool is_proven;                /* where proof is needed */
    bool shows_bursts;             /* what came together stands in brackets */
    uint64_t identity;
    tow_subscribed told; /* as it was; without members */
    char heard[8192];    /* each behind a space */
    void (*on_deliver)(struct listener *self);
} listener;

extern const tow_subscriber listener_kind;

/* Subscribes at a part, which must work. */
void listener_begin(
    listener *self, hub_world *world, int part, const char *channel, const tow_subscribe_options *options);

/* It has heard exactly this since the last time. */
void assert_heard(listener *self, const char *expected);

#endif
