#include "agreement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int read_bits(const char *value) {
    char *end;
    if (*value == '"')
        value++;
    long bits = *value >= '1' && *value <= '9' ? strtol(value, &end, 10) : 0;
    return bits >= 8 && bits <= 15 && (*end == 0 || *end == '"') ? (int)bits : 0;
}

static bool read_parameter(char *text, judged_agreement *agreement) {
    char *value = strchr(text, '=');
    if (value != NULL)
        *value++ = 0;
    bool *flag = strcasecmp(text, "server_no_context_takeover") == 0 ? &agreement->server_no_context_takeover
                 : strcasecmp(text, "client_no_context_takeover") == 0
                     ? &agreement->client_no_context_takeover
                     : NULL;
    if (flag != NULL) {
        bool fresh = !*flag && value == NULL;
        *flag = true;
        return fresh;
    }
    int *bits = strcasecmp(text, "server_max_window_bits") == 0   ? &agreement->server_max_window_bits
                : strcasecmp(text, "client_max_window_bits") == 0 ? &agreement->client_max_window_bits
                                                                  : NULL;
    if (bits == NULL || *bits != 0 || value == NULL)
        return false;
    *bits = read_bits(value);
    return *bits != 0;
}

bool tow_conform_agreement_read(const char *text, judged_agreement *agreement) {
    char copy[256];
    *agreement = (judged_agreement){0};
    if (text == NULL || snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
        return text == NULL;
    char *keep = NULL;
    char *part = strtok_r(copy, "; \t", &keep);
    if (part == NULL || strcasecmp(part, "permessage-deflate") != 0)
        return false;
    for (part = strtok_r(NULL, "; \t", &keep); part != NULL; part = strtok_r(NULL, "; \t", &keep)) {
        if (!read_parameter(part, agreement))
            return false;
    }
    agreement->enabled = true;
    if (agreement->server_max_window_bits == 0)
        agreement->server_max_window_bits = 15;
    if (agreement->client_max_window_bits == 0)
        agreement->client_max_window_bits = 15;
    return true;
}

void tow_conform_agreement_grant(const char *wanted, const char *offer, char granted[GRANTED_MAX]) {
    static const char bits[] = "server_max_window_bits=";
    size_t first = offer == NULL ? 0 : strcspn(offer, ",");
    char asked[GRANTED_MAX];
    snprintf(asked, sizeof(asked), "%.*s", (int)first, offer == NULL ? "" : offer);
    bool takeover = strstr(asked, "server_no_context_takeover") != NULL &&
                    strstr(wanted, "server_no_context_takeover") == NULL;
    const char *window = strstr(asked, bits);
    int number =
        window == NULL || strstr(wanted, bits) != NULL ? 0 : (int)strtol(window + sizeof(bits) - 1, NULL, 10);
    int length =
        snprintf(granted, GRANTED_MAX, "%s%s", wanted, takeover ? "; server_no_context_takeover" : "");
    if (number >= 8 && number <= 15 && length < GRANTED_MAX)
        snprintf(granted + length, (size_t)(GRANTED_MAX - length), "; %s%d", bits, number);
}
