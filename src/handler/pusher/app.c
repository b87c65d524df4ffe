#include "app.h"

#include "state.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>
#include <towline/message.h>

static const char hub_prefix[] = "pusher/";
static const char bus_prefix[] = "\x01pusher/";

/* Making. */

static int secret_read(tow_pusher_app *app, const char *file, char why[TOW_HANDLER_TEXT_MAX]) {
    FILE *stream = fopen(file, "rbe");
    if (stream == NULL) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "the secret in %.150s: %s", file, strerror(errno));
        return errno == ENOENT   ? TOW_ERROR_NO_FILE
               : errno == EACCES ? TOW_ERROR_PERMISSION
                                 : TOW_ERROR_SYSTEM;
    }
    size_t length = fread(app->secret, 1, sizeof(app->secret), stream);
    bool is_whole = feof(stream) && !ferror(stream);
    fclose(stream);
    while (length > 0 && (app->secret[length - 1] == '\n' || app->secret[length - 1] == '\r'))
        length--;
    app->credentials.secret = (tow_slice){app->secret, length};
    if (is_whole && length > 0)
        return 0;
    snprintf(why, TOW_HANDLER_TEXT_MAX, "the secret in %.150s: it is empty, or has 256 bytes or more", file);
    return TOW_ERROR_ARGUMENT;
}

static size_t count_of(const char *const *list) {
    size_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    return count;
}

/* Copies of all texts stand in one list: those of a list in a row, with NULL behind them. */
typedef struct copying {
    char **at;
    bool failed;
} copying;

static const char *text_copy(copying *now, const char *text) {
    *now->at = strdup(text);
    now->failed |= *now->at == NULL;
    return *now->at++;
}

static void list_copy(copying *now, const char *const **list) {
    char **first = now->at;
    const size_t count = count_of(*list);
    for (size_t i = 0; i < count; i++)
        (void)text_copy(now, (*list)[i]);
    now->at++; /* its NULL */
    if (*list != NULL)
        *list = (const char *const *)(void *)first;
}

static size_t texts_count(const tow_pusher_settings *settings) {
    return count_of(settings->share) + count_of(settings->webhooks) + count_of(settings->webhook_events) + 5;
}

static int settings_copy(tow_pusher_app *app, const tow_pusher_settings *settings) {
    app->text_count = texts_count(settings);
    app->texts = calloc(app->text_count, sizeof(app->texts[0]));
    if (app->texts == NULL)
        return TOW_ERROR_MEMORY;
    copying now = {.at = app->texts};
    app->settings = *settings;
    app->settings.secret = NULL;
    app->settings.id = text_copy(&now, settings->id);
    app->settings.key = text_copy(&now, settings->key);
    list_copy(&now, &app->settings.share);
    list_copy(&now, &app->settings.webhooks);
    list_copy(&now, &app->settings.webhook_events);
    return now.failed ? TOW_ERROR_MEMORY : 0;
}

static void destroy(tow_pusher_app *app) {
    for (size_t i = 0; app->texts != NULL && i < app->text_count; i++)
        free(app->texts[i]);
    free(app->texts);
    OPENSSL_cleanse(app->secret, sizeof(app->secret));
    free(app);
}

int tow_pusher_app_new(tow_pusher_app **out, const tow_pusher_settings *settings,
    const tow_handler_place *place, char why[TOW_HANDLER_TEXT_MAX]) {
    tow_pusher_app *app = calloc(1, sizeof(*app));
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (app == NULL)
        return TOW_ERROR_MEMORY;
    app->pusher = place->pusher;
    app->server = place->server;
    TOW_SERVER_METRICS(place->server, &app->metrics, TOW_PUSHER_METRICS);
    atomic_init(&app->holders, 1);
    atomic_init(&app->connections, 0);
    int error = settings_copy(app, settings);
    if (error == 0)
        error = secret_read(app, settings->secret, why);
    if (error != 0) {
        destroy(app);
        return error;
    }
    app->credentials.key = tow_slice_from(app->settings.key);
    app->mask = place->pusher != NULL ? place->pusher->mask : 0;
    *out = app;
    return 0;
}

