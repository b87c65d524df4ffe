#include "system_error.h"

#include <errno.h>
#include <stddef.h>
#include <towline/error.h>

int tow_system_error(int number) {
    static const struct {
        int number, error;
    } table[] = {
        {ECONNRESET, TOW_ERROR_RESET},
        {EPIPE, TOW_ERROR_RESET},
        {ECONNABORTED, TOW_ERROR_RESET},
        {ENOTCONN, TOW_ERROR_RESET},
        {ETIMEDOUT, TOW_ERROR_TIMED_OUT},
        {ECONNREFUSED, TOW_ERROR_REFUSED},
        {EHOSTUNREACH, TOW_ERROR_UNREACHABLE},
        {ENETUNREACH, TOW_ERROR_UNREACHABLE},
        {EHOSTDOWN, TOW_ERROR_UNREACHABLE},
        {ENETDOWN, TOW_ERROR_UNREACHABLE},
        {EADDRINUSE, TOW_ERROR_ADDRESS_IN_USE},
        {EADDRNOTAVAIL, TOW_ERROR_ADDRESS},
        {EAFNOSUPPORT, TOW_ERROR_ADDRESS},
        {ENOENT, TOW_ERROR_NO_FILE},
        {ENOTDIR, TOW_ERROR_NO_FILE},
        {EACCES, TOW_ERROR_PERMISSION},
        {EPERM, TOW_ERROR_PERMISSION},
        {EMFILE, TOW_ERROR_DESCRIPTORS},
        {ENFILE, TOW_ERROR_DESCRIPTORS},
        {ENOMEM, TOW_ERROR_MEMORY},
        {ENOBUFS, TOW_ERROR_MEMORY},
        {ENOSYS, TOW_ERROR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].number == number)
            return table[i].error;
    return TOW_ERROR_SYSTEM;
}
