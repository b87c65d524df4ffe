/* engineio_scene: a server with Engine.IO on a simulated network, and a client of it that speaks byte by
 * byte. */
#ifndef TOW_TESTS_ENGINEIO_SCENE_H
#define TOW_TESTS_ENGINEIO_SCENE_H

#include "../server/world.h"

#include "carried_echo.h"
#include "handler/engineio.h"

enum { SEEDS = 8, PING = 300, PONG = 200 /* milliseconds */ };

struct scene {
    struct world world;
    tow_engineio *engineio;
    struct peer peer, other;
    char sid[64];
};

/* Serves /echo and what lies below /rooms/, for subprotocols chat and quiz, with what else the handler says.
 */
void scene_begin_with(struct scene *scene, uint64_t seed, const tow_handler *more);
void scene_begin(struct scene *scene, uint64_t seed);
void scene_begin_on_two(struct scene *scene, uint64_t seed); /* workers */
void scene_end(struct scene *scene);

/* One request on a connection that stays, with a query behind the usual one; and its answer: the status, and
 * the whole body. */
void scene_ask(
    struct scene *scene, struct peer *peer, const char *method, const char *query, const char *body);
void peer_expect_answer(struct peer *peer, const char *status, const char *body);

/* Begins a session by polling; the id of what was answered; the query of a request of the session. */
void scene_open(struct scene *scene, const char *query);
void scene_take_sid(struct scene *scene, struct peer *peer);
const char *scene_with_sid(const struct scene *scene, const char *more);

void scene_poll(struct scene *scene, struct peer *peer);
void scene_post(struct scene *scene, struct peer *peer, const char *body);
void scene_open_websocket(struct scene *scene, struct peer *peer, const char *query);

#endif
