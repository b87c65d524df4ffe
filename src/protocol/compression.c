#include "protocol/compression.h"

#include "extension.h"
#include "protocol/field_list.h"

#include <assert.h>
#include <stdio.h>
#include <towline/error.h>

enum {
    BITS_MIN = 8,
    BITS_MAX = 15,
    ABSENT = 0,         /* parameters.*_max_window_bits: the parameter is not there */
    WITHOUT_VALUE = 255 /* parameters.client_max_window_bits: there, without a value */
};

/* The parameters of one permessage-deflate element, of an offer or of a response. */
typedef struct parameters {
    bool server_no_context_takeover;
    bool client_no_context_takeover;
    uint8_t server_max_window_bits;
    uint8_t client_max_window_bits;
} parameters;

static uint8_t wanted_bits(uint8_t setting) {
    assert(setting == 0 || (setting >= BITS_MIN && setting <= BITS_MAX));
    return setting == 0 ? BITS_MAX : setting;
}

static uint8_t smaller(uint8_t a, uint8_t b) {
    return a < b ? a : b;
}

/* RFC 7692, section 7.1.2: a decimal number from 8 to 15 without leading zeros; else 0. */
static uint8_t bits_read(const tow_extension_parameter *parameter) {
    const char *value = parameter->value;
    if (parameter->value_length == 1 && value[0] >= '8' && value[0] <= '9')
        return (uint8_t)(value[0] - '0');
    if (parameter->value_length == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5')
        return (uint8_t)(10 + value[1] - '0');
    return 0;
}

/* Section 7.1.1: there is no value, and it stands once. */
static bool takeover_set(bool *flag, const tow_extension_parameter *parameter) {
    bool valid = !*flag && parameter->value_length == 0;
    *flag = true;
    return valid;
}

/* Section 7.1.2. Only in an offer, and only client_max_window_bits, may be without a value. */
static bool bits_set(uint8_t *bits, const tow_extension_parameter *parameter, bool value_is_optional) {
    if (*bits != ABSENT)
        return false;
    *bits = bits_read(parameter);
    if (value_is_optional && parameter->value_length == 0)
        *bits = WITHOUT_VALUE;
    return *bits != ABSENT;
}

static bool parameter_set(parameters *all, const tow_extension_parameter *parameter, bool offer) {
    if (tow_slice_equals(parameter->name, "server_no_context_takeover"))
        return takeover_set(&all->server_no_context_takeover, parameter);
    if (tow_slice_equals(parameter->name, "client_no_context_takeover"))
        return takeover_set(&all->client_no_context_takeover, parameter);
    if (tow_slice_equals(parameter->name, "server_max_window_bits"))
        return bits_set(&all->server_max_window_bits, parameter, false);
    if (tow_slice_equals(parameter->name, "client_max_window_bits"))
        return bits_set(&all->client_max_window_bits, parameter, offer);
    return false;
}

/* Reads an element of the list. False: not permessage-deflate, or a parameter that is unknown, repeated or
 * has a value that is not valid: such an offer is declined, such a response fails the connection
 * (section 7.1). */
static bool parameters_read(parameters *all, tow_slice element, bool offer) {
    *all = (parameters){0};
    tow_slice name;
    if (!tow_extension_name(&element, &name) || !tow_slice_equals(name, "permessage-deflate"))
        return false;
    tow_extension_parameter parameter;
    int result;
    while ((result = tow_extension_parameter_next(&element, &parameter)) > 0) {
        if (!parameter_set(all, &parameter, offer))
            return false;
    }
    return result == 0;
}

static void parameters_write(const parameters *all, char text[TOW_COMPRESSION_TEXT_MAX]) {
    int length = snprintf(text, TOW_COMPRESSION_TEXT_MAX, "permessage-deflate%s%s",
        all->server_no_context_takeover ? "; server_no_context_takeover" : "",
        all->client_no_context_takeover ? "; client_no_context_takeover" : "");
    if (all->server_max_window_bits != ABSENT)
        length += snprintf(text + length, (size_t)(TOW_COMPRESSION_TEXT_MAX - length),
            "; server_max_window_bits=%d", all->server_max_window_bits);
    if (all->client_max_window_bits == WITHOUT_VALUE)
        snprintf(text + length, (size_t)(TOW_COMPRESSION_TEXT_MAX - length), "; client_max_window_bits");
    else if (all->client_max_window_bits != ABSENT)
        snprintf(text + length, (size_t)(TOW_COMPRESSION_TEXT_MAX - length), "; client_max_window_bits=%d",
            all->client_max_window_bits);
}

/* Decides on one offer (section 7.1); the response says what the offer asked for, and what we want besides.
 */
static bool offer_accept(
    const tow_compression_settings *settings, const parameters *offer, parameters *response) {
    uint8_t server_bits = wanted_bits(settings->server_max_window_bits);
    uint8_t client_bits = wanted_bits(settings->client_max_window_bits);
    /* Section 7.1.2.2: a client that did not say that it understands the parameter can't be asked for less.
     */
    if (offer->client_max_window_bits == ABSENT && client_bits < BITS_MAX)
        return false;
    *response = (parameters){
        .server_no_context_takeover = offer->server_no_context_takeover || !settings->server_takeover,
        .client_no_context_takeover = offer->client_no_context_takeover || !settings->client_takeover,
    };
    if (offer->server_max_window_bits != ABSENT)
        response->server_max_window_bits = smaller(offer->server_max_window_bits, server_bits);
    else if (server_bits < BITS_MAX)
        response->server_max_window_bits = server_bits;
    client_bits = smaller(client_bits, offer->client_max_window_bits);
    if (offer->client_max_window_bits != ABSENT && client_bits < BITS_MAX)
        response->client_max_window_bits = client_bits;
    return true;
}

static tow_compression_agreement agreement_from(const parameters *response) {
    return (tow_compression_agreement){
        .enabled = true,
        .server_no_context_takeover = response->server_no_context_takeover,
        .client_no_context_takeover = response->client_no_context_takeover,
        .server_max_window_bits = wanted_bits(response->server_max_window_bits),
        .client_max_window_bits = wanted_bits(response->client_max_window_bits),
    };
}

void tow_compression_accept(const tow_compression_settings *settings, const tow_field *fields, size_t count,
    tow_compression_agreement *agreement, char text[TOW_COMPRESSION_TEXT_MAX]) {
    *agreement = (tow_compression_agreement){0};
    text[0] = '\0';
    if (!settings->enabled)
        return;
    tow_list_cursor cursor = {0};
    tow_slice element;
    while (tow_list_next(fields, count, TOW_EXTENSIONS_FIELD, &cursor, &element)) {
        parameters offer;
        parameters response;
        if (parameters_read(&offer, element, true) && offer_accept(settings, &offer, &response)) {
            *agreement = agreement_from(&response);
            parameters_write(&response, text);
            return;
        }
    }
}

/* What we offer as a client: client_max_window_bits always, so that the server may use it. */
static parameters offer_from(const tow_compression_settings *settings) {
    uint8_t server_bits = wanted_bits(settings->server_max_window_bits);
    uint8_t client_bits = wanted_bits(settings->client_max_window_bits);
    return (parameters){
        .server_no_context_takeover = !settings->server_takeover,
        .client_no_context_takeover = !settings->client_takeover,
        .server_max_window_bits = server_bits < BITS_MAX ? server_bits : ABSENT,
        .client_max_window_bits = client_bits < BITS_MAX ? client_bits : WITHOUT_VALUE,
    };
}

void tow_compression_offer(const tow_compression_settings *settings, char text[TOW_COMPRESSION_TEXT_MAX]) {
    text[0] = '\0';
    if (!settings->enabled)
        return;
    parameters offer = offer_from(settings);
    parameters_write(&offer, text);
}

/* Whether a response answers our offer (sections 7.1.1 and 7.1.2): what was asked of the server must be in
 * it, and no window may be larger than offered. */
static bool response_fits(const parameters *offer, const parameters *response) {
    if (offer->server_no_context_takeover && !response->server_no_context_takeover)
        return false;
    if (offer->server_max_window_bits != ABSENT &&
        (response->server_max_window_bits == ABSENT ||
            response->server_max_window_bits > offer->server_max_window_bits))
        return false;
    return response->client_max_window_bits <= offer->client_max_window_bits;
}

/* What the client announced about itself holds even if the response does not repeat it. */
static tow_compression_agreement response_accept(const parameters *offer, const parameters *response) {
    tow_compression_agreement agreement = agreement_from(response);
    agreement.client_no_context_takeover |= offer->client_no_context_takeover;
    agreement.client_max_window_bits =
        smaller(agreement.client_max_window_bits, offer->client_max_window_bits);
    return agreement;
}

int tow_compression_check(const tow_compression_settings *settings, const tow_field *fields, size_t count,
    tow_compression_agreement *agreement) {
    int error = tow_extension_list_check(fields, count);
    if (error != 0)
        return error;
    tow_compression_agreement agreed = {0};
    parameters offer = offer_from(settings);
    tow_list_cursor cursor = {0};
    tow_slice element;
    while (tow_list_next(fields, count, TOW_EXTENSIONS_FIELD, &cursor, &element)) {
        parameters response;
        if (!settings->enabled || agreed.enabled || !parameters_read(&response, element, false) ||
            !response_fits(&offer, &response))
            return TOW_ERROR_HANDSHAKE_EXTENSION;
        agreed = response_accept(&offer, &response);
    }
    *agreement = agreed;
    return 0;
}

void tow_compression_text(const tow_compression_agreement *agreement, char text[TOW_COMPRESSION_TEXT_MAX]) {
    text[0] = '\0';
    if (!agreement->enabled)
        return;
    uint8_t server_bits = agreement->server_max_window_bits;
    uint8_t client_bits = agreement->client_max_window_bits;
    parameters all = {
        .server_no_context_takeover = agreement->server_no_context_takeover,
        .client_no_context_takeover = agreement->client_no_context_takeover,
        .server_max_window_bits = server_bits < BITS_MAX ? server_bits : ABSENT,
        .client_max_window_bits = client_bits < BITS_MAX ? client_bits : ABSENT,
    };
    parameters_write(&all, text);
}
