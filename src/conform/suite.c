#include "conform/suite.h"

#include "conversation.h"
#include "embedded_text.h"
#include "suite.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* Whether one of the patterns, which have commas between them, fits the id. */
static bool matches(const char *patterns, const char *id) {
    char pattern[256];
    while (*patterns != 0) {
        size_t length = strcspn(patterns, ",");
        size_t copied = length < sizeof(pattern) ? length : sizeof(pattern) - 1;
        memcpy(pattern, patterns, copied);
        pattern[copied] = 0;
        if (fnmatch(pattern, id, 0) == 0)
            return true;
        patterns += length + (patterns[length] == ',');
    }
    return false;
}

static bool applies(const conform_suite *suite, const conform_case *one) {
    if (one->role == (suite->tests_client ? ROLE_SERVER_TESTED : ROLE_CLIENT_TESTED))
        return false;
    return suite->options.only == NULL || matches(suite->options.only, one->id);
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

int tow_conform_suite_add(conform_suite *suite, const char *name, const char *text, tow_buffer *error) {
    int result = tow_conform_case_list_read(&suite->list, name, text, error);
    return result == 0 ? choose_cases(suite) : result;
}

int tow_conform_suite_new(
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
        int result =
            tow_conform_suite_add(suite, conform_case_texts[i].name, conform_case_texts[i].text, error);
        if (result != 0) {
            tow_conform_suite_free(suite);
            return result;
        }
    }
    *out = suite;
    return 0;
}

void tow_conform_suite_free(conform_suite *suite) {
    if (suite == NULL)
        return;
    for (size_t i = 0; i < suite->count; i++)
        tow_conform_transcript_clear(&suite->results[i].transcript);
    free(suite->results);
    tow_conform_case_list_clear(&suite->list);
    free(suite);
}

size_t tow_conform_suite_count(const conform_suite *suite) {
    return suite->count;
}

/* Results. */

static conform_result *result_of(conform_suite *suite, const conform_case *one) {
    for (size_t i = 0; i < suite->count; i++) {
        if (suite->results[i].one == one)
            return &suite->results[i];
    }
    return NULL;
}

void tow_conform_suite_note(conform_suite *suite, conform_result *result) {
    if (result->ran)
        return;
    result->ran = true;
    suite->done++;
    if (suite->options.on_progress != NULL)
        suite->options.on_progress(suite->options.user, suite->done, suite->count);
}

/* A client that plays a case again keeps its first result. */
void tow_conform_suite_take(conform_suite *suite, conversation *talk) {
    conform_result *result = result_of(suite, talk->one);
    if (result != NULL && !result->ran && !talk->abandoned) {
        result->verdict = talk->verdict;
        result->microseconds = (talk->ended - talk->started) / 1000;
        memcpy(result->why, talk->why, sizeof(result->why));
        result->transcript = talk->transcript;
        talk->transcript = (transcript){0};
        tow_conform_suite_note(suite, result);
    }
    tow_conform_conversation_free(talk);
}

/* A run against a server. */

static void start_next(conform_suite *suite) {
    while (suite->next < suite->count && suite->running < suite->options.at_once && suite->error == 0) {
        suite->error = tow_conform_conversation_connect(
            &suite->settings, suite->results[suite->next++].one, &suite->address);
        if (suite->error == 0)
            suite->running++;
    }
}

static void on_done(void *user, conversation *talk) {
    conform_suite *suite = user;
    tow_conform_suite_take(suite, talk);
    suite->running--;
    start_next(suite);
}

/* The first connection only finds out which of the addresses there is a server at, and whether its TLS will
 * do. */
static void probe(conform_suite *suite);

static void probe_failed(tow_stream *stream, int error) {
    conform_suite *suite = (conform_suite *)stream;
    const char *text = tow_stream_failure_text(stream);
    suite->error = error;
    snprintf(suite->failure_text, sizeof(suite->failure_text), "%s", text == NULL ? "" : text);
    if (tow_stream_is_secure(stream)) /* there is a server: no reason to try the next address */
        suite->probed = suite->target.count - 1;
    tow_stream_close(stream);
}

static void probe_connected(tow_stream *stream) {
    conform_suite *suite = (conform_suite *)stream;
    const conversation_settings *settings = &suite->settings;
    bool waits = settings->tls != NULL && !tow_stream_is_secure(stream);
    int error = waits ? tow_stream_start_tls(stream, settings->tls, settings->server_name) : 0;
    if (error != 0)
        probe_failed(stream, error);
    if (waits)
        return;
    suite->address = suite->target.addresses[suite->probed];
    suite->error = 0;
    tow_stream_close(stream);
}

static void probe_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    (void)stream, (void)bytes, (void)length;
}

static void probe_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    (void)stream, (void)segment, (void)length, (void)taken;
}

static void probe_ended(tow_stream *stream) {
    (void)stream;
}

static void probe_closed(tow_stream *stream) {
    conform_suite *suite = (conform_suite *)stream;
    suite->probed++;
    if (suite->error == 0)
        start_next(suite);
    else
        probe(suite);
}

static const tow_stream_events probe_events = {.on_bytes = probe_bytes,
    .on_unsent = probe_unsent,
    .on_writable = probe_connected,
    .on_end = probe_ended,
    .on_error = probe_failed,
    .on_closed = probe_closed};

static void probe(conform_suite *suite) {
    while (suite->probed < suite->target.count) {
        int error = tow_stream_connect(
            &suite->stream, suite->settings.loop, &suite->target.addresses[suite->probed], &probe_events);
        if (error == 0)
            return;
        suite->error = error;
        suite->probed++;
    }
}

