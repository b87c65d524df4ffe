#include "base/complaint.h"

#include "base/text.h"

#include <stdarg.h>
#include <stddef.h>
#include <towline/error.h>

int tow_complain(tow_complaint *complaint, const char *format, ...) {
    if (complaint == NULL)
        return TOW_ERROR_ARGUMENT;
    va_list arguments;
    va_start(arguments, format);
    tow_text_format_list(complaint->text, sizeof(complaint->text), format, arguments);
    va_end(arguments);
    return TOW_ERROR_ARGUMENT;
}
