#include "caller.h"

void tow_caller_find(tow_caller *caller, const tow_request *request) {
    const char *own = tow_request_header(request, "Towline-Key");
    caller->key = tow_slice_from(own != NULL ? own : "");
    if (own != NULL)
        return;
    tow_presented_find(&caller->presented, request, NULL);
    if (caller->presented.scheme == TOW_SCHEME_BEARER)
        caller->key = caller->presented.token;
}

void tow_caller_clear(tow_caller *caller) {
    tow_presented_clear(&caller->presented);
}
