/* A file of aliases: each stands for a path that is no alias of a line above, and is found by its own. */
#include "directory/aliases.h"
#include "fuzz.h"

#include <stdint.h>
#include <string.h>

static void on_remark(void *user, size_t line, const char *what) {
    (void)user;
    CHECK(line > 0 && what[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    tow_aliases aliases;
    if (tow_aliases_read(&aliases, (const char *)bytes, length, on_remark, NULL) != 0)
        return 0;
    for (size_t i = 0; i < aliases.count; i++) {
        const tow_alias *alias = &aliases.list[i];
        CHECK(alias->path[0] == '/' && alias->base[0] == '/');
        CHECK(tow_aliases_find(&aliases, alias->path) == alias);
        CHECK(i == 0 || strcmp(aliases.list[i - 1].path, alias->path) < 0);
    }
    tow_aliases_clear(&aliases);
    return 0;
}
