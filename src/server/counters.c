#include "counters.h"

#include <stddef.h>

const char *tow_server_limit_option(const tow_server_counters *counters, const uint64_t *counter) {
#define OPTION(name, option)                                                                                 \
    if (counter == &counters->name)                                                                          \
        return option;
    TOW_SERVER_LIMIT_COUNTERS(OPTION)
#undef OPTION
    return NULL;
}
