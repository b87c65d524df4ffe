#include "random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <towline/error.h>

static int fill(tow_random *pool) {
    size_t have = 0;
    while (have < sizeof(pool->bytes)) {
        ssize_t got = getrandom(pool->bytes + have, sizeof(pool->bytes) - have, 0);
        if (got < 0 && errno != EINTR)
            return TOW_ERROR_SYSTEM;
        have += got < 0 ? 0 : (size_t)got;
    }
    pool->left = sizeof(pool->bytes);
    return 0;
}

int tow_random_init(tow_random *pool) {
    return fill(pool);
}

void tow_random_take(tow_random *pool, void *out, size_t length) {
    uint8_t *to = out;
    while (length > 0) {
        if (pool->left == 0)
            while (fill(pool) != 0) {
            }
        size_t part = length < pool->left ? length : pool->left;
        pool->left -= part;
        memcpy(to, pool->bytes + pool->left, part);
        explicit_bzero(pool->bytes + pool->left, part);
        to += part;
        length -= part;
    }
}
