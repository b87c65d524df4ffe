/* A handler that was built for another interface. */
#include <towline/handler.h>

#undef TOW_HANDLER_ABI
#define TOW_HANDLER_ABI 99

TOW_HANDLER(.any_origin = true);
