#include "engineio_scene.h"

static void make(struct scene *scene, uint64_t seed, const tow_handler *more, int workers) {
    static const char *const protocols[] = {"chat", "quiz", NULL};
    tow_handler handler = *more;
    carried_echo_begin(&handler);
    handler.protocols = protocols;
    const tow_engineio_settings settings = {
        .ping_milliseconds = PING, .pong_milliseconds = PONG, .max_payload = 100000, .max_half_made = 3};
    memset(scene, 0, sizeof(*scene));
    world_make(&scene->world, &(tow_simulation_options){.seed = seed},
        &(tow_server_options){.status = "127.0.0.1:9999", .drain_seconds = 3, .workers = workers});
    assert_int_equal(tow_server_route(scene->world.server, "/echo", &handler), 0);
    assert_int_equal(tow_server_route(scene->world.server, "/rooms/*", &handler), 0);
    assert_int_equal(tow_engineio_new(&scene->engineio, scene->world.server, &settings, NULL), 0);
}

void scene_begin_with(struct scene *scene, uint64_t seed, const tow_handler *more) {
    make(scene, seed, more, 1);
    world_listen(&scene->world);
}

void scene_begin_on_two(struct scene *scene, uint64_t seed) {
    make(scene, seed, &(tow_handler){0}, 2);
    world_listen_on_two(&scene->world);
}

void scene_begin(struct scene *scene, uint64_t seed) {
    scene_begin_with(scene, seed, &(tow_handler){0});
}

void scene_end(struct scene *scene) {
    if (scene->peer.used)
        peer_close(&scene->peer);
    if (scene->other.used)
        peer_close(&scene->other);
    world_end(&scene->world);
    tow_engineio_free(scene->engineio);
    assert_int_equal(heard.opens, heard.closes);
}

/* One request on a connection that stays. */

void scene_ask(
    struct scene *scene, struct peer *peer, const char *method, const char *query, const char *body) {
    char request[600];
    if (!peer->used)
        peer_connect(peer, &scene->world);
    snprintf(request, sizeof(request),
        "%s /echo/engine.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        "%zu\r\n\r\n%s",
        method, query, strlen(body), body);
    peer->in.length = 0;
    peer_text(peer, request);
}

/* Its answer: the status, and the whole body. */
void peer_expect_answer(struct peer *peer, const char *status, const char *body) {
    char line[32], length[40];
    snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
    snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    peer_expect(peer, line);
    peer_expect(peer, "\r\n\r\n");
    if (body[0] != '\0')
        peer_expect(peer, body);
    if (!peer_has(peer, length))
        print_error("%s\n", (const char *)peer->in.data);
    assert_true(peer_has(peer, length));
}

void scene_take_sid(struct scene *scene, struct peer *peer) {
    const char *found = strstr((const char *)peer->in.data, "{\"sid\":\"");
    assert_non_null(found);
    size_t length = strcspn(found + 8, "\"");
    assert_true(length >= 20 && length < sizeof(scene->sid));
    memcpy(scene->sid, found + 8, length);
    scene->sid[length] = '\0';
}

void scene_open(struct scene *scene, const char *query) {
    scene_ask(scene, &scene->peer, "GET", query, "");
    peer_expect(&scene->peer, "}");
    scene_take_sid(scene, &scene->peer);
    assert_int_equal(heard.closes, 0);
}

const char *scene_with_sid(const struct scene *scene, const char *more) {
    static char query[200];
    snprintf(query, sizeof(query), "&sid=%s%s", scene->sid, more);
    return query;
}

void scene_poll(struct scene *scene, struct peer *peer) {
    scene_ask(scene, peer, "GET", scene_with_sid(scene, ""), "");
}

void scene_post(struct scene *scene, struct peer *peer, const char *body) {
    scene_ask(scene, peer, "POST", scene_with_sid(scene, ""), body);
}

void scene_open_websocket(struct scene *scene, struct peer *peer, const char *query) {
    char request[600];
    if (!peer->used)
        peer_connect(peer, &scene->world);
    snprintf(request, sizeof(request),
        "GET /echo/engine.io/?EIO=4&transport=websocket%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: "
        "websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
        "13\r\n\r\n",
        query);
    peer->in.length = 0;
    peer_text(peer, request);
}
