#include "zlib_memory.h"

#include <stdint.h>
#include <stdlib.h>

static voidpf allocate(voidpf opaque, uInt items, uInt size) {
    (void)opaque;
    return size == 0 || items > SIZE_MAX / size ? NULL : malloc((size_t)items * size);
}

static void release(voidpf opaque, voidpf address) {
    (void)opaque;
    free(address);
}

void tow_zlib_memory_use(z_stream *stream) {
    stream->zalloc = allocate;
    stream->zfree = release;
    stream->opaque = NULL;
}
