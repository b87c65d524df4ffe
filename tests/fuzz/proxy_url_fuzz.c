/* A proxy's URL; and as a list of exceptions with a host behind its first line. */
#include "connect/proxy.h"
#include "fuzz.h"

#include <stdint.h>
#include <string.h>

static void check_url(const char *text) {
    tow_proxy proxy;
    const char *why = NULL;
    if (tow_proxy_read(&proxy, text, &why) != 0) {
        CHECK(why != NULL);
        return;
    }
    CHECK(proxy.host[0] != '\0' && proxy.port != 0);
    CHECK((proxy.user == NULL) == (proxy.password == NULL));
    CHECK(strlen(proxy.host) <= strlen(text));
    tow_proxy_clear(&proxy);
}

static void check_list(char *text) {
    char *host = strchr(text, '\n');
    if (host == NULL)
        return;
    *host++ = '\0';
    bool all = strcmp(text, "*") == 0;
    CHECK(tow_no_proxy_matches(text, host) || !all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    check_url(text);
    check_list(text);
    free(text);
    return 0;
}
