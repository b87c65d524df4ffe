#include "server/file_body.h"

#include <errno.h>
#include <stdlib.h>
#include <towline/error.h>
#include <unistd.h>

typedef struct file_body {
    int fd;
    int64_t offset;
} file_body;

static int64_t file_body_read(void *user, void *out, size_t length) {
    file_body *body = user;
    ssize_t count;
    do {
        count = pread(body->fd, out, length, body->offset);
    } while (count < 0 && errno == EINTR);
    if (count > 0)
        body->offset += count;
    return count;
}

static void file_body_close(void *user) {
    file_body *body = user;
    close(body->fd);
    free(body);
}

int tow_file_body_new(tow_body_source *source, int fd, int64_t offset) {
    file_body *body = malloc(sizeof *body);
    if (body == NULL)
        return TOW_ERROR_MEMORY;
    *body = (file_body){.fd = fd, .offset = offset};
    *source = (tow_body_source){.read = file_body_read, .close = file_body_close, .user = body};
    return 0;
}
