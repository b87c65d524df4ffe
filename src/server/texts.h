/* texts: lists of texts, ended by NULL, as options have them. */
#ifndef TOW_SERVER_TEXTS_H
#define TOW_SERVER_TEXTS_H

#include "base/complaint.h"

#include <stdbool.h>
#include <stddef.h>

/* How many stand in the list, which may be NULL. */
size_t tow_texts_count(const char *const *list);

/* A copy of the list, for tow_texts_free; NULL of NULL. Errors: MEMORY. */
int tow_texts_copy(char ***out, const char *const *list);
void tow_texts_free(char **list);

/* What the texts of an option must be. */
typedef struct tow_text_rule {
    const char *option;
    bool (*is_valid)(const char *text);
    const char *wanted; /* "a host's name such as example.org" */
} tow_text_rule;

extern const tow_text_rule tow_rule_of_origins;
extern const tow_text_rule tow_rule_of_hosts;

/* Errors: ARGUMENT, of which `complaint` tells. */
int tow_texts_check(const tow_text_rule *rule, char *const *list, tow_complaint *complaint);

#endif
