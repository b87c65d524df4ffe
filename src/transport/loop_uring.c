#include "loop_shared.h"

#include <towline/error.h>

int tow_loop_new_uring(tow_loop **loop) {
    (void)loop;
    return TOW_ERROR_UNSUPPORTED;
}
