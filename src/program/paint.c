#include "paint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool is_set(const char *variable) {
    const char *value = getenv(variable);
    return value != NULL && *value != '\0';
}

bool tow_paint_wanted(int fd) {
    const char *terminal = getenv("TERM");
    return isatty(fd) && !is_set("NO_COLOR") && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

const char *tow_paint(bool painted, tow_colour colour) {
    static const char *const sequences[] = {
        [TOW_COLOUR_BOLD] = "\033[1m",
        [TOW_COLOUR_DIM] = "\033[2m",
        [TOW_COLOUR_RED] = "\033[31m",
        [TOW_COLOUR_GREEN] = "\033[32m",
        [TOW_COLOUR_CYAN] = "\033[36m",
        [TOW_COLOUR_NONE] = "",
    };
    return painted ? sequences[colour] : "";
}

const char *tow_paint_end(bool painted) {
    return painted ? "\033[0m" : "";
}

int tow_paint_columns(int fd, int otherwise) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return otherwise;
    return size.ws_col;
}
