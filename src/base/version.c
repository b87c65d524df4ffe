#include <towline/version.h>

const char *tow_version(void) {
    return TOW_VERSION;
}
