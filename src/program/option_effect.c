#include "option_effect.h"

#include "base/text.h"
#include "option_entry.h"

#include <assert.h>
#include <string.h>

enum { NAMES_MAX = 100 };

static bool is_set(const tow_options *options, const char *name, size_t length) {
    const tow_option_entry *entry = tow_option_entry_by_name(options, name, length);
    assert(entry != NULL);
    return entry->given &&
           (entry->option.kind != TOW_OPTION_FLAG || tow_option_flag_of(options, &entry->option));
}

static bool has_one(const tow_options *options, const char *names) {
    for (size_t length; *names != '\0'; names += length + (names[length] == ' ')) {
        length = strcspn(names, " ");
        if (is_set(options, names, length))
            return true;
    }
    return false;
}

bool tow_option_has_effect(const tow_options *options, const tow_option *option) {
    return (option->only_with == NULL || has_one(options, option->only_with)) &&
           (option->not_with == NULL || !has_one(options, option->not_with));
}

/* "worker or url". */
static void names_join(char out[NAMES_MAX], const char *names) {
    size_t length = strcspn(names, " ");
    tow_text_format(out, NAMES_MAX, "%.*s%s%s", (int)length, names, names[length] != '\0' ? " or " : "",
        names[length] != '\0' ? names + length + 1 : "");
}

static void complain(
    const tow_options *options, const tow_option_entry *entry, char error[TOW_OPTIONS_ERROR_MAX]) {
    char label[TOW_OPTION_LABEL_MAX], names[NAMES_MAX];
    const tow_option *option = &entry->option;
    tow_option_label(option, &entry->source, label);
    if (option->not_with != NULL && has_one(options, option->not_with)) {
        tow_option_complain(error, "%s: it has no effect with %s", label, option->not_with);
        return;
    }
    names_join(names, option->only_with);
    tow_option_complain(error, "%s: it has no effect without %s", label, names);
}

bool tow_options_without_effect(const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]) {
    for (size_t i = 0; i < options->count; i++) {
        const tow_option_entry *entry = &options->entries[i];
        if (!entry->given || tow_option_has_effect(options, &entry->option))
            continue;
        complain(options, entry, error);
        return true;
    }
    return false;
}
