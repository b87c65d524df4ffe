/* What may stand in Apache's configuration. */
#include "site.h"

#include "apr_strings.h"
#include "http_log.h"

#include "base/number.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

static tow_apache_global *global;

void tow_apache_global_begin(apr_pool_t *pool) {
    global = apr_pcalloc(pool, sizeof(*global));
    global->sites = apr_array_make(pool, 4, sizeof(tow_apache_site *));
}

tow_apache_global *tow_apache_global_of(void) {
    return global;
}

/* Sites. */

void *tow_apache_site_new(apr_pool_t *pool, server_rec *server) {
    tow_apache_site *site = apr_pcalloc(pool, sizeof(*site));
    site->server = server;
    return site;
}

static tow_apache_site *own_site(const cmd_parms *command) {
    return ap_get_module_config(command->server->module_config, &towline_module);
}

/* Numbers. */

typedef enum value_kind { SECONDS, SIZE, COMPRESSION } value_kind;

typedef struct number_row {
    value_kind kind;
    size_t offset, width; /* in tow_apache_site */
} number_row;

#define NUMBER(kind, member)                                                                                 \
    { kind, offsetof(tow_apache_site, member), sizeof(((tow_apache_site *)0)->member) }

static const number_row max_message = NUMBER(SIZE, limits.max_message);
static const number_row max_queue = NUMBER(SIZE, limits.max_queue);
static const number_row message_seconds = NUMBER(SECONDS, limits.message_seconds);
static const number_row message_rate = NUMBER(SIZE, limits.message_rate);
static const number_row stall_seconds = NUMBER(SECONDS, limits.stall_seconds);
static const number_row ping_seconds = NUMBER(SECONDS, limits.ping_seconds);
static const number_row idle_seconds = NUMBER(SECONDS, limits.idle_seconds);
static const number_row close_seconds = NUMBER(SECONDS, limits.close_seconds);
static const number_row drain_seconds = NUMBER(SECONDS, drain_seconds);
static const number_row compression = NUMBER(COMPRESSION, limits.compression);
static const number_row compression_min = NUMBER(SIZE, limits.compression_min);
static const number_row compression_max = NUMBER(SIZE, limits.compression_max);

static const number_row *const numbers[] = {&max_message, &max_queue, &message_seconds, &message_rate,
    &stall_seconds, &ping_seconds, &idle_seconds, &close_seconds, &drain_seconds, &compression,
    &compression_min, &compression_max};

static int64_t number_get(const tow_apache_site *site, const number_row *row) {
    const char *at = (const char *)site + row->offset;
    int narrow;
    int64_t wide;
    if (row->width == sizeof(wide)) {
        memcpy(&wide, at, sizeof(wide));
        return wide;
    }
    memcpy(&narrow, at, sizeof(narrow));
    return narrow;
}

static void number_set(tow_apache_site *site, const number_row *row, int64_t value) {
    char *at = (char *)site + row->offset;
    int narrow = (int)value;
    if (row->width == sizeof(value))
        memcpy(at, &value, sizeof(value));
    else
        memcpy(at, &narrow, sizeof(narrow));
}

static int compression_read(const char *text, int64_t *value) {
    static const struct {
        const char *name;
        tow_compression value;
    } choices[] = {{"off", TOW_COMPRESSION_OFF}, {"shared", TOW_COMPRESSION_SHARED},
        {"takeover", TOW_COMPRESSION_TAKEOVER}};
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        if (strcasecmp(text, choices[i].name) != 0)
            continue;
        *value = choices[i].value;
        return 0;
    }
    return TOW_ERROR_ARGUMENT;
}

static int value_read(value_kind kind, const char *text, int64_t *value) {
    if (kind == COMPRESSION)
        return compression_read(text, value);
    if (strcasecmp(text, "off") == 0) {
        *value = TOW_OFF;
        return 0;
    }
    int error = kind == SIZE ? tow_size_parse(text, value) : tow_number_parse(text, value);
    bool fits = error == 0 && *value > 0 && (kind == SIZE || *value <= INT_MAX);
    return fits ? 0 : TOW_ERROR_ARGUMENT;
}

static const char *set_number(cmd_parms *command, void *unused, const char *text) {
    static const char *const expected[] = {
        [SECONDS] = "a number of seconds above 0, or off",
        [SIZE] = "a number of bytes above 0, such as 64K or 16M, or off",
        [COMPRESSION] = "off, shared or takeover",
    };
    const number_row *row = command->info;
    int64_t value;
    (void)unused;
    if (value_read(row->kind, text, &value) != 0)
        return apr_psprintf(
            command->pool, "%s: '%s' is not %s", command->cmd->name, text, expected[row->kind]);
    number_set(own_site(command), row, value);
    own_site(command)->is_set = true;
    return NULL;
}

/* Texts and lists. */

static const char *set_handlers(cmd_parms *command, void *unused, const char *folder, const char *prefix) {
    tow_apache_site *site = own_site(command);
    (void)unused;
    site->handlers = ap_server_root_relative(command->pool, folder);
    if (site->handlers == NULL)
        return apr_psprintf(command->pool, "TowlineHandlers: '%s' is no path", folder);
    if (prefix != NULL && prefix[0] != '/')
        return apr_psprintf(command->pool, "TowlineHandlers: '%s' does not begin with a slash", prefix);
    char *own = apr_pstrdup(command->pool, prefix != NULL ? prefix : "");
    for (size_t length = strlen(own); length > 0 && own[length - 1] == '/'; length--)
        own[length - 1] = '\0';
    site->prefix = own;
    site->is_set = true;
    return NULL;
}

