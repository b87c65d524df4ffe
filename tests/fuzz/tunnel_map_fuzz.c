/* A map's text: what is read is found again by its keys; what is refused says why. */
#include "fuzz.h"

#include "tunnel/map.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char why[TOW_TUNNEL_MAP_TEXT_MAX] = "";
    tow_tunnel_map *map = NULL;
    if (tow_tunnel_map_read(&map, (const char *)data, size, why) != 0) {
        CHECK(map == NULL && why[0] != '\0' && strlen(why) < sizeof(why));
        return 0;
    }
    size_t found = 0;
    for (size_t begin = 0, end = 0; end <= size; end++) {
        if (end < size && data[end] != '\n' && data[end] != ':')
            continue;
        const tow_tunnel_target *target = tow_tunnel_map_find(map, (const char *)data + begin, end - begin);
        found += target != NULL;
        if (target != NULL)
            CHECK(target->rest[0] != '\0' && strstr(target->text, target->rest) != NULL);
        begin = end + 1;
    }
    CHECK(found == 0 || tow_tunnel_map_count(map) > 0);
    tow_tunnel_map_release(map);
    return 0;
}
