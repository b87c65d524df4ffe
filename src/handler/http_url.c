#include "http_url.h"

#include "client/url.h"

#include <stddef.h>
#include <strings.h>
#include <towline/error.h>

int tow_http_url_check(const char *text) {
    tow_url url = {0};
    bool is_http = strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
    int error = is_http ? tow_url_read(&url, text, NULL) : TOW_ERROR_URL;
    if (error == 0)
        tow_url_clear(&url);
    return error;
}
