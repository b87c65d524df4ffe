/* A process of Python that somebody else runs: connections reach it as one of our own. */
#include "handler/python.h"

#include "connection.h"
#include "version.h"

#include <stdio.h>
#include <sys/un.h>
#include <towline/error.h>

int tow_python_join(tow_python **python, const char *path, const tow_handler_place *place) {
    static const tow_python_settings settings = {
        .max_connections = TOW_OFF}; /* whoever runs it has its limits */
    char text[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
    tow_address addresses[TOW_ADDRESSES_MAX];
    int length = snprintf(text, sizeof(text), "unix:%s", path);
    if (length >= (int)sizeof(text) || tow_address_parse(text, addresses) != 1)
        return TOW_ERROR_ADDRESS;
    int error = tow_python_new(python, &settings, place);
    if (error == 0)
        (*python)->address = addresses[0];
    return error;
}

int tow_python_joined(tow_python *python, uint64_t number, const char *file, tow_handler *handler) {
    tow_python_version *version = tow_python_version_new(python, file);
    if (version == NULL)
        return TOW_ERROR_MEMORY;
    version->number = number;
    *handler = tow_python_handler(version);
    return 0;
}
