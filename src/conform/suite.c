#include "conform/suite.h"

#include "case_texts.h"
#include "conversation.h"
#include "suite.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static bool applies(const conform_suite *suite, const conform_case *one) {
    if (one->role == (suite->tests_client ? ROLE_SERVER_TESTED : ROLE_CLIENT_TESTED))
        return false;
    return suite->options.only == NULL || fnmatch(suite->options.only, one->id, 0) == 0;
}

/* Rebuilds the list of the cases that apply, with room for their results. */
static int choose_cases(conform_suite *suite) {
    free(suite->results);
    suite->count = 0;
    suite->results = calloc(suite->list.count + 1, sizeof(*suite->results));
    if (suite->results == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < suite->list.count; i++) {
        if (applies(suite, &suite->list.cases[i]))
            suite->results[suite->count++].one = &suite->list.cases[i];
    }
    return 0;
}

int conform_suite_add(conform_suite *suite, const char *name, const char *text, tow_buffer *error) {
    int result = case_list_read(&suite->list, name, text, error);
    return result == 0 ? choose_cases(suite) : result;
}

int conform_suite_new(
    conform_suite **out, const conform_suite_options *options, bool tests_client, tow_buffer *error) {
    conform_suite *suite = calloc(1, sizeof(*suite));
    if (suite == NULL)
        return TOW_ERROR_MEMORY;
    suite->options = *options;
    suite->tests_client = tests_client;
    if (suite->options.at_once <= 0)
        suite->options.at_once = 24;
    if (suite->options.timeout_milliseconds <= 0)
        suite->options.timeout_milliseconds = 5000;
    for (size_t i = 0; conform_case_texts[i].name != NULL; i++) {
        int result = conform_suite_add(suite, conform_case_texts[i].name, conform_case_texts[i].text, error);
        if (result != 0) {
            conform_suite_free(suite);
            return result;
        }
    }
    *out = suite;
    return 0;
}

void conform_suite_free(conform_suite *suite) {
    if (suite == NULL)
        return;
    for (size_t i = 0; i < suite->count; i++)
        transcript_clear(&suite->results[i].transcript);
    free(suite->results);
    case_list_clear(&suite->list);
    free(suite);
}

size_t conform_suite_count(const conform_suite *suite) {
    return suite->count;
}

static conform_result *result_of(conform_suite *suite, const conform_case *one) {
    for (size_t i = 0; i < suite->count; i++) {
        if (suite->results[i].one == one)
            return &suite->results[i];
    }
    return NULL;
}

static void start_next(conform_suite *suite);

void conform_suite_take(conform_suite *suite, conversation *talk) {
    conform_result *result = result_of(suite, talk->one);
    if (result != NULL) {
        transcript_clear(&result->transcript);
        result->ran = true;
        result->verdict = talk->verdict;
        result->microseconds = (talk->ended - talk->started) / 1000;
        memcpy(result->why, talk->why, sizeof(result->why));
        result->transcript = talk->transcript;
        talk->transcript = (transcript){0};
    }
    conversation_free(talk);
    suite->done++;
    if (suite->options.on_progress != NULL)
        suite->options.on_progress(suite->options.user, suite->done, suite->count);
}

static void on_done(void *user, conversation *talk) {
    conform_suite *suite = user;
    conform_suite_take(suite, talk);
    suite->under_way--;
    start_next(suite);
}

static void start_next(conform_suite *suite) {
    while (suite->next < suite->count && suite->under_way < suite->options.at_once && suite->error == 0) {
        suite->error =
            conversation_connect(&suite->settings, suite->results[suite->next++].one, &suite->address);
        if (suite->error == 0)
            suite->under_way++;
    }
}

int conform_suite_run(
    conform_suite *suite, tow_loop *loop, const tow_address *address, const char *host, const char *path) {
    suite->settings = (conversation_settings){.loop = loop,
        .host = host,
        .path = path,
        .timeout_milliseconds = suite->options.timeout_milliseconds,
        .on_done = on_done,
        .user = suite};
    suite->address = *address;
    suite->next = suite->done = 0;
    start_next(suite);
    int error = tow_loop_run(loop);
    return suite->error != 0 ? suite->error : error;
}

conform_totals conform_suite_totals(const conform_suite *suite) {
    conform_totals totals = {0};
    size_t *const counters[] = {[VERDICT_PASS] = &totals.passed,
        [VERDICT_NOT_STRICT] = &totals.not_strict,
        [VERDICT_INFORMATIONAL] = &totals.informational,
        [VERDICT_NOT_APPLICABLE] = &totals.not_applicable,
        [VERDICT_FAIL] = &totals.failed};
    for (size_t i = 0; i < suite->count; i++) {
        if (suite->results[i].ran)
            ++*counters[suite->results[i].verdict];
    }
    return totals;
}

int conform_suite_list(const conform_suite *suite, tow_buffer *out) {
    static const char *const levels[] = {"MUST", "SHOULD", "MAY"};
    int error = 0;
    for (size_t i = 0; i < suite->count && error == 0; i++) {
        const conform_case *one = suite->results[i].one;
        error = tow_buffer_append_format(
            out, "%-44s %-6s %s: %s\n", one->id, levels[one->level], one->section, one->says);
    }
    return error;
}

const char *conform_verdict_word(case_verdict verdict) {
    static const char *const words[] = {"pass", "not strict", "informational", "not applicable", "FAIL"};
    return words[verdict];
}

static int explain(const conform_result *result, tow_buffer *out) {
    const conform_case *one = result->one;
    int error = tow_buffer_append_format(out, "%s: %s: %s\n    %s: %s\n",
        conform_verdict_word(result->verdict), one->id, result->why, one->section, one->says);
    for (size_t i = 0; i < result->transcript.count && error == 0; i++) {
        const transcript_entry *entry = &result->transcript.entries[i];
        error = tow_buffer_append_format(
            out, "    %8.3f ms %c %s", (double)entry->microseconds / 1000, entry->direction, entry->words);
        for (size_t k = 0; k < entry->length && k < 24 && error == 0; k++)
            error = tow_buffer_append_format(out, "%s%02x", k == 0 ? "  " : " ", entry->bytes[k]);
        if (error == 0)
            error = tow_buffer_append_text(out, entry->length > 24 ? " …\n" : "\n");
    }
    return error;
}

int conform_suite_explain(const conform_suite *suite, tow_buffer *out) {
    int error = 0;
    for (size_t i = 0; i < suite->count && error == 0; i++) {
        const conform_result *result = &suite->results[i];
        if (result->ran && result->verdict != VERDICT_PASS && result->verdict != VERDICT_NOT_APPLICABLE)
            error = explain(result, out);
    }
    return error;
}