tow_pusher_app *tow_pusher_app_retain(tow_pusher_app *app) {
    atomic_fetch_add_explicit(&app->holders, 1, memory_order_relaxed);
    return app;
}

void tow_pusher_app_release(tow_pusher_app *app) {
    if (app != NULL && atomic_fetch_sub_explicit(&app->holders, 1, memory_order_acq_rel) == 1)
        destroy(app);
}

/* Connections. */

bool tow_pusher_app_enter(tow_pusher_app *app) {
    const int64_t max = app->settings.max_connections;
    tow_metric_add(app->metrics.connections, 1);
    if (atomic_fetch_add(&app->connections, 1) < max || max == TOW_OFF)
        return true;
    tow_metric_count(app->metrics.over_connections);
    tow_pusher_app_leave(app);
    return false;
}

void tow_pusher_app_leave(tow_pusher_app *app) {
    tow_metric_add(app->metrics.connections, -1);
    atomic_fetch_sub(&app->connections, 1);
}

/* Names. */

static void append(tow_pusher_hub_name *out, tow_slice text) {
    assert(out->length + text.length <= sizeof(out->text));
    if (text.length > 0)
        memcpy(out->text + out->length, text.data, text.length);
    out->length += text.length;
}

static bool pattern_fits(const char *pattern, tow_slice channel) {
    const size_t length = strlen(pattern);
    if (length == 0 || pattern[length - 1] != '*')
        return tow_slice_equals(channel, pattern);
    return channel.length >= length - 1 && memcmp(channel.data, pattern, length - 1) == 0;
}

int tow_pusher_app_share_of(const tow_pusher_app *app, tow_slice channel) {
    const char *const *share = app->settings.share;
    if (share == NULL || channel.length == 0 || channel.data[0] == '#')
        return -1;
    for (int i = 0; share[i] != NULL; i++)
        if (pattern_fits(share[i], channel))
            return i;
    return -1;
}

void tow_pusher_app_hub_name(const tow_pusher_app *app, tow_slice channel, tow_pusher_hub_name *out) {
    out->length = 0;
    if (tow_pusher_app_share_of(app, channel) < 0) {
        append(out, tow_slice_from(hub_prefix));
        append(out, tow_slice_from(app->settings.id));
        append(out, tow_slice_from("/"));
    }
    append(out, channel);
}

void tow_pusher_app_bus_name(const tow_pusher_app *app, tow_slice user, tow_pusher_hub_name *out) {
    out->length = 0;
    append(out, tow_slice_from(bus_prefix));
    append(out, tow_slice_from(app->settings.id));
    append(out, tow_slice_from("/"));
    append(out, user);
}

/* The id and what stands behind it; false: it is no name of an app's channel. */
static bool take_apart(tow_slice hub_name, tow_slice *id, tow_slice *channel) {
    const size_t before = sizeof(hub_prefix) - 1;
    if (!tow_pusher_begins(hub_name, hub_prefix))
        return false;
    const char *begin = hub_name.data + before;
    const char *slash = memchr(begin, '/', hub_name.length - before);
    if (slash == NULL)
        return false;
    *id = (tow_slice){begin, (size_t)(slash - begin)};
    *channel = (tow_slice){slash + 1, hub_name.length - before - id->length - 1};
    return true;
}

tow_slice tow_pusher_channel_of(tow_slice hub_name) {
    tow_slice id, channel;
    return take_apart(hub_name, &id, &channel) ? channel : hub_name;
}

tow_slice tow_pusher_app_id_of(tow_slice hub_name) {
    tow_slice id = {"", 0}, channel;
    (void)take_apart(hub_name, &id, &channel);
    return id;
}
