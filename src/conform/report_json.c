#include "conform/report.h"
#include "suite.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>
#include <towline/version.h>

static json_t *hex_of(const transcript_entry *entry) {
    char text[3 * ENTRY_BYTES_OF_HEADS + 1] = "";
    for (size_t i = 0; i < entry->kept; i++)
        snprintf(text + 3 * i, 4, "%02x ", entry->bytes[i]);
    return json_stringn(text, entry->kept == 0 ? 0 : 3 * entry->kept - 1);
}

static json_t *transcript_json(const transcript *log) {
    json_t *list = json_array();
    for (size_t i = 0; i < log->count; i++) {
        const transcript_entry *entry = &log->entries[i];
        json_array_append_new(
            list, json_pack("{s:f, s:s#, s:I, s:o, s:s*}", "milliseconds", (double)entry->microseconds / 1000,
                      "direction", &entry->direction, 1, "length", (json_int_t)entry->length, "hex",
                      hex_of(entry), "words", entry->words));
    }
    if (log->left_out > 0)
        json_array_append_new(
            list, json_pack("{s:f, s:s, s:I, s:s, s:s}", "milliseconds", 0.0, "direction", "=", "length",
                      (json_int_t)log->left_out, "hex", "", "words", "further entries are left out"));
    return list;
}

static const char *level_word(case_level level) {
    static const char *const words[] = {"MUST", "SHOULD", "MAY"};
    return words[level];
}

static json_t *result_json(const conform_result *result) {
    const conform_case *one = result->one;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:o}", "id", one->id, "section", one->section,
        "level", level_word(one->level), "says", one->says, "verdict",
        tow_conform_verdict_word(result->verdict), "why", result->why, "milliseconds",
        (double)result->microseconds / 1000, "transcript", transcript_json(&result->transcript));
}

int tow_conform_report_json(const conform_suite *suite, tow_buffer *out) {
    json_t *cases = json_array();
    for (size_t i = 0; i < suite->count; i++) {
        if (suite->results[i].ran)
            json_array_append_new(cases, result_json(&suite->results[i]));
    }
    json_t *root = json_pack("{s:s, s:s, s:s, s:o}", "towline", tow_version(), "name",
        suite->options.name == NULL ? "unnamed" : suite->options.name, "role",
        suite->tests_client ? "client" : "server", "cases", cases);
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    int error = text == NULL ? TOW_ERROR_MEMORY : tow_buffer_append_text(out, text);
    free(text);
    return error == 0 ? tow_buffer_append_text(out, "\n") : error;
}
