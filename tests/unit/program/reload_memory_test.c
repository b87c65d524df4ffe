/* A reload for which memory runs out changes nothing at all: routes, certificates, who may come in, limits
 * and channels are those of before; and once there is memory, all of them are the new ones. */
#include "../server/world.h"

#include "../allocation.h"
#include "../../../src/server/state.h"
#include "../handler/folder.h"
#include "../transport/authority.h"
#include "config.h"
#include "option_table.h"
#include "server/entrance.h"
#include "serve_reload.h"
#include "serve_routes.h"

#include <towline/error.h>
#include <towline/log.h>

/* What the file says before and after. */
enum { BEFORE, AFTER };

static const char *const texts[] = {
    "certificate: before.pem\nkey: before.key\nallow-origin: https://before.example\nbearer-token: before\n"
    "max-message: 100\nchannels: [{name: c, history: 1}]\n"
    "routes: [{path: /changes, respond: is-before}, {path: /goes, respond: goes}, {path: /e, echo: }]\n",
    "certificate: after.pem\nkey: after.key\nallow-origin: https://after.example\nbearer-token: after\n"
    "max-message: 3\nchannels: [{name: c, history: 2}]\n"
    "routes: [{path: /changes, respond: is-after}, {path: /comes, respond: comes}, {path: /e, echo: }, "
    "{path: /one, socketio: }, {path: /two, socketio: }]\n",
};
static const char *const names[] = {"before", "after"};

/* A running `towline serve` on a simulated loop. */
struct stage {
    folder folder;
    char config[FOLDER_PATH_MAX];
    const char *words[3];
    tow_options given;
    tow_options options;
    tow_serving serving;
    tow_served_config served;
    tow_handlers handlers;
    struct world world;
    tow_tls_context *client;
};

static void add_identity(const folder *made, test_authority *authority, const char *name) {
    test_identity identity;
    char file[32];
    authority_issue(authority, &(test_subject){.name = name, .names = "DNS:localhost"}, &identity);
    snprintf(file, sizeof(file), "%s.pem", name);
    folder_add_file(made, file, identity.certificate);
    snprintf(file, sizeof(file), "%s.key", name);
    folder_add_file(made, file, identity.key);
    folder_add_file(made, name, name); /* its token */
    identity_clear(&identity);
}

static void files_make(struct stage *stage) {
    test_authority authority;
    folder_make(&stage->folder);
    authority_make(&authority, "Test Authority");
    add_identity(&stage->folder, &authority, "before");
    add_identity(&stage->folder, &authority, "after");
    authority_clear(&authority);
    folder_add_file(&stage->folder, "c.yaml", texts[BEFORE]);
    snprintf(stage->config, sizeof(stage->config), "%s", folder_path(&stage->folder, "c.yaml"));
}

static void options_make(struct stage *stage) {
    const char *const words[] = {"-f", stage->config, NULL};
    memcpy(stage->words, words, sizeof(words));
    char error[TOW_OPTIONS_ERROR_MAX];
    tow_served_config *served = &stage->served;
    assert_int_equal(tow_options_init(&stage->given, tow_command_find("serve")), 0);
    assert_int_equal(tow_options_take_words(&stage->given, stage->words, error), TOW_OPTIONS_RUN);
    if (tow_config_read(&stage->options, &served->plans, &served->channel_items, &stage->given, stage->config,
            error) != 0)
        fail_msg("%s", error);
    assert_int_equal(tow_serve_routes_complete(&served->plans, &stage->options, error), 0);
    served->first = &stage->options;
    served->handlers = &stage->handlers;
}

static void server_make(struct stage *stage) {
    const tow_serve_settings *settings = stage->options.settings;
    tow_server_options options = settings->server;
    tow_certificate *pairs = tow_serving_certificates(settings, &options.tls_certificate_count);
    options.tls_certificates = pairs;
    world_make(&stage->world, &(tow_simulation_options){.seed = 1}, &options);
    free(pairs);
    stage->serving = (tow_serving){
        .service = {.options = &stage->options, .settings = settings, .loop = stage->world.loop},
        .server = stage->world.server};
    assert_int_equal(tow_log_new(&stage->serving.service.log,
                         &(tow_log_options){.path = folder_path(&stage->folder, "log")}),
        0);
}

