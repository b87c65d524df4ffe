/* A handler that says what happens to it. */
#include <towline/handler.h>
#include <towline/log.h>

static const tow_handler_host *here;
static _Thread_local int turns;

static void on_message(tow_websocket *socket, const tow_message *message) {
}

static void on_free(void *user) {
    here->log(here, TOW_LOG_INFO, user == &here ? "free" : "free of another");
}

static int load(const tow_handler_host *host, tow_handler *handler) {
    here = host;
    turns = 1;
    handler->user = &here;
    host->log(host, TOW_LOG_INFO, host->path);
    return 0;
}

static void end_worker(void) {
    here->log(here, TOW_LOG_INFO, turns == 1 ? "the first worker ends" : "another worker ends");
}

static void unload(void) {
    here->log(here, TOW_LOG_INFO, "unload");
}

TOW_HANDLER(.on_message = on_message, .on_free = on_free);
TOW_HANDLER_LIFE(.on_load = load, .on_worker_end = end_worker, .on_unload = unload);