static const char *set_aliases(cmd_parms *command, void *unused, const char *file) {
    tow_apache_site *site = own_site(command);
    (void)unused;
    site->aliases = ap_server_root_relative(command->pool, file);
    site->is_set = true;
    return site->aliases != NULL ? NULL
                                 : apr_psprintf(command->pool, "TowlineAliases: '%s' is no path", file);
}

/* A list ends with NULL at all times. */
static const char *add_text(cmd_parms *command, void *unused, const char *text) {
    tow_apache_site *site = own_site(command);
    apr_array_header_t **list = (apr_array_header_t **)(void *)((char *)site + (size_t)command->info);
    (void)unused;
    if (*list == NULL) {
        *list = apr_array_make(command->pool, 4, sizeof(char *));
        APR_ARRAY_PUSH(*list, const char *) = NULL;
    }
    APR_ARRAY_IDX(*list, (*list)->nelts - 1, const char *) = text;
    APR_ARRAY_PUSH(*list, const char *) = NULL;
    site->is_set = true;
    return NULL;
}

static const char *set_global(cmd_parms *command, void *unused, const char *text) {
    const char **field = (const char **)(void *)((char *)global + (size_t)command->info);
    const char *error = ap_check_cmd_context(command, GLOBAL_ONLY);
    (void)unused;
    *field = text;
    return error;
}

/* A virtual host has what the server around it has, but for what it says itself. */
void *tow_apache_site_merge(apr_pool_t *pool, void *base, void *over) {
    const tow_apache_site *outer = base;
    tow_apache_site *inner = over;
    if (!inner->is_set)
        return base;
    tow_apache_site *merged = apr_pmemdup(pool, outer, sizeof(*outer));
    merged->server = inner->server;
    if (inner->handlers != NULL) {
        merged->handlers = inner->handlers;
        merged->prefix = inner->prefix;
    }
    if (inner->aliases != NULL)
        merged->aliases = inner->aliases;
    merged->origins = inner->origins != NULL ? inner->origins : outer->origins;
    merged->hosts = inner->hosts != NULL ? inner->hosts : outer->hosts;
    merged->proxies = inner->proxies != NULL ? inner->proxies : outer->proxies;
    merged->protocols = inner->protocols != NULL ? inner->protocols : outer->protocols;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (number_get(inner, numbers[i]) != 0)
            number_set(merged, numbers[i], number_get(inner, numbers[i]));
    return merged;
}

tow_apache_site *tow_apache_site_of(const server_rec *server) {
    tow_apache_site *site = ap_get_module_config(server->module_config, &towline_module);
    return site != NULL && site->handlers != NULL ? site : NULL;
}

#define LIST(name, member, help)                                                                             \
    AP_INIT_ITERATE(name, add_text, (void *)offsetof(tow_apache_site, member), RSRC_CONF, help)
#define GLOBAL(name, member, help)                                                                           \
    AP_INIT_TAKE1(name, set_global, (void *)offsetof(tow_apache_global, member), RSRC_CONF, help)
#define LIMIT(name, row, help) AP_INIT_TAKE1(name, set_number, (void *)(uintptr_t) & (row), RSRC_CONF, help)

/* What a directive is about is a pointer in Apache's table, also where it is a place in a struct. */
// NOLINTBEGIN(performance-no-int-to-ptr)
const command_rec tow_apache_directives[] = {
    AP_INIT_TAKE12("TowlineHandlers", set_handlers, NULL, RSRC_CONF,
        "a directory of handlers, and the path that theirs are below, default /"),
    AP_INIT_TAKE1(
        "TowlineAliases", set_aliases, NULL, RSRC_CONF, "a file of lines ALIAS EXISTING: further paths"),
    LIST("TowlineAllowOrigin", origins, "origins that may connect besides the same one; * for any"),
    LIST("TowlineHost", hosts, "names that Host may have; default: whatever Apache serves here"),
    LIST("TowlineTrustedProxy", proxies,
        "addresses of proxies in front of Apache that are believed in what they say of the client"),
    LIST("TowlineProtocol", protocols, "subprotocols of handlers that name none themselves"),
    LIMIT("TowlineMaxMessage", max_message, "bytes of a message, default 16M; more: 1009"),
    LIMIT(
        "TowlineMessageSeconds", message_seconds, "from its first byte to its last, default 60; more: 1008"),
    LIMIT("TowlineMessageRate", message_rate, "bytes a second by which that time grows, default 1K"),
    LIMIT("TowlineMaxQueue", max_queue, "bytes that wait to be sent, default 1M; more: 1008"),
    LIMIT("TowlineStallSeconds", stall_seconds, "that a peer may take nothing, default 30; then reset"),
    LIMIT("TowlinePingSeconds", ping_seconds, "of silence until a Ping, default 20"),
    LIMIT("TowlineIdleSeconds", idle_seconds, "of silence until the end with 1001, default 60"),
    LIMIT("TowlineCloseSeconds", close_seconds, "for the peer's Close, default 5; then reset"),
    LIMIT("TowlineDrainSeconds", drain_seconds, "for all Closes at a restart, default 5; then reset"),
    LIMIT("TowlineCompression", compression, "off, shared or takeover, default shared"),
    LIMIT("TowlineCompressionMin", compression_min, "bytes of a message that is compressed, default 512"),
    LIMIT("TowlineCompressionMax", compression_max, "the most bytes of one, default 512K"),
    GLOBAL("TowlinePython", python, "the Python that runs handlers, default python3"),
    GLOBAL("TowlineHandlerEncoding", encoding, "in which Python handlers are written, default the locale's"),
    GLOBAL("TowlinePythonModules", python_modules, "the folder with towline_host.py and mod_pywebsocket"),
    {NULL},
};
// NOLINTEND(performance-no-int-to-ptr)
