#include "texts.h"

#include "server/host.h"
#include "server/origin.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

size_t tow_texts_count(const char *const *list) {
    size_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    return count;
}

void tow_texts_free(char **list) {
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

int tow_texts_copy(char ***out, const char *const *list) {
    size_t count = tow_texts_count(list);
    if (list == NULL) {
        *out = NULL;
        return 0;
    }
    char **copy = calloc(count + 1, sizeof(*copy));
    if (copy == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        copy[i] = strdup(list[i]);
        if (copy[i] != NULL)
            continue;
        tow_texts_free(copy);
        return TOW_ERROR_MEMORY;
    }
    *out = copy;
    return 0;
}

const tow_text_rule tow_rule_of_origins = {"allow_origins", tow_origin_pattern_is_valid,
    "an origin such as https://example.org, https://*.example.org for all below, null, or *"};
const tow_text_rule tow_rule_of_hosts = {
    "hosts", tow_host_name_is_valid, "a host's name such as example.org, or *"};

int tow_texts_check(const tow_text_rule *rule, char *const *list, tow_complaint *complaint) {
    for (; list != NULL && *list != NULL; list++) {
        if (!rule->is_valid(*list))
            return tow_complain(complaint, "%s: '%s' is not %s", rule->option, *list, rule->wanted);
    }
    return 0;
}
