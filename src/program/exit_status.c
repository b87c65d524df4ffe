#include "exit_status.h"

#include <stddef.h>
#include <towline/error.h>

enum { CLOSE_NORMAL = 1000, CLOSE_GOING_AWAY = 1001, CLOSE_NO_CODE = 1005 };

tow_exit_status tow_exit_status_of_error(const tow_error_event *event, bool has_proxy) {
    static const struct {
        int error;
        tow_exit_status status;
    } table[] = {
        {TOW_ERROR_REFUSED, TOW_EXIT_NOT_REACHED}, {TOW_ERROR_UNREACHABLE, TOW_EXIT_NOT_REACHED},
        {TOW_ERROR_ADDRESS, TOW_EXIT_NOT_REACHED},
        {TOW_ERROR_NO_FILE, TOW_EXIT_NOT_REACHED}, /* a Unix socket */
        {TOW_ERROR_PERMISSION, TOW_EXIT_NOT_REACHED}, {TOW_ERROR_TIMED_OUT, TOW_EXIT_TIME},
        {TOW_ERROR_TLS, TOW_EXIT_TLS}, {TOW_ERROR_CERTIFICATE, TOW_EXIT_CERTIFICATE},
        {TOW_ERROR_RESET, TOW_EXIT_ENDED}, {TOW_ERROR_ENDED, TOW_EXIT_ENDED},
        {TOW_ERROR_MESSAGE_TOO_LARGE, TOW_EXIT_FAILED}, /* our own limit */
    };
    if (event->http_status != 0)
        return TOW_EXIT_HTTP_STATUS;
    if (event->error == TOW_ERROR_NAME_NOT_FOUND)
        return has_proxy ? TOW_EXIT_PROXY_NAME : TOW_EXIT_NAME;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].error == event->error)
            return table[i].status;
    return event->error <= TOW_ERROR_RESERVED_BITS ? TOW_EXIT_PROTOCOL : TOW_EXIT_FAILED;
}

tow_exit_status tow_exit_status_of_close(const tow_close_event *event, uint16_t own_code) {
    if (!event->was_clean)
        return TOW_EXIT_ENDED;
    bool orderly = event->code == CLOSE_NORMAL || event->code == CLOSE_GOING_AWAY ||
                   event->code == CLOSE_NO_CODE || event->code == own_code;
    return orderly ? TOW_EXIT_DONE : TOW_EXIT_CLOSE_CODE;
}
