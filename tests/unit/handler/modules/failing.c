/* A handler that does not want to be loaded. */
#include <towline/error.h>
#include <towline/handler.h>

static int load(const tow_handler_host *host, tow_handler *handler) {
    return TOW_ERROR_ADDRESS_IN_USE;
}

TOW_HANDLER(.any_origin = true);
TOW_HANDLER_LIFE(.on_load = load);
