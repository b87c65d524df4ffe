/* service_world: a server in the simulator with a program for many connections at /worker, whose programs are
 * functions of a test (worker_fake). */
#ifndef TOW_TESTS_HANDLER_SERVICE_WORLD_H
#define TOW_TESTS_HANDLER_SERVICE_WORLD_H

#include "../server/world.h"
#include "worker_fake.h"

#include "handler/program.h"

/* Makes and routes it; false: it could not be made, for want of memory, and only the world is there. */
bool service_world_try(
    struct world *world, uint64_t seed, worker_behaviour behaviour, const tow_program_settings *settings);

/* The same, which works. */
void service_world_make(
    struct world *world, uint64_t seed, worker_behaviour behaviour, const tow_program_settings *settings);

/* The route goes, and then the world; no program runs any more. */
void service_world_end(struct world *world);

#endif
