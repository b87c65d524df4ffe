/* A request's path: what it becomes never leads upwards, is never hidden, and as a path again becomes the
 * same name. */
#include "fuzz.h"
#include "path.h"

#include <string.h>

static void check_segment(const char *segment, size_t length, bool first) {
    CHECK(length > 0);
    CHECK(segment[0] != '.' || (first && strncmp(segment, ".well-known", length) == 0 && length == 11));
}

static void check_name(const char *name) {
    for (const char *segment = name; *segment != '\0';) {
        size_t length = strcspn(segment, "/");
        check_segment(segment, length, segment == name);
        CHECK(segment[length] == '\0' || segment[length + 1] != '\0');
        segment += length + (segment[length] == '/');
    }
}

/* The name as a path in its encoded form. */
static void encode(tow_buffer *out, const tow_file_path *path) {
    char segment[TOW_FILE_PATH_MAX];
    for (const char *at = path->name; *at != '\0';) {
        size_t length = strcspn(at, "/");
        memcpy(segment, at, length);
        segment[length] = '\0';
        CHECK(tow_buffer_append_text(out, "/") == 0);
        CHECK(tow_path_segment_append(out, segment) == 0);
        at += length + (at[length] == '/');
    }
    CHECK(tow_buffer_append_text(out, path->ends_with_slash ? "/" : "") == 0);
    CHECK(tow_buffer_append(out, "", 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static tow_file_path path;
    static tow_file_path again;
    tow_buffer text = {0};
    CHECK(tow_buffer_append(&text, data, size) == 0 && tow_buffer_append(&text, "", 1) == 0);
    int status = tow_file_path_read(&path, (const char *)text.data);
    tow_buffer_clear(&text);
    CHECK(status == 0 || status == 400 || status == 404);
    if (status != 0)
        return 0;
    check_name(path.name);
    encode(&text, &path);
    CHECK(tow_file_path_read(&again, (const char *)text.data) == 0);
    CHECK(strcmp(again.name, path.name) == 0 && again.ends_with_slash == path.ends_with_slash);
    tow_buffer_clear(&text);
    return 0;
}
