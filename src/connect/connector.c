#include "connect/connector.h"

#include "base/text.h"
#include "connect/names.h"
#include "connect/race.h"
#include "transport/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

#define RESOLUTION_DELAY (50 * TOW_MILLISECOND) /* RFC 8305, section 3 */

enum { TEXT_MAX = 512 };

struct tow_connector {
    tow_race race; /* first */
    tow_loop *loop;
    const tow_connector_events *events;
    void *user;
    tow_name_query *ipv6; /* under way */
    tow_name_query *ipv4;
    tow_timer delay;
    int error;             /* what the name servers said */
    const char *name_text; /* the same in words */
    bool is_unix;
    uint16_t port;
    char place[]; /* host or path */
};

static tow_connector *connector_of(tow_race *race) {
    return (tow_connector *)(void *)race;
}

/* The end. */

void tow_connector_stop(tow_connector *connector) {
    if (connector == NULL)
        return;
    tow_name_query_cancel(connector->ipv6);
    tow_name_query_cancel(connector->ipv4);
    tow_timer_cancel(connector->loop, &connector->delay);
    tow_race_clear(&connector->race);
    free(connector);
}

static void fail(tow_connector *connector, int error, const char *text) {
    const tow_connector_events *events = connector->events;
    void *user = connector->user;
    tow_connector_stop(connector);
    events->on_failed(user, error, text);
}

static void fail_to_resolve(tow_connector *connector) {
    char text[TEXT_MAX];
    tow_text_format(text, sizeof(text), "%s%s: %s",
        connector->error == TOW_ERROR_NAME_NOT_FOUND ? "" : "looking up ", connector->place,
        connector->name_text);
    fail(connector, connector->error, text);
}

static void race_lost(tow_race *race, int error) {
    tow_connector *connector = connector_of(race);
    char text[TEXT_MAX];
    if (connector->is_unix)
        tow_text_format(text, sizeof(text), "%s: %s", connector->place,
            error == TOW_ERROR_REFUSED ? "nobody listens on it" : tow_strerror(error));
    else
        tow_text_format(
            text, sizeof(text), "%s port %u: %s", connector->place, connector->port, tow_strerror(error));
    fail(connector, error, text);
}

static void race_won(tow_race *race, int fd, const tow_address *address) {
    tow_connector *connector = connector_of(race);
    const tow_connector_events *events = connector->events;
    void *user = connector->user;
    (void)address;
    tow_connector_stop(connector);
    events->on_connected(user, fd);
}

static const tow_race_events race_events = {.on_won = race_won, .on_lost = race_lost};

/* Names. */

bool tow_connector_is_resolving(const tow_connector *connector) {
    return connector->ipv6 != NULL || connector->ipv4 != NULL;
}

static void delay_is_over(tow_timer *timer) {
    tow_connector *connector = (tow_connector *)(void *)((char *)timer - offsetof(tow_connector, delay));
    tow_race_start(&connector->race, AF_INET6);
}

/* RFC 8305, section 3: IPv6 addresses are tried as soon as they are there; IPv4 addresses wait a moment for
 * them. */
static void names_came(tow_connector *connector, int family) {
    bool complete = !tow_connector_is_resolving(connector);
    if (complete)
        tow_timer_cancel(connector->loop, &connector->delay);
    if (connector->race.started) {
        tow_race_extend(&connector->race);
    } else if (complete || (family == AF_INET6 && !tow_race_is_empty(&connector->race))) {
        tow_timer_cancel(connector->loop, &connector->delay);
        tow_race_start(&connector->race, AF_INET6);
    } else if (!tow_race_is_empty(&connector->race)) {
        tow_timer_set(connector->loop, &connector->delay, tow_loop_now(connector->loop) + RESOLUTION_DELAY,
            delay_is_over);
    }
    if (complete)
        tow_race_complete(&connector->race);
}

/* A family that has no addresses says less than one that could not be asked for. */
static void note_failure(tow_connector *connector, const tow_name_answer *answer) {
    if (connector->error != 0 && connector->error != TOW_ERROR_NAME_NOT_FOUND)
        return;
    connector->error = answer->error;
    connector->name_text = answer->text;
}

static void name_answered(void *user, int family, const tow_name_answer *answer) {
    tow_connector *connector = user;
    *(family == AF_INET6 ? &connector->ipv6 : &connector->ipv4) = NULL;
    if (answer->count == 0)
        note_failure(connector, answer);
    for (size_t i = 0; i < answer->count; i++) {
        tow_address address = answer->addresses[i];
        tow_address_set_port(&address, connector->port);
        tow_race_add(&connector->race, &address);
    }
    if (tow_race_is_empty(&connector->race) && !tow_connector_is_resolving(connector))
        fail_to_resolve(connector);
    else
        names_came(connector, family);
}

static int resolve(tow_connector *connector) {
    int error = tow_name_query_start(
        &connector->ipv6, connector->loop, connector->place, AF_INET6, name_answered, connector);
    if (error != 0)
        return error;
    return tow_name_query_start(
        &connector->ipv4, connector->loop, connector->place, AF_INET, name_answered, connector);
}

/* The beginning. */

static int unix_address(const char *path, tow_address out[TOW_ADDRESSES_MAX]) {
    char text[TOW_ADDRESS_TEXT_MAX];
    int length = snprintf(text, sizeof(text), "unix:%s", path);
    return length < (int)sizeof(text) ? tow_address_parse(text, out) : TOW_ERROR_ADDRESS;
}

static int begin(tow_connector *connector) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    int count = connector->is_unix ? unix_address(connector->place, addresses)
                                   : tow_address_from_host(connector->place, connector->port, addresses);
    if (count == TOW_ERROR_NAME_NOT_FOUND)
        return resolve(connector);
    if (count < 0)
        return count;
    for (int i = 0; i < count; i++)
        tow_race_add(&connector->race, &addresses[i]);
    tow_race_start(&connector->race, addresses[0].storage.ss_family);
    tow_race_complete(&connector->race);
    return 0;
}

int tow_connector_start(tow_connector **connector, tow_loop *loop, const tow_place *place,
    const tow_connector_events *events, void *user) {
    const char *text = place->unix_path != NULL ? place->unix_path : place->host;
    size_t size = strlen(text) + 1;
    tow_connector *made = calloc(1, sizeof(*made) + size);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    tow_race_init(&made->race, loop, &race_events);
    made->loop = loop;
    made->events = events;
    made->user = user;
    made->is_unix = place->unix_path != NULL;
    made->port = place->port;
    memcpy(made->place, text, size);
    int error = begin(made);
    if (error != 0) {
        tow_connector_stop(made);
        return error;
    }
    *connector = made;
    return 0;
}
