/* simulated: descriptors of the simulated network are numbers that the system never gives. */
#ifndef TOW_TRANSPORT_SIMULATED_H
#define TOW_TRANSPORT_SIMULATED_H

#include <stdbool.h>

enum { TOW_SIMULATED_FD = 1 << 30 };

static inline bool tow_is_simulated_fd(int fd) {
    return fd >= TOW_SIMULATED_FD;
}

#endif
