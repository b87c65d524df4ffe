#include "conform/report.h"
#include "suite.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* The runs side by side; cases are those of any run, in the order of their first appearance. */
struct page {
    tow_buffer *out;
    json_t *runs;   /* array of the reports */
    json_t *ids;    /* array of the cases' objects, one an id */
    json_t *seen;   /* id → true */
    json_t **index; /* for each run: id → the case's object */
    int error;
};

static void put(struct page *page, const char *text) {
    if (page->error == 0)
        page->error = tow_buffer_append_text(page->out, text);
}

static void put_escaped(struct page *page, const char *text) {
    for (; *text != 0 && page->error == 0; text++) {
        const char *entity = *text == '<'   ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '&' ? "&amp;"
                             : *text == '"' ? "&quot;"
                                            : NULL;
        page->error = entity != NULL ? tow_buffer_append_text(page->out, entity)
                                     : tow_buffer_append(page->out, text, 1);
    }
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static const char style[] =
    ":root{color-scheme:light "
    "dark;--bg:#fff;--fg:#1a1d21;--dim:#667;--line:#dde;--ok:#1a7f4b;--mid:#a86a00;--bad:#c42b2b;--soft:#"
    "f5f6f8}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e8ea;--dim:#99a;--line:#2c3138;--ok:#"
    "4cc38a;--mid:#e0a63d;--bad:#ff6b6b;--soft:#1c2025}}"
    "body{margin:0 auto;max-width:72rem;padding:1.5rem;background:var(--bg);color:var(--fg);font:15px/1.5 "
    "system-ui,sans-serif}"
    "h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2.5rem}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}"
    "td.n{text-align:center;white-space:nowrap}th.n{text-align:center}.scroll{overflow-x:auto}"
    ".pass{color:var(--ok)}.strict{color:var(--mid)}.info{color:var(--dim)}.na{color:var(--dim)}.fail{color:"
    "var(--bad);font-weight:600}"
    "summary{cursor:pointer}code,pre{font:12px/1.45 "
    "ui-monospace,monospace}pre{background:var(--soft);padding:.6rem;overflow-x:auto;margin:.4rem 0}"
    ".section{color:var(--dim);font-size:.85em}";

/* Class and mark of a verdict. */
static const struct mark {
    const char *verdict, *class, *mark;
} marks[] = {{"pass", "pass", "✓"}, {"not strict", "strict", "≈"}, {"informational", "info", "i"},
    {"not applicable", "na", "–"}, {"FAIL", "fail", "✗"}, {"", "na", ""}};

static const struct mark *mark_of(const char *verdict) {
    const struct mark *mark = marks;
    while (mark->verdict[0] != 0 && strcmp(mark->verdict, verdict) != 0)
        mark++;
    return mark;
}

static size_t group_length(const char *id) {
    return strcspn(id, ".");
}

static bool in_group(const char *id, const char *group) {
    size_t length = group_length(group);
    return strncmp(id, group, length) == 0 && group_length(id) == length;
}

/* ---- the matrix ---- */

static void put_tally(struct page *page, const json_t *run, const char *group) {
    size_t count = 0, passed = 0, strict = 0, failed = 0, at;
    json_t *one;
    for (at = 0; (one = json_array_get(json_object_get(run, "cases"), at)) != NULL; at++) {
        const char *verdict = text_of(one, "verdict");
        if (!in_group(text_of(one, "id"), group) || strcmp(verdict, "not applicable") == 0)
            continue;
        count++;
        failed += strcmp(verdict, "FAIL") == 0;
        strict += strcmp(verdict, "not strict") == 0 || strcmp(verdict, "informational") == 0;
        passed += strcmp(verdict, "pass") == 0;
    }
    const char *class = failed > 0 ? "fail" : strict > 0 ? "strict" : "pass";
    if (page->error == 0)
        page->error = count == 0 ? tow_buffer_append_text(page->out, "<td class='n na'>–</td>")
                                 : tow_buffer_append_format(
                                       page->out, "<td class='n %s'>%zu / %zu</td>", class, passed, count);
}

static void put_names(struct page *page) {
    size_t at = 0;
    json_t *run;
    for (at = 0; (run = json_array_get(page->runs, at)) != NULL; at++) {
        put(page, "<th class=n>");
        put_escaped(page, text_of(run, "name"));
        put(page, "</th>");
    }
    put(page, "</tr>");
}

static void put_group_row(struct page *page, const char *group) {
    size_t at = 0;
    json_t *run;
    char name[64] = "";
    strncpy(name, group, group_length(group) < 63 ? group_length(group) : 63);
    put(page, "<tr><td><a href='#");
    put_escaped(page, name);
    put(page, "'>");
    put_escaped(page, name);
    put(page, "</a></td>");
    for (at = 0; (run = json_array_get(page->runs, at)) != NULL; at++)
        put_tally(page, run, group);
    put(page, "</tr>");
}

static void put_matrix(struct page *page) {
    const char *group = "";
    size_t at = 0;
    json_t *one;
    put(page, "<div class=scroll><table><tr><th>group</th>");
    put_names(page);
    for (at = 0; (one = json_array_get(page->ids, at)) != NULL; at++) {
        const char *id = text_of(one, "id");
        if (!in_group(id, group))
            put_group_row(page, group = id);
    }
    put(page, "</table></div><p class=section>passed / applicable; ✓ pass, ≈ works but not as the text asks, "
              "i a SHOULD or MAY that is "
              "not met, – not applicable, ✗ failed</p>");
}

/* ---- the cases ---- */

static void put_transcript(struct page *page, const json_t *result) {
    size_t at = 0;
    json_t *entry;
    put(page, "<pre>");
    for (at = 0; (entry = json_array_get(json_object_get(result, "transcript"), at)) != NULL; at++) {
        if (page->error == 0)
            page->error = tow_buffer_append_format(
                page->out, "%9.3f ms ", json_number_value(json_object_get(entry, "milliseconds")));
        put_escaped(page, text_of(entry, "direction"));
        put(page, " ");
        put_escaped(page, text_of(entry, "words"));
        put(page, "   ");
        put_escaped(page, text_of(entry, "hex"));
        json_int_t length = json_integer_value(json_object_get(entry, "length"));
        put(page, length > ENTRY_BYTES_MAX ? " …\n" : "\n");
    }
    put(page, "</pre>");
}

static void put_result_details(struct page *page, const json_t *run, const json_t *result) {
    const struct mark *mark = mark_of(text_of(result, "verdict"));
    put(page, "<div><span class=");
    put(page, mark->class);
    put(page, ">");
    put_escaped(page, text_of(run, "name"));
    put(page, ": ");
    put_escaped(page, text_of(result, "verdict"));
    put(page, "</span> ");
    put_escaped(page, text_of(result, "why"));
    put(page, "</div>");
    put_transcript(page, result);
}

static void put_case(struct page *page, const json_t *one) {
    const char *id = text_of(one, "id");
    put(page, "<tr><td><details><summary><code>");
    put_escaped(page, id);
    put(page, "</code> <span class=section>");
    put_escaped(page, text_of(one, "level"));
    put(page, ", ");
    put_escaped(page, text_of(one, "section"));
    put(page, "</span><br>");
    put_escaped(page, text_of(one, "says"));
    put(page, "</summary>");
    for (size_t i = 0; i < json_array_size(page->runs); i++) {
        const json_t *result = json_object_get(page->index[i], id);
        if (result != NULL)
            put_result_details(page, json_array_get(page->runs, i), result);
    }
    put(page, "</details></td>");
    for (size_t i = 0; i < json_array_size(page->runs); i++) {
        const struct mark *mark = mark_of(text_of(json_object_get(page->index[i], id), "verdict"));
        if (page->error == 0)
            page->error =
                tow_buffer_append_format(page->out, "<td class='n %s'>%s</td>", mark->class, mark->mark);
    }
    put(page, "</tr>");
}

static void begin_group(struct page *page, const char *id, bool first) {
    char name[64] = "";
    strncpy(name, id, group_length(id) < 63 ? group_length(id) : 63);
    put(page, first ? "<h2 id='" : "</table></div><h2 id='");
    put_escaped(page, name);
    put(page, "'>");
    put_escaped(page, name);
    put(page, "</h2><div class=scroll><table><tr><th>case</th>");
    put_names(page);
}

static void put_cases(struct page *page) {
    const char *group = "";
    size_t at = 0;
    json_t *one;
    for (at = 0; (one = json_array_get(page->ids, at)) != NULL; at++) {
        const char *id = text_of(one, "id");
        if (!in_group(id, group))
            begin_group(page, id, at == 0);
        put_case(page, one);
        group = id;
    }
    put(page, "</table></div>");
}

/* ---- the page ---- */

static int add_run(struct page *page, const char *text, tow_buffer *error) {
    json_error_t what;
    size_t at = 0;
    json_t *one;
    json_t *run = json_loads(text, 0, &what);
    json_t *cases = json_object_get(run, "cases");
    if (!json_is_array(cases) || !json_is_string(json_object_get(run, "name"))) {
        tow_buffer_append_format(error, "report %zu is not one of towline conform --json: %s",
            json_array_size(page->runs) + 1, run == NULL ? what.text : "no name or no cases");
        json_decref(run);
        return TOW_ERROR_ARGUMENT;
    }
    json_t *index = page->index[json_array_size(page->runs)] = json_object();
    json_array_append_new(page->runs, run);
    for (at = 0; (one = json_array_get(cases, at)) != NULL; at++) {
        json_object_set(index, text_of(one, "id"), one);
        if (json_object_get(page->seen, text_of(one, "id")) != NULL)
            continue;
        json_object_set_new(page->seen, text_of(one, "id"), json_true());
        json_array_append(page->ids, one);
    }
    return 0;
}

static void put_page(struct page *page) {
    put(page,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>WebSocket conformance</title><style>");
    put(page, style);
    put(page, "</style><h1>WebSocket conformance</h1><p>RFC 6455, RFC 7692, RFC 3629, RFC 9110 and RFC 9112, "
              "by <code>towline "
              "conform</code>.</p>");
    put_matrix(page);
    put_cases(page);
    put(page, "</html>\n");
}

int conform_report_html(const char *const *texts, size_t count, tow_buffer *out, tow_buffer *error) {
    struct page page = {.out = out, .runs = json_array(), .ids = json_array(), .seen = json_object()};
    page.index = calloc(count + 1, sizeof(json_t *));
    if (page.index == NULL)
        page.error = TOW_ERROR_MEMORY;
    for (size_t i = 0; i < count && page.error == 0; i++)
        page.error = add_run(&page, texts[i], error);
    if (page.error == 0)
        put_page(&page);
    for (size_t i = 0; i < count && page.index != NULL; i++)
        json_decref(page.index[i]);
    free(page.index);
    json_decref(page.runs);
    json_decref(page.ids);
    json_decref(page.seen);
    return page.error;
}
