/* A library that is no handler. */
#include <towline/handler.h>

TOW_HANDLER_LIFE(.on_unload = NULL);
