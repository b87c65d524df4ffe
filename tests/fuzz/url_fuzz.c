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
    CHECK(strcmp(again.authority, url->authority) == 0);
    CHECK(again.port == url->port);
    CHECK(again.secure == url->secure);
    CHECK(again.user == NULL && again.password == NULL);
    tow_url_clear(&again);
}

/* RFC 7617, section 2: what may be sent as Basic authentication, in as many bytes as the URL had at most. */
static void check_user(const tow_url *url, size_t size) {
    CHECK((url->user == NULL) == (url->password == NULL));
    if (url->user == NULL)
        return;
    CHECK(strlen(url->user) + strlen(url->password) < size);
    CHECK(strchr(url->user, ':') == NULL);
    for (const char *text = url->user; *text != '\0'; text++)
        CHECK((unsigned char)*text >= ' ' && *text != 0x7f);
    for (const char *text = url->password; *text != '\0'; text++)
        CHECK((unsigned char)*text >= ' ' && *text != 0x7f);
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
        check_user(&url, size);
        tow_url_clear(&url);
    }
    free(text);
    return 0;
}