static void serve(struct stage *stage) {
    tow_served_config *served = &stage->served;
    const tow_serve_settings *settings = stage->options.settings;
    const tow_handler_place place = tow_serving_place(&stage->serving);
    char why[TOW_HANDLER_TEXT_MAX], error[TOW_OPTIONS_ERROR_MAX];
    assert_int_equal(tow_admission_new(&served->guards.admission, &place), 0);
    assert_int_equal(
        tow_guard_new_open(&served->guards.guard, served->guards.admission, &settings->guard, why), 0);
    assert_int_equal(tow_served_channels_begin(&served->channels, stage->world.server,
                         &(tow_channels_settings){0}, &served->channel_items),
        0);
    assert_int_equal(
        tow_serve_routes_make(&served->plans, &place, &served->guards, &stage->options, error), 0);
    for (size_t i = 0; i < served->plans.count; i++)
        assert_int_equal(tow_route_plan_serve(served->plans.items[i], stage->world.server), 0);
    world_listen(&stage->world);
}

static void begin(struct stage *stage) {
    memset(stage, 0, sizeof(*stage));
    files_make(stage);
    options_make(stage);
    server_make(stage);
    serve(stage);
    stage->client = context_make(&(tow_tls_settings){.verify = TOW_TLS_VERIFY_NONE});
}

static void end(struct stage *stage) {
    tow_admission_end(stage->served.guards.admission);
    world_end(&stage->world);
    tow_served_config_clear(&stage->served);
    tow_guard_release(stage->served.guards.guard);
    tow_admission_free(stage->served.guards.admission);
    tow_served_channels_end(&stage->served.channels);
    tow_log_free(stage->serving.service.log);
    tow_options_clear(&stage->options);
    tow_options_clear(&stage->given);
    tow_tls_context_release(stage->client);
    folder_remove(&stage->folder);
}

static void ask(struct peer *peer, const char *path, const char *name) {
    char text[256];
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
        path, name);
    peer_text(peer, text);
}

static void expect_refused(struct stage *stage, const char *path, const char *name, const char *status) {
    struct peer peer;
    peer_connect_secure(&peer, &stage->world, stage->client);
    ask(&peer, path, name);
    peer_expect(&peer, status);
    peer_close(&peer);
}

static void expect_history(const struct stage *stage, unsigned count) {
    tow_channel_policy policy = {0};
    tow_channel_policies_find(stage->served.channels.policies, tow_slice_from("c"), &policy);
    assert_int_equal(policy.history_count, count);
}

static size_t count_entrances(const tow_server *server) {
    size_t count = 0;
    for (tow_entrance *entrance = atomic_load(&server->entrances); entrance != NULL;
         entrance = entrance->next)
        count++;
    return count;
}

/* All that the file of then says holds, and nothing of the other one. */
static void expect_all(struct stage *stage, int then) {
    struct peer peer;
    tow_tls_details details;
    char text[320];
    peer_connect_secure(&peer, &stage->world, stage->client);
    ask(&peer, "/changes", names[then]);
    peer_expect(&peer, then == BEFORE ? "is-before" : "is-after");
    assert_int_equal(tow_stream_tls_details(&peer.stream, &details), 0);
    assert_string_equal(details.subject, names[then]);
    ask(&peer, then == BEFORE ? "/goes" : "/comes", names[then]);
    peer_expect(&peer, then == BEFORE ? "\r\n\r\ngoes" : "\r\n\r\ncomes");
    snprintf(text, sizeof(text),
        OPENING_WITH("/e", "Origin: https://%s.example\r\nAuthorization: Bearer %s\r\n"), names[then],
        names[then]);
    peer_text(&peer, text);
    peer_expect(&peer, OPENED);
    peer_frame(&peer, 1, "12345", 5);
    peer_expect(&peer, then == BEFORE ? "\x81\x05"
                                        "12345"
                                      : "\x88");
    peer_close(&peer);
    expect_refused(stage, "/changes", names[!then], "HTTP/1.1 401 ");
    expect_refused(stage, then == BEFORE ? "/comes" : "/goes", names[then], "HTTP/1.1 404 ");
    expect_history(stage, then == BEFORE ? 1 : 2);
    assert_int_equal(count_entrances(stage->world.server), then == BEFORE ? 0 : 2);
}

static bool reload(struct stage *stage, size_t failing) {
    allocation_fail_at(failing);
    bool is_taken = tow_serve_reload(&stage->served, &stage->serving);
    size_t count = allocation_count();
    allocation_fail_at(0);
    assert_true(is_taken || count >= failing);
    return is_taken;
}

static void without_memory_everything_is_as_before(void **state) {
    (void)state;
    struct stage stage;
    size_t failing = 1;
    begin(&stage);
    expect_all(&stage, BEFORE);
    folder_add_file(&stage.folder, "c.yaml", texts[AFTER]);
    for (; !reload(&stage, failing); failing++) {
        world_run(&stage.world, 1);
        expect_all(&stage, BEFORE);
    }
    assert_true(failing > 100);
    world_run(&stage.world, 1);
    expect_all(&stage, AFTER);
    end(&stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_everything_is_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
