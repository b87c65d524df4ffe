/* A handler that was built with headers which have more. */
#include <towline/handler.h>

typedef struct newer_handler {
    tow_handler known;
    void (*on_something_new)(void);
} newer_handler;

#ifdef USES_WHAT_IS_NEW
static void on_something_new(void) {
}
static const newer_handler handler = {.on_something_new = on_something_new};
#else
static const newer_handler handler = {.known.any_origin = true};
#endif

TOW_HANDLER_EXPORT(tow_handler_library, towline_handler) = {TOW_HANDLER_ABI, sizeof(handler), &handler.known};
