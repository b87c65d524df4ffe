/* A request's path: what it asks of SockJS lies in it. */
#include "fuzz.h"

#include "sockjs/place.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *path = malloc(size + 1);
    CHECK(path != NULL);
    memcpy(path, data, size);
    path[size] = '\0';
    tow_sockjs_place place = tow_sockjs_place_of((tow_slice){path, size});
    if (place.what != TOW_SOCKJS_NOTHING) {
        bool is_root = tow_slice_equals(place.base, "/");
        CHECK(is_root || (place.base.data == path && place.base.length < size));
        CHECK(place.what < TOW_SOCKJS_WEBSOCKET || (place.name.data == path && place.name.length < size));
    }
    free(path);
    return 0;
}
