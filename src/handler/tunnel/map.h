/* map: which token or path of a request leads to which target, read from a file.
 *
 * A line is KEY: TARGET. A key that begins with a slash is a path, any other a token; '#' begins a comment.
 * A map is made whole and never changed: whoever uses one holds a reference, from any thread. */
#ifndef TOW_HANDLER_TUNNEL_MAP_H
#define TOW_HANDLER_TUNNEL_MAP_H

#include "target.h"

#include <stddef.h>

typedef struct tow_tunnel_map tow_tunnel_map;

enum { TOW_TUNNEL_MAP_TEXT_MAX = 200, TOW_TUNNEL_MAP_SIZE_MAX = 16 * 1024 * 1024 };

/* Reads a map from the text of a file. Errors: ARGUMENT, MEMORY; then `why` says what is wrong, with the
 * number of the line. */
int tow_tunnel_map_read(
    tow_tunnel_map **map, const char *text, size_t length, char why[TOW_TUNNEL_MAP_TEXT_MAX]);

/* The same from the file. Errors: those, SYSTEM (`why` says what). */
int tow_tunnel_map_open(tow_tunnel_map **map, const char *path, char why[TOW_TUNNEL_MAP_TEXT_MAX]);

void tow_tunnel_map_retain(tow_tunnel_map *map);
void tow_tunnel_map_release(tow_tunnel_map *map); /* NULL is allowed */

/* The target of a key, or NULL; lives as long as the map. */
const tow_tunnel_target *tow_tunnel_map_find(const tow_tunnel_map *map, const char *key, size_t length);

size_t tow_tunnel_map_count(const tow_tunnel_map *map);

#endif
