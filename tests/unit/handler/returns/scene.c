#include "scene.h"

#include "handler/channel.h"
#include "handler/publish.h"
#include "server/channels.h"

#include <towline/error.h>

/* What is kept, and who may: as the program puts it together. */

static void policy_find(void *user, tow_slice name, tow_channel_policy *policy) {
    struct scene *scene = user;
    tow_channel_policies_find(scene->policies, name, policy);
    (void)tow_pusher_channel_policy(scene->pusher, name, policy);
}

static void policies_make(struct scene *scene, int history, bool is_narrow) {
    const tow_channel_settings settings = {.name = SCENE_CHANNEL,
        .history = history,
        .publish = TOW_ACCESS_SAME_ORIGIN,
        .slow = is_narrow ? TOW_SLOW_OLDEST : TOW_SLOW_ENDS,
        .slow_count = is_narrow ? 8 : 0};
    const tow_channel_settings *list[] = {&settings};
    tow_channel_table *table;
    assert_int_equal(tow_channel_policies_new(&scene->policies), 0);
    assert_int_equal(tow_channel_table_new(&table, list, 1), 0);
    tow_channel_policies_take(scene->policies, table);
    tow_server_set_channel_policy(scene->world.server, policy_find, scene);
}

/* Doors. */

static void door_make(struct scene *scene, const tow_handler_kind *kind, const void *settings,
    const char *const *paths, void (*free_made)(void *user)) {
    char why[TOW_HANDLER_TEXT_MAX] = "";
    const tow_handler_place place = {.server = scene->world.server,
        .loop = scene->world.loop,
        .path = paths[0],
        .channels = &scene->shared,
        .pusher = scene->pusher};
    tow_handler handler;
    if (kind->make(&handler, settings, &place, why) != 0)
        fail_msg("%s", why);
    handler.on_free = free_made;
    for (; *paths != NULL; paths++, handler.on_free = NULL)
        assert_int_equal(tow_server_route(scene->world.server, *paths, &handler), 0);
}

static void channel_door_make(struct scene *scene) {
    static const char *const paths[] = {"/channel/*", NULL};
    door_make(scene, &tow_channel_kind, &(tow_channel_door_settings){0}, paths, tow_channel_kind.free);
}

static void publish_door_make(struct scene *scene) {
    static const char *const paths[] = {"/publish/*", NULL};
    folder_add_file(&scene->files, "key", SCENE_SECRET);
    const tow_publish_settings settings = {.key = folder_path(&scene->files, "key")};
    door_make(scene, &tow_publish_kind, &settings, paths, tow_publish_kind.free);
}

static void pusher_door_make(struct scene *scene) {
    static const char *const paths[] = {
        "/app/" SCENE_APP_KEY, "/apps/" SCENE_APP "/*", "/pusher/app/" SCENE_APP_KEY, NULL};
    static const char *const share[] = {SCENE_CHANNEL, NULL};
    const tow_pusher_settings settings = {.id = SCENE_APP,
        .key = SCENE_APP_KEY,
        .secret = folder_path(&scene->files, "key"),
        .share = share,
        .max_channels = 10,
        .max_members = 100,
        .cache_seconds = 60,
        .activity_seconds = 120,
        .max_client_events = 10,
        .max_connections = TOW_OFF,
        .authorize_seconds = TOW_OFF};
    door_make(scene, &tow_pusher_kind, &settings, paths, tow_pusher_kind.free);
}

/* What a client says is for all: the rooms of the namespace are not needed. */
static void say(tow_socketio_socket *socket, const tow_socketio_event *event) {
    struct scene *scene = tow_socketio_user(socket);
    int error = tow_socketio_broadcast(scene->io, &(tow_socketio_target){0}, "message", &event->arguments);
    assert_int_equal(error, 0);
    assert_int_equal(tow_socketio_acknowledge(socket, event->ack, NULL), 0);
}

static void socketio_door_make(struct scene *scene) {
    static const tow_socketio_listener listeners[] = {{"say", say}, {0}};
    const tow_socketio_options options = {
        .recovery_seconds = 10, .ping_interval_milliseconds = 400, .ping_timeout_milliseconds = 300};
    assert_int_equal(tow_socketio_new(&scene->io, scene->world.server, &options), 0);
    const tow_socketio_handler handler = {.user = scene, .listeners = listeners, .channel = SCENE_CHANNEL};
    assert_int_equal(tow_socketio_namespace(scene->io, "/", &handler), 0);
}

/* A poll tells the channel's position. */
static void take_epoch(struct scene *scene) {
    struct peer peer;
    peer_connect(&peer, &scene->world);
    peer_text(&peer, "GET /channel/" SCENE_CHANNEL " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer_expect(&peer, "]}\n");
    const char *found = strstr((const char *)peer.in.data, "\"position\":\"");
    assert_non_null(found);
    assert_int_equal(sscanf(found, "\"position\":\"%11[^:]:0\"", scene->epoch), 1);
    peer_close(&peer);
}

static void server_make(struct scene *scene, uint64_t seed, bool is_narrow) {
    const tow_simulation_options simulation = {.seed = seed, .stream_capacity = is_narrow ? 4096 : 0};
    tow_server_options options = {.workers = 2};
    if (is_narrow)
        options.limits.high_mark = 2048;
    world_make(&scene->world, &simulation, &options);
}

void scene_begin(struct scene *scene, uint64_t seed, int history, bool is_narrow, bool is_late) {
    static const tow_engineio_settings engineio = {.ping_milliseconds = 400, .pong_milliseconds = 300};
    memset(scene, 0, sizeof(*scene));
    scene->chance = seed;
    folder_make(&scene->files);
    scene->padding = is_narrow ? 200 : 0;
    server_make(scene, seed, is_narrow);
    if (is_late) {
        scene->late = late_server_new(scene->world.loop, seed, (size_t)history, 10);
        tow_hub_set_store(tow_server_hub(scene->world.server), late_store_new(scene->late));
    }
    const tow_handler_place place = {.server = scene->world.server, .loop = scene->world.loop};
    assert_int_equal(tow_pusher_new(&scene->pusher, &place), 0);
    policies_make(scene, history, is_narrow);
    channel_door_make(scene);
    publish_door_make(scene);
    pusher_door_make(scene);
    socketio_door_make(scene);
    assert_int_equal(tow_engineio_new(&scene->engineio, scene->world.server, &engineio, NULL), 0);
    assert_int_equal(tow_sockjs_new(&scene->sockjs, scene->world.server, &(tow_sockjs_settings){0}), 0);
    world_listen_on_two(&scene->world);
    take_epoch(scene);
}

void scene_end(struct scene *scene) {
    tow_pusher_end(scene->pusher);
    world_end(&scene->world);
    if (scene->late != NULL)
        late_server_free(scene->late);
    tow_pusher_free(scene->pusher);
    tow_socketio_free(scene->io);
    tow_engineio_free(scene->engineio);
    tow_sockjs_free(scene->sockjs);
    tow_channel_policies_free(scene->policies);
    folder_remove(&scene->files);
}

unsigned scene_draw(struct scene *scene, unsigned below) {
    scene->chance = scene->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(scene->chance >> 33) % below;
}

unsigned scene_number(tow_slice text) {
    const char *end = text.data + text.length;
    const char *at = memchr(text.data, '<', text.length);
    unsigned number = 0;
    if (at == NULL)
        return 0;
    for (at++; at < end && *at >= '0' && *at <= '9'; at++)
        number = 10 * number + (unsigned)(*at - '0');
    assert_true(at < end && *at == '>');
    return number;
}
