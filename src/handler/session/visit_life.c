#include "visit.h"

#include <stdlib.h>

tow_session_visit *tow_session_visit_new(void) {
    tow_session_visit *visit = calloc(1, sizeof(*visit));
    if (visit != NULL)
        atomic_init(&visit->holders, 1);
    return visit;
}

tow_session_visit *tow_session_visit_hold(tow_session_visit *visit) {
    atomic_fetch_add(&visit->holders, 1);
    return visit;
}

void tow_session_visit_release(tow_session_visit *visit) {
    if (visit == NULL || atomic_fetch_sub(&visit->holders, 1) > 1)
        return;
    tow_buffer_clear(&visit->body);
    free(visit);
}
