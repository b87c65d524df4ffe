/* scene: a server on two workers of the simulator that has every door to one channel, "mixed". */
#ifndef TOW_TESTS_RETURNS_SCENE_H
#define TOW_TESTS_RETURNS_SCENE_H

#include "../../server/world.h"
#include "../../hub/late_store.h"
#include "../folder.h"

#include "handler/channels.h"
#include "handler/engineio.h"
#include "handler/pusher.h"
#include "handler/sockjs.h"

#include <towline/socketio.h>

#define SCENE_CHANNEL "mixed"
#define SCENE_APP "42"
#define SCENE_APP_KEY "test-key-123"
#define SCENE_SECRET "test-secret-456"

struct scene {
    struct world world; /* first */
    tow_channel_policies *policies;
    tow_channels shared;
    tow_pusher *pusher;
    tow_socketio *io;
    tow_engineio *engineio;
    tow_sockjs *sockjs;
    folder files;
    late_server *late; /* NULL: the store is memory */
    char epoch[12];    /* of the channel */
    uint64_t chance;
    unsigned begun; /* publications, which are texts "<NUMBER>" from 1 on, */
    int padding;    /* and so many spaces */
};

/* So many publications are kept. Where it `is_narrow`, little is on the way to a client that does not read,
 * and little waits for it: the oldest of that are dropped.
 * Where it `is_late`, the store of channels lies elsewhere. */
void scene_begin(struct scene *scene, uint64_t seed, int history, bool is_narrow, bool is_late);
void scene_end(struct scene *scene);

/* A number below `below`, by the scene's seed. */
unsigned scene_draw(struct scene *scene, unsigned below);

/* The number of the publication that a text has in it; 0: it has none. */
unsigned scene_number(tow_slice text);

#endif