int tow_conform_suite_run(conform_suite *suite, tow_loop *loop, const conform_target *target) {
    suite->settings = (conversation_settings){.loop = loop,
        .tls = target->tls,
        .server_name = target->server_name,
        .host = target->host,
        .path = target->path,
        .timeout_milliseconds = suite->options.timeout_milliseconds,
        .under_way = &suite->under_way,
        .on_done = on_done,
        .user = suite};
    suite->target = *target;
    suite->next = suite->done = suite->probed = 0;
    probe(suite);
    int error = tow_loop_run(loop);
    return suite->error != 0 ? suite->error : error;
}

const char *tow_conform_suite_failure_text(const conform_suite *suite) {
    return suite->failure_text;
}

void tow_conform_suite_stop(conform_suite *suite) {
    suite->next = suite->count;
    if (suite->on_stop != NULL)
        suite->on_stop(suite);
    for (conversation *talk = suite->under_way; talk != NULL; talk = talk->next)
        tow_conform_conversation_abandon(talk);
}

/* What came of it. */

static void count_result(conform_totals *totals, const conform_result *result) {
    size_t *const counters[] = {[VERDICT_PASS] = &totals->passed,
        [VERDICT_INFORMATIONAL] = &totals->informational,
        [VERDICT_NOT_STRICT] = &totals->not_strict,
        [VERDICT_NOT_APPLICABLE] = &totals->not_applicable,
        [VERDICT_FAIL] = &totals->failed};
    ++*(result->ran ? counters[result->verdict] : &totals->without_result);
}

conform_totals tow_conform_suite_totals(const conform_suite *suite) {
    conform_totals totals = {0};
    for (size_t i = 0; i < suite->count; i++)
        count_result(&totals, &suite->results[i]);
    return totals;
}

size_t tow_conform_suite_groups(const conform_suite *suite, conform_group *groups, size_t maximum) {
    size_t count = 0;
    for (size_t i = 0; i < suite->count; i++) {
        const char *id = suite->results[i].one->id;
        size_t length = strcspn(id, "."), at = 0;
        while (at < count && at < maximum &&
               (strlen(groups[at].name) != length || strncmp(groups[at].name, id, length) != 0))
            at++;
        if (at == count && count++ < maximum) {
            groups[at] = (conform_group){0};
            memcpy(groups[at].name, id, length < sizeof(groups->name) ? length : sizeof(groups->name) - 1);
        }
        if (at < maximum)
            count_result(&groups[at].totals, &suite->results[i]);
    }
    return count;
}

int tow_conform_suite_list(const conform_suite *suite, tow_buffer *out) {
    static const char *const levels[] = {"MUST", "SHOULD", "MAY"};
    int error = 0;
    for (size_t i = 0; i < suite->count && error == 0; i++) {
        const conform_case *one = suite->results[i].one;
        error = tow_buffer_append_format(
            out, "%-44s %-6s %s: %s\n", one->id, levels[one->level], one->section, one->says);
    }
    return error;
}

const char *tow_conform_verdict_word(case_verdict verdict) {
    static const char *const words[] = {[VERDICT_PASS] = "pass",
        [VERDICT_INFORMATIONAL] = "informational",
        [VERDICT_NOT_STRICT] = "not strict",
        [VERDICT_NOT_APPLICABLE] = "not applicable",
        [VERDICT_FAIL] = "FAIL"};
    return words[verdict];
}

static int explain_entry(const transcript_entry *entry, tow_buffer *out) {
    enum { SHOWN = 20 };
    int error = tow_buffer_append_format(
        out, "    %8.1f ms %c %s", (double)entry->microseconds / 1000, entry->direction, entry->words);
    for (size_t i = 0; i < entry->kept && i < SHOWN && error == 0; i++)
        error = tow_buffer_append_format(out, "%s%02x", i == 0 ? "  " : " ", entry->bytes[i]);
    return error == 0 ? tow_buffer_append_text(out, entry->length > SHOWN ? " …\n" : "\n") : error;
}

/* The first and the last of what crossed. */
static int explain(const conform_result *result, bool all, tow_buffer *out) {
    enum { FIRST = 4, LAST = 6 };
    const conform_case *one = result->one;
    const transcript *log = &result->transcript;
    int error = tow_buffer_append_format(out, "%s %s: %s\n    %s: %s\n",
        tow_conform_verdict_word(result->verdict), one->id, result->why, one->section, one->says);
    for (size_t i = 0; i < log->count && error == 0; i++) {
        bool skips = !all && i == FIRST && log->count > FIRST + LAST + 1;
        if (skips) {
            error = tow_buffer_append_format(out, "           … %zu more …\n", log->count - FIRST - LAST);
            i = log->count - LAST;
        }
        if (error == 0)
            error = explain_entry(&log->entries[i], out);
    }
    return error;
}

int tow_conform_suite_explain(const conform_suite *suite, bool all, tow_buffer *out) {
    int error = 0;
    for (size_t i = 0; i < suite->count && error == 0; i++) {
        const conform_result *result = &suite->results[i];
        bool lesser = result->verdict == VERDICT_NOT_STRICT || result->verdict == VERDICT_INFORMATIONAL;
        if (result->ran && (result->verdict == VERDICT_FAIL || (all && lesser)))
            error = explain(result, all, out);
    }
    return error;
}
