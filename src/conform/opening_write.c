#include "opening_write.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

/* What {letters=} and {fields=} make at most. */
enum { HEAD_FILL_MAX = 1 << 20 };

static bool is_edited(const conform_case *one, const char *name) {
    for (size_t i = 0; i < one->edit_count; i++) {
        const case_edit *edit = &one->edits[i];
        if ((edit->kind == EDIT_REPLACE || edit->kind == EDIT_DROP) && strcasecmp(edit->name, name) == 0)
            return true;
    }
    return false;
}

static const case_edit *edit_of(const conform_case *one, edit_kind kind) {
    for (size_t i = 0; i < one->edit_count; i++) {
        if (one->edits[i].kind == kind)
            return &one->edits[i];
    }
    return NULL;
}

/* Names in braces that are known only at run time. */
struct names {
    const char *host, *path, *key, *accept;
};

static int append_letters(tow_buffer *out, unsigned long count) {
    int error = count > HEAD_FILL_MAX ? TOW_ERROR_LIMIT : tow_buffer_reserve(out, count);
    if (error == 0) {
        memset(out->data + out->length, 'a', count);
        out->length += count;
    }
    return error;
}

static int append_fields(tow_buffer *out, unsigned long count) {
    int error = count > HEAD_FILL_MAX ? TOW_ERROR_LIMIT : 0;
    for (unsigned long i = 1; i <= count && error == 0; i++)
        error = tow_buffer_append_format(out, "X-Field-%lu: %lu\r\n", i, i);
    return error;
}

/* `PREFIX NUMBER }` at the front: how long it is, 0 if it is not there. */
static size_t read_count(const char *text, const char *prefix, size_t *count) {
    size_t length = strlen(prefix);
    if (strncmp(text, prefix, length) != 0)
        return 0;
    char *end;
    *count = strtoul(text + length, &end, 10);
    return *end == '}' ? (size_t)(end + 1 - text) : 0;
}

/* What a brace at the front of the text stands for is appended. Returns how long it is in the text, 1 for a
 * brace that is only a brace, or a negative error. */
static int append_brace(tow_buffer *out, const char *text, const struct names *names) {
    const struct {
        const char *name;
        const char *value;
    } table[] = {
        {"{host}", names->host}, {"{path}", names->path}, {"{key}", names->key}, {"{accept}", names->accept}};
    int error = 0;
    size_t count;
    size_t used;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int length = (int)strlen(table[i].name);
        if (strncmp(text, table[i].name, (size_t)length) == 0)
            return error = tow_buffer_append_text(out, table[i].value), error == 0 ? length : error;
    }
    if (strncmp(text, "{nul}", 5) == 0)
        return error = tow_buffer_append(out, "", 1), error == 0 ? 5 : error;
    if ((used = read_count(text, "{letters=", &count)) > 0)
        return error = append_letters(out, count), error == 0 ? (int)used : error;
    if ((used = read_count(text, "{fields=", &count)) > 0)
        return error = append_fields(out, count), error == 0 ? (int)used : error;
    return error = tow_buffer_append(out, text, 1), error == 0 ? 1 : error;
}

static int append_with_names(tow_buffer *out, const char *text, const struct names *names) {
    while (*text != 0) {
        size_t plain = strcspn(text, "{");
        int result = tow_buffer_append(out, text, plain);
        text += plain;
        if (result == 0 && *text == '{')
            result = append_brace(out, text, names);
        if (result < 0)
            return result;
        text += result;
    }
    return 0;
}

static int append_line(const conform_case *one, tow_buffer *out, const char *name, const char *value,
    const struct names *names) {
    if (is_edited(one, name) || value == NULL)
        return 0;
    int error = tow_buffer_append_format(out, "%s: ", name);
    if (error == 0)
        error = append_with_names(out, value, names);
    return error == 0 ? tow_buffer_append_text(out, "\r\n") : error;
}

static int append_edits(const conform_case *one, tow_buffer *out, const struct names *names) {
    int error = 0;
    for (size_t i = 0; i < one->edit_count && error == 0; i++) {
        const case_edit *edit = &one->edits[i];
        if (edit->kind != EDIT_REPLACE && edit->kind != EDIT_ADD && edit->kind != EDIT_BREAK)
            continue;
        if (edit->kind != EDIT_BREAK)
            error = tow_buffer_append_format(out, "%s: ", edit->name);
        if (error == 0)
            error = append_with_names(out, edit->value, names);
        if (error == 0 && edit->kind != EDIT_BREAK)
            error = tow_buffer_append_text(out, "\r\n");
    }
    return error == 0 ? tow_buffer_append_text(out, "\r\n") : error;
}

static int append_first_line(
    const conform_case *one, tow_buffer *out, const char *usual, const struct names *names) {
    const case_edit *line = edit_of(one, EDIT_LINE);
    int error = append_with_names(out, line == NULL ? usual : line->value, names);
    return error == 0 ? tow_buffer_append_text(out, "\r\n") : error;
}

int tow_conform_opening_request_write(
    const conform_case *one, const char *host, const char *path, const char *key, tow_buffer *out) {
    struct names names = {.host = host, .path = path, .key = key, .accept = ""};
    const case_edit *raw = edit_of(one, EDIT_RAW);
    if (raw != NULL)
        return append_with_names(out, raw->value, &names);
    int error = append_first_line(one, out, "GET {path} HTTP/1.1", &names);
    const struct {
        const char *name;
        const char *value;
    } lines[] = {{"Host", "{host}"}, {"Upgrade", "websocket"}, {"Connection", "Upgrade"},
        {"Sec-WebSocket-Key", "{key}"}, {"Sec-WebSocket-Version", "13"},
        {"Sec-WebSocket-Extensions", one->offer}};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && error == 0; i++)
        error = append_line(one, out, lines[i].name, lines[i].value, &names);
    return error == 0 ? append_edits(one, out, &names) : error;
}

int tow_conform_opening_answer_write(
    const conform_case *one, const char *extension, const judged_head *request, tow_buffer *out) {
    size_t count;
    char accept[29];
    const char *key = tow_conform_judged_head_value(request, "sec-websocket-key", &count);
    tow_conform_judged_accept(key == NULL ? "" : key, accept);
    struct names names = {.host = "", .path = "", .key = key == NULL ? "" : key, .accept = accept};
    const case_edit *raw = edit_of(one, EDIT_RAW);
    if (raw != NULL)
        return append_with_names(out, raw->value, &names);
    int error = append_first_line(one, out, "HTTP/1.1 101 Switching Protocols", &names);
    const struct {
        const char *name;
        const char *value;
    } lines[] = {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", "{accept}"},
        {"Sec-WebSocket-Extensions", extension}};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && error == 0; i++)
        error = append_line(one, out, lines[i].name, lines[i].value, &names);
    return error == 0 ? append_edits(one, out, &names) : error;
}
