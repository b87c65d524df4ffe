#include "path.h"

#include "http/percent.h"

#include <string.h>

/* Takes one character, plain or encoded, from the front of the text. Returns 0 or a status. */
static int character_read(tow_slice *text, char *character) {
    bool encoded = text->data[0] == '%';
    if (!tow_percent_take(text, character))
        return 400;
    if (encoded && *character == '\0')
        return 400; /* the system would see a shorter name than we do */
    return encoded && *character == '/' ? 404 : 0;
}

static bool is_at_slash(tow_slice text) {
    return text.length > 0 && text.data[0] == '/';
}

/* Takes a segment up to a slash or the end; *length is that of its name in `out`, which has room for `room`
 * bytes. */
static int segment_read(tow_slice *text, char *out, size_t room, size_t *length) {
    for (*length = 0; text->length > 0 && !is_at_slash(*text); (*length)++) {
        if (*length == room)
            return 404;
        int status = character_read(text, &out[*length]);
        if (status != 0)
            return status;
    }
    return 0;
}

/* RFC 8615: .well-known is there to be public. */
static bool is_hidden(const char *segment, size_t length, bool first) {
    static const char known[] = ".well-known";
    bool is_known = first && length == sizeof(known) - 1 && memcmp(segment, known, length) == 0;
    return length > 0 && segment[0] == '.' && !is_known;
}

int tow_file_path_read(tow_file_path *path, const char *text) {
    tow_slice rest = tow_slice_from(text);
    size_t at = 0;
    if (!is_at_slash(rest))
        return 404;
    path->name[0] = '\0';
    path->ends_with_slash = true;
    while (rest.length > 1 && is_at_slash(rest)) {
        rest = (tow_slice){rest.data + 1, rest.length - 1};
        if (at > 0)
            path->name[at++] = '/';
        size_t length;
        int status = segment_read(&rest, path->name + at, sizeof(path->name) - 2 - at, &length);
        if (status != 0)
            return status;
        if (length == 0 || is_hidden(path->name + at, length, at == 0))
            return 404;
        at += length;
        path->name[at] = '\0';
        path->ends_with_slash = is_at_slash(rest);
    }
    return 0;
}

const char *tow_file_path_last(const tow_file_path *path) {
    const char *slash = strrchr(path->name, '/');
    return slash == NULL ? path->name : slash + 1;
}

static bool is_unreserved(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || (character != '\0' && strchr("-._~", character) != NULL);
}

int tow_path_segment_append(tow_buffer *out, const char *segment) {
    static const char digits[] = "0123456789ABCDEF";
    for (; *segment != '\0'; segment++) {
        unsigned char byte = (unsigned char)*segment;
        char encoded[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        int error =
            is_unreserved(*segment) ? tow_buffer_append(out, segment, 1) : tow_buffer_append(out, encoded, 3);
        if (error != 0)
            return error;
    }
    return 0;
}
