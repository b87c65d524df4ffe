/* publish_settings: what `towline publish` was given. */
#ifndef TOW_PROGRAM_PUBLISH_SETTINGS_H
#define TOW_PROGRAM_PUBLISH_SETTINGS_H

#include "options.h"

typedef struct tow_publish_command_settings {
    const char
        *secret; /* a file with the key that the server wants; NULL: the one that a server here makes */
    const char *event;
    const char *key; /* of the publication */
    bool json;
    bool binary;
    bool verbose;
    const char *unix_path;
    const char *cacert;
    bool insecure;
} tow_publish_command_settings;

int tow_publish_command_run(const tow_options *options);

#endif
