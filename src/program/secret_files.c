#include "secret_files.h"

#include "option_entry.h"

#include <string.h>
#include <sys/stat.h>
#include <towline/log.h>
#include <unistd.h>

static bool is_told(const tow_buffer *told, const char *path) {
    const char *each = (const char *)told->data, *end = each + told->length;
    while (each < end && strcmp(each, path) != 0)
        each += strlen(each) + 1;
    return each < end;
}

/* What everybody may do with it, or NULL. */
static const char *may_of(mode_t mode, bool is_public) {
    bool reads = !is_public && (mode & S_IROTH) != 0;
    if ((mode & S_IWOTH) != 0)
        return reads ? "read and write" : "write";
    return reads ? "read" : NULL;
}

void tow_secret_file_look(tow_secret_files *files, const char *label, const char *path, bool is_public) {
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return;
    const char *may = may_of(status.st_mode, is_public);
    if (may == NULL || is_told(&files->told, path))
        return;
    bool is_ours = geteuid() == 0 || status.st_uid == geteuid();
    tow_service_say(files->service, TOW_LOG_WARNING, "%s: everybody on this machine may %s %s: %schmod %s %s",
        label, may, path, is_ours ? "" : "give it to the server's user, and ", is_public ? "644" : "600",
        path);
    (void)tow_buffer_append(&files->told, path, strlen(path) + 1); /* else it is told again */
}

void tow_secret_files_look(tow_secret_files *files, const tow_options *options, const char *label) {
    for (size_t i = 0; i < options->count; i++) {
        const tow_option_entry *entry = &options->entries[i];
        char own[TOW_OPTION_LABEL_MAX];
        const char *path =
            entry->given && entry->option.is_secret ? tow_option_text_of(options, &entry->option) : NULL;
        bool is_off = path != NULL && entry->option.off != NULL && strcmp(path, "off") == 0;
        if (path == NULL || is_off)
            continue;
        tow_option_label(&entry->option, &entry->source, own);
        tow_secret_file_look(files, label != NULL && entry->source.file == NULL ? label : own, path, false);
    }
}

void tow_secret_files_clear(tow_secret_files *files) {
    tow_buffer_clear(&files->told);
}
