#include "path.h"

#include <string.h>

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Takes one character, plain or encoded, from the front of *text. Returns 0 or a status. */
static int character_read(const char **text, char *character) {
    *character = *(*text)++;
    if (*character != '%')
        return 0;
    int high = hex_value((*text)[0]);
    int low = high < 0 ? -1 : hex_value((*text)[1]);
    if (low < 0)
        return 400;
    *text += 2;
    *character = (char)(high * 16 + low);
    if (*character == '\0')
        return 400; /* the system would see a shorter name than we do */
    return *character == '/' ? 404 : 0;
}

/* Takes a segment up to a slash or the end; *length is that of its name in `out`, which has room for `room`
 * bytes. */
static int segment_read(const char **text, char *out, size_t room, size_t *length) {
    for (*length = 0; **text != '/' && **text != '\0'; (*length)++) {
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
    bool is_known = first && length == sizeof known - 1 && memcmp(segment, known, length) == 0;
    return length > 0 && segment[0] == '.' && !is_known;
}

int tow_file_path_read(tow_file_path *path, const char *text) {
    size_t at = 0;
    if (*text != '/')
        return 404;
    path->name[0] = '\0';
    path->ends_with_slash = true;
    while (*text == '/' && text[1] != '\0') {
        text++;
        if (at > 0)
            path->name[at++] = '/';
        size_t length;
        int status = segment_read(&text, path->name + at, sizeof path->name - 2 - at, &length);
        if (status != 0)
            return status;
        if (length == 0 || is_hidden(path->name + at, length, at == 0))
            return 404;
        at += length;
        path->name[at] = '\0';
        path->ends_with_slash = *text == '/';
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
