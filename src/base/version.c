#include <towline/version.h>

const char *tow_version(void) {
    return TOW_VERSION;
}

int tow_version_number(void) {
    return TOWLINE_VERSION_NUMBER;
}
