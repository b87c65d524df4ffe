#include "placeholders.h"

#include "base/json.h"

#include <assert.h>
#include <stdint.h>

/* An array or object that is open. */
typedef struct level {
    bool is_placeholder;
    bool has_number; /* that refers to an attachment */
} level;

typedef struct search {
    const char *at;
    const char *end;
    size_t attachments;
    size_t depth;
    level levels[TOW_JSON_DEPTH_MAX];
} search;

/* The string or other plain value at `at`, which is valid. */
static tow_slice take_plain(search *in) {
    int64_t length = tow_json_skip(in->at, (size_t)(in->end - in->at));
    assert(length > 0);
    tow_slice value = {in->at, (size_t)length};
    in->at += length;
    return value;
}

static void skip_to_value(search *in) {
    while (in->at < in->end &&
           (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r' || *in->at == ':'))
        in->at++;
}

static bool is_name(const search *in) {
    const char *at = in->at;
    while (at < in->end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at < in->end && *at == ':';
}

/* Of members of one name the last counts, as everywhere. */
static void note_member(search *in, tow_slice name) {
    level *inner = &in->levels[in->depth - 1];
    bool is_mark = tow_json_string_is(name, "_placeholder");
    if (!is_mark && !tow_json_string_is(name, "num"))
        return;
    skip_to_value(in);
    bool is_container = *in->at == '[' || *in->at == '{';
    tow_slice value = is_container ? (tow_slice){in->at, 1} : take_plain(in);
    int64_t number;
    if (is_mark)
        inner->is_placeholder = tow_json_type_of(value) == TOW_JSON_TRUE;
    else
        inner->has_number = tow_json_type_of(value) == TOW_JSON_NUMBER &&
                            tow_json_integer(value, &number) == 0 && number >= 0 &&
                            (uint64_t)number < in->attachments;
}

/* False: a placeholder ends here that refers to nothing. */
static bool step(search *in) {
    switch (*in->at) {
    case '{':
    case '[':
        in->levels[in->depth++] = (level){0};
        in->at++;
        return true;
    case '}':
    case ']': {
        const level *ended = &in->levels[--in->depth];
        in->at++;
        return !ended->is_placeholder || ended->has_number;
    }
    case '"': {
        tow_slice string = take_plain(in);
        if (in->depth > 0 && is_name(in))
            note_member(in, string);
        return true;
    }
    default: /* all else has no brackets and no quotation marks in it */
        in->at++;
        return true;
    }
}

bool tow_placeholders_fit(tow_slice value, size_t attachments) {
    search in = {.at = value.data, .end = value.data + value.length, .attachments = attachments};
    while (in.at < in.end) {
        if (!step(&in))
            return false;
    }
    return true;
}
