/* publish_settings: what `towline publish` was given. */
#ifndef TOW_PROGRAM_PUBLISH_SETTINGS_H
#define TOW_PROGRAM_PUBLISH_SETTINGS_H

#include "connect.h"

typedef struct tow_publish_command_settings {
    const char
        *secret; /* a file with the key that the server wants; NULL: the one that a server here makes */
    const char *event;
    const char *key; /* of the publication */
    bool json;
    bool binary;
    bool verbose;
    tow_connect_settings way; /* of these the way to the server, and TLS */
} tow_publish_command_settings;

int tow_publish_command_run(const tow_options *options);

#endif
