#include "editor_library.h"

#include <assert.h>
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <towline/error.h>

// NOLINTBEGIN(bugprone-macro-parentheses): a type has none
#define IS_AS_DECLARED(result, name, parameters)                                                             \
    static_assert(_Generic(&(name), result(*) parameters : 1, default : 0), #name " is another");
// NOLINTEND(bugprone-macro-parentheses)
TOW_EDITOR_LIBRARY(IS_AS_DECLARED)

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define ROW(result, name, parameters) {#name, offsetof(tow_editor_library, name)},
    TOW_EDITOR_LIBRARY(ROW)
#undef ROW
};

int tow_editor_library_load(tow_editor_library *library) {
    void *handle = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return TOW_ERROR_UNSUPPORTED;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *found = dlsym(handle, functions[i].name);
        if (found == NULL) {
            dlclose(handle);
            return TOW_ERROR_UNSUPPORTED;
        }
        /* POSIX, dlsym: a pointer to a function is found as an object */
        memcpy((char *)library + functions[i].offset, &found, sizeof(found));
    }
    return 0;
}
