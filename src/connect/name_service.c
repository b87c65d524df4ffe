#include "name_service.h"

#include <stdio.h>
#include <string.h>

static const char blanks[] = " \t\r\n";

static bool is_known(const char *word, size_t length) {
    return (length == 5 && memcmp(word, "files", 5) == 0) || (length == 3 && memcmp(word, "dns", 3) == 0);
}

/* The services behind "hosts:", up to a comment. */
static bool has_other(const char *text) {
    while (*(text += strspn(text, blanks)) != '\0' && *text != '#') {
        bool is_action = *text == '[';
        size_t length = is_action ? strcspn(text, "]") : strcspn(text, " \t\r\n[#");
        if (!is_action && !is_known(text, length))
            return true;
        text += length;
        if (is_action && *text == ']')
            text++;
    }
    return false;
}

bool tow_name_service_is_other(const char *line) {
    static const char key[] = "hosts:";
    line += strspn(line, blanks);
    return strncmp(line, key, sizeof(key) - 1) == 0 && has_other(line + sizeof(key) - 1);
}

bool tow_name_service_is_needed(void) {
    char line[1024];
    bool found = false;
    FILE *file = fopen("/etc/nsswitch.conf", "re");
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
        found = tow_name_service_is_other(line);
    if (file != NULL)
        fclose(file);
    return found;
}
