/* route_plan: a route as it is wanted: its path, the kind of its handler, what is set of both, and where that
 * was said; and the handler that was made of it.
 *
 * It is counted: by who has it in a list, and by the server's route, with which the handler goes. */
#ifndef TOW_PROGRAM_ROUTE_PLAN_H
#define TOW_PROGRAM_ROUTE_PLAN_H

#include "route_kinds.h"
#include "route_options.h"
#include "server/change.h"

#include <stdatomic.h>
#include <sys/stat.h>

enum { TOW_ROUTE_PATHS_MAX = 4 };

typedef struct tow_route_plan {
    char *path;
    char *further[TOW_ROUTE_PATHS_MAX - 1]; /* paths with the same handler; NULL: none more */
    const tow_route_kind *kind;
    bool is_implied;                  /* it stands in no list of routes */
    char label[TOW_OPTION_LABEL_MAX]; /* what errors call it; "": nothing */
    tow_options route;                /* of tow_route_command */
    tow_options handler;              /* of the kind */
    tow_handler made;
    bool is_made;
    bool is_adopted;          /* of a kind that is late */
    bool is_loading;          /* for whoever loads it */
    bool is_missing;          /* it could not be served */
    tow_guard *guard;         /* held; before the handler where it is served; NULL: none */
    bool with_origins;        /* the server said whose pages may connect when it was made */
    struct stat stamp;        /* of its code */
    tow_header_field *fields; /* private from here on */
    tow_command command;
    tow_option_section sections[2];
    atomic_int holders;
    atomic_int routes; /* of the server: with the last of them the handler goes */
} tow_route_plan;

/* Held by the caller. Errors: MEMORY. */
int tow_route_plan_new(tow_route_plan **plan, const char *path, const tow_route_kind *kind);
tow_route_plan *tow_route_plan_retain(tow_route_plan *plan);
void tow_route_plan_release(tow_route_plan *plan); /* NULL is allowed */

/* The same handler at one more path, before it is served: there is room for three. Errors: MEMORY. */
int tow_route_plan_add_path(tow_route_plan *plan, const char *path);

/* Its paths by number, from 0; NULL: there is none more. */
const char *tow_route_plan_path(const tow_route_plan *plan, size_t number);

/* What contradicts itself, in one line; false: nothing does. */
bool tow_route_plan_contradicts(const tow_route_plan *plan, char error[TOW_OPTIONS_ERROR_MAX]);

bool tow_route_plans_are_same(const tow_route_plan *one, const tow_route_plan *other);

/* Of two that were made: whether all that the route says is the same, and so who may come in. */
bool tow_route_plans_let_in_the_same(const tow_route_plan *one, const tow_route_plan *other);

/* Who stands before the routes of a list: `guard` (NULL: nobody) before those that do not
 * say. */
typedef struct tow_route_guards {
    tow_admission *admission;
    tow_guard *guard;
} tow_route_guards;

/* Has its handler made; `with_origins`: the server says whose pages may connect, and what is asked for holds
 * everywhere. Errors: those of the kind; error[] then says what is wrong, behind the label. */
int tow_route_plan_make(tow_route_plan *plan, const tow_handler_place *place, const tow_route_guards *guards,
    bool with_origins, char error[TOW_OPTIONS_ERROR_MAX]);

/* Whether it would be made in the same way again: its code has not changed, and the handler stands
 * and is served. */
bool tow_route_plan_is_current(const tow_route_plan *plan, bool with_origins);

/* Whether its handler is still to come, and the handler when it is there; `on_free` comes with the route. */
bool tow_route_plan_is_late(const tow_route_plan *plan);
void tow_route_plan_adopt(tow_route_plan *plan, const tow_handler *handler);

/* Serves what was made, or will when a change is taken. Errors: as tow_server_route. */
int tow_route_plan_serve(tow_route_plan *plan, tow_server *server);
int tow_route_plan_change(tow_route_plan *plan, tow_server_change *change);

/* Several, in order. */
typedef struct tow_route_plans { /* zeroed: none */
    tow_route_plan **items;      /* held */
    size_t count;
    bool given; /* a file said which there are */
} tow_route_plans;

/* Takes over what the caller holds. Errors: MEMORY (it is still the caller's). */
int tow_route_plans_add(tow_route_plans *plans, tow_route_plan *plan);
/* What has this path among its own, or NULL. */
tow_route_plan *tow_route_plans_find(const tow_route_plans *plans, const char *path);
void tow_route_plans_clear(tow_route_plans *plans);

#endif
