#include "service_world.h"

static void on_line(void *user, int level, const char *line) {
    tow_buffer *log = user;
    (void)tow_buffer_append_format(log, "%d %s\n", level, line);
}

bool service_world_try(
    struct world *world, uint64_t seed, worker_behaviour behaviour, const tow_program_settings *settings) {
    char why[TOW_HANDLER_TEXT_MAX];
    tow_handler handler;
    tow_program_settings all = *settings;
    const tow_handler_place place = {
        .log = {on_line, &world->log}, .server = world->server, .loop = world->loop, .path = "/worker"};
    all.file = "/bin/true";
    all.worker = true;
    workers_begin(behaviour, seed);
    if (tow_program_kind.make(&handler, &all, &place, why) != 0)
        return false;
    handler.on_free = tow_program_kind.free;
    if (tow_server_route(world->server, "/worker", &handler) == 0)
        return true;
    tow_program_kind.free(handler.user);
    return false;
}

void service_world_make(
    struct world *world, uint64_t seed, worker_behaviour behaviour, const tow_program_settings *settings) {
    world_make(world, &(tow_simulation_options){.seed = seed}, &(tow_server_options){0});
    assert_true(service_world_try(world, seed, behaviour, settings));
    world_listen(world);
}

void service_world_end(struct world *world) {
    (void)tow_server_unroute(world->server, "/worker");
    world_run(world, 20000);
    assert_int_equal(workers_running(), 0);
    world_end(world);
}
