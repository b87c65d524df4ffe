#include "option_same.h"

#include "option_entry.h"

#include <string.h>

static bool are_same_texts(const char *one, const char *other) {
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static bool are_same_lists(const char *const *one, const char *const *other) {
    size_t count = tow_list_length(one);
    if (count != tow_list_length(other))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(one[i], other[i]) != 0)
            return false;
    return true;
}

bool tow_option_is_same(const tow_options *one, const tow_options *other, const tow_option *option) {
    if (option->kind == TOW_OPTION_TEXT)
        return are_same_texts(tow_option_text_of(one, option), tow_option_text_of(other, option));
    if (option->kind == TOW_OPTION_LIST)
        return are_same_lists(tow_option_list_of(one, option), tow_option_list_of(other, option));
    return memcmp((const char *)one->settings + option->offset,
               (const char *)other->settings + option->offset, option->width) == 0;
}

bool tow_options_are_same(const tow_options *one, const tow_options *other) {
    for (size_t i = 0; i < one->count; i++)
        if (!tow_option_is_same(one, other, &one->entries[i].option))
            return false;
    return true;
}
