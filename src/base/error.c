#include <towline/error.h>

#define ROW(name, value, text) {(value), "TOW_ERROR_" #name, (text)},
static const struct row {
    int value;
    const char *name;
    const char *text;
} table[] = {{0, "TOW_OK", "success"}, TOW_ERRORS(ROW)};

static const struct row *find(int error) {
    static const struct row unknown = {1, "unknown", "unknown error"};
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].value == error)
            return &table[i];
    }
    return &unknown;
}

const char *tow_strerror(int error) {
    return find(error)->text;
}

const char *tow_error_name(int error) {
    return find(error)->name;
}
