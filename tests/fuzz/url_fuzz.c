/* Any text as a URL: what is taken is taken again in its normal form, and is fit to stand in a request. */
#include "fuzz.h"

#include "client/url.h"

#include <stdint.h>
#include <string.h>

static void check_characters(const char *text) {
    for (; *text != '\0'; text++)
        CHECK(*text > ' ' && *text < 0x7f && *text != '#');
}

static void check_normal_form(const tow_url *url) {
    tow_url again;
    CHECK(tow_url_read(&again, url->text, NULL) == 0);
    CHECK(strcmp(again.text, url->text) == 0);
    CHECK(strcmp(again.host, url->host) == 0);
    CHECK(strcmp(again.target, url->target) == 0);
    CHECK(again.port == url->port);
    tow_url_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    tow_url url;
    const char *why = NULL;
    if (tow_url_read(&url, text, &why) != 0) {
        CHECK(why != NULL);
    } else {
        CHECK(url.port != 0 && url.target[0] == '/' && url.host[0] != '\0');
        check_characters(url.target);
        check_characters(url.host);
        check_normal_form(&url);
        tow_url_clear(&url);
    }
    free(text);
    return 0;
}
