#include "http/pairs.h"

#include "http/percent.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* Room for so many pairs, and behind them for so many bytes of texts. */
static int pairs_new(tow_pairs *pairs, size_t count, size_t bytes, char **texts) {
    size_t list = (count + 1) * sizeof(pairs->items[0]);
    pairs->items = calloc(1, list + bytes);
    pairs->count = 0;
    if (pairs->items == NULL)
        return TOW_ERROR_MEMORY;
    *texts = (char *)pairs->items + list;
    return 0;
}

/* Cuts *rest behind the first `end`; the result is what stands before it, or all of it if there is none. */
static tow_slice take_until(tow_slice *rest, char end) {
    const char *found = rest->length > 0 ? memchr(rest->data, end, rest->length) : NULL;
    tow_slice taken = *rest;
    if (found != NULL)
        taken.length = (size_t)(found - rest->data);
    size_t used = taken.length + (found != NULL);
    *rest = (tow_slice){.data = used > 0 ? rest->data + used : rest->data, .length = rest->length - used};
    return taken;
}

static size_t count_of(tow_slice text, char character) {
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == character;
    return count;
}

/* Writes a text with its zero; returns the place behind it. */
static char *put_text(char *out, tow_slice text) {
    if (text.length > 0)
        memcpy(out, text.data, text.length);
    out[text.length] = '\0';
    return out + text.length + 1;
}

/* One character of a query, decoded. */
static char take_character(tow_slice *text) {
    tow_slice rest = *text;
    char character;
    bool plain = text->data[0] != '%' || !tow_percent_take(&rest, &character) || character == '\0';
    if (!plain) {
        *text = rest;
        return character;
    }
    character = text->data[0];
    *text = (tow_slice){.data = text->data + 1, .length = text->length - 1};
    if (character == '+')
        return ' ';
    return character;
}

static char *put_decoded(char *out, tow_slice text) {
    while (text.length > 0)
        *out++ = take_character(&text);
    *out++ = '\0';
    return out;
}

int tow_pairs_read_query(tow_pairs *pairs, tow_slice query) {
    char *out;
    size_t count = count_of(query, '&') + 1;
    int error = pairs_new(pairs, count, query.length + 2 * count, &out);
    while (error == 0 && query.length > 0) {
        tow_slice value = take_until(&query, '&');
        if (value.length == 0)
            continue;
        tow_slice name = take_until(&value, '=');
        tow_header_field *item = &pairs->items[pairs->count++];
        item->name = out;
        out = put_decoded(out, name);
        item->value = out;
        out = put_decoded(out, value);
    }
    assert(pairs->count <= count);
    return error;
}

static bool is_cookie(const tow_field *field) {
    return tow_slice_equals_ignoring_case(field->name, "Cookie");
}

static tow_slice trim(tow_slice text) {
    while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (tow_slice){.data = text.data + 1, .length = text.length - 1};
    while (text.length > 0 && (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        text.length--;
    return text;
}

static char *put_cookie(tow_pairs *pairs, char *out, tow_slice cookie) {
    bool has_name = count_of(cookie, '=') > 0;
    tow_slice name = trim(take_until(&cookie, '='));
    if (!has_name || name.length == 0)
        return out;
    tow_header_field *item = &pairs->items[pairs->count++];
    item->name = out;
    out = put_text(out, name);
    item->value = out;
    return put_text(out, trim(cookie));
}

int tow_pairs_read_cookies(tow_pairs *pairs, const tow_field *fields, size_t count) {
    size_t most = 0;
    size_t bytes = 0;
    char *out;
    for (size_t i = 0; i < count; i++) {
        if (!is_cookie(&fields[i]))
            continue;
        most += count_of(fields[i].value, ';') + 1;
        bytes += fields[i].value.length;
    }
    int error = pairs_new(pairs, most, bytes + 2 * most, &out);
    for (size_t i = 0; error == 0 && i < count; i++) {
        tow_slice rest = is_cookie(&fields[i]) ? fields[i].value : (tow_slice){0};
        while (rest.length > 0)
            out = put_cookie(pairs, out, take_until(&rest, ';'));
    }
    return error;
}

const char *tow_pairs_find(const tow_pairs *pairs, const char *name) {
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    }
    return NULL;
}

void tow_pairs_clear(tow_pairs *pairs) {
    free(pairs->items);
    *pairs = (tow_pairs){0};
}
