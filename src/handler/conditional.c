#include "conditional.h"

#include "http/date.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* RFC 9110, section 8.8.2.2: after a minute a date is taken to tell states apart. */
enum { STRONG_AFTER_SECONDS = 60 };

tow_validators tow_validators_of(const struct stat *file, int64_t now) {
    tow_validators made = {.modified = file->st_mtim.tv_sec < now ? file->st_mtim.tv_sec : now};
    snprintf(made.etag, sizeof(made.etag), "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 ".%lx\"",
        (uint64_t)file->st_ino, (uint64_t)file->st_size, (uint64_t)file->st_mtim.tv_sec,
        (unsigned long)file->st_mtim.tv_nsec);
    return made;
}

typedef struct entity_tag {
    const char *text; /* with its quotes */
    size_t length;
    bool weak;
} entity_tag;

/* Takes an entity tag (section 8.8.3) and the comma behind it from the front of *list. */
static bool entity_tag_take(const char **list, entity_tag *tag) {
    const char *at = *list + strspn(*list, ", \t");
    tag->weak = strncmp(at, "W/", 2) == 0;
    if (tag->weak)
        at += 2;
    if (*at != '"')
        return false;
    const char *end = strchr(at + 1, '"');
    if (end == NULL)
        return false;
    tag->text = at;
    tag->length = (size_t)(end + 1 - at);
    end += 1 + strspn(end + 1, " \t");
    *list = end;
    return *end == ',' || *end == '\0';
}

/* Section 8.8.3.2: by strong comparison neither may be weak, and ours is not. */
static bool list_has(const char *list, const char *etag, bool strong) {
    entity_tag tag;
    if (strcmp(list, "*") == 0)
        return true;
    while (entity_tag_take(&list, &tag)) {
        bool same = tag.length == strlen(etag) && memcmp(tag.text, etag, tag.length) == 0;
        if (same && !(strong && tag.weak))
            return true;
    }
    return false;
}

static int64_t date_of(const char *value) {
    return value == NULL ? -1 : tow_http_date_read(value, strlen(value));
}

/* Sections 13.1.1 and 13.1.4. */
static bool precondition_holds(const tow_conditions *conditions, const tow_validators *validators) {
    if (conditions->if_match != NULL)
        return list_has(conditions->if_match, validators->etag, true);
    int64_t date = date_of(conditions->if_unmodified_since);
    return date < 0 || validators->modified <= date;
}

/* Sections 13.1.2 and 13.1.3. */
static bool is_known_already(const tow_conditions *conditions, const tow_validators *validators) {
    if (conditions->if_none_match != NULL)
        return list_has(conditions->if_none_match, validators->etag, false);
    int64_t date = date_of(conditions->if_modified_since);
    return date >= 0 && validators->modified <= date;
}

/* Section 13.2.2. */
int tow_conditions_check(const tow_conditions *conditions, const tow_validators *validators) {
    if (!precondition_holds(conditions, validators))
        return 412;
    return is_known_already(conditions, validators) ? 304 : 0;
}

/* Section 13.1.5. */
bool tow_if_range_holds(const char *if_range, const tow_validators *validators, int64_t now) {
    if (if_range == NULL || strcmp(if_range, validators->etag) == 0)
        return true;
    return date_of(if_range) == validators->modified && now - validators->modified >= STRONG_AFTER_SECONDS;
}
