#include "conform/report.h"
#include "embedded_text.h"
#include "suite.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* The runs side by side; cases are those of any run, in the order of their first appearance, group by group.
 */
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
        const char *entity = *text == '<'    ? "&lt;"
                             : *text == '>'  ? "&gt;"
                             : *text == '&'  ? "&amp;"
                             : *text == '"'  ? "&quot;"
                             : *text == '\'' ? "&#39;"
                                             : NULL;
        page->error = entity != NULL ? tow_buffer_append_text(page->out, entity)
                                     : tow_buffer_append(page->out, text, 1);
    }
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

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

/* The matrix. */

static void put_number(struct page *page, const char *before, size_t number) {
    if (page->error == 0)
        page->error = tow_buffer_append_format(page->out, "%s%zu", before, number);
}

/* How many of a group's cases apply and have passed, and how many have failed; of all groups for "". */
static void put_tally(struct page *page, const json_t *run, const char *group) {
    size_t count = 0, passed = 0, failed = 0, at;
    json_t *one;
    for (at = 0; (one = json_array_get(json_object_get(run, "cases"), at)) != NULL; at++) {
        const char *verdict = text_of(one, "verdict");
        if ((*group != 0 && !in_group(text_of(one, "id"), group)) || strcmp(verdict, "not applicable") == 0)
            continue;
        count++;
        failed += strcmp(verdict, "FAIL") == 0;
        passed += strcmp(verdict, "pass") == 0;
    }
    if (count == 0) {
        put(page, "<td class=na>–</td>");
        return;
    }
    put(page, failed > 0 ? "<td class=fail>" : passed < count ? "<td class=strict>" : "<td class=pass>");
    put_number(page, "", passed);
    put_number(page, "/", count);
    if (failed > 0)
        put_number(page, "<small>", failed);
    put(page, failed > 0 ? " failed</small></td>" : "</td>");
}

static void put_tallies(struct page *page, const char *group) {
    json_t *run;
    for (size_t at = 0; (run = json_array_get(page->runs, at)) != NULL; at++)
        put_tally(page, run, group);
    put(page, "</tr>\n");
}

static void put_group_name(struct page *page, const char *id) {
    for (size_t i = 0; i < group_length(id); i++)
        put_escaped(page, (const char[]){id[i], 0});
}

static void put_matrix(struct page *page) {
    const char *group = "";
    json_t *one, *run;
    put(page,
        "<div class=scroll tabindex=0 role=region aria-label='Results by group'><table><thead><tr><th></th>");
    for (size_t at = 0; (run = json_array_get(page->runs, at)) != NULL; at++) {
        put(page, "<th scope=col>");
        put_escaped(page, text_of(run, "name"));
        put(page, "</th>");
    }
    put(page, "</tr></thead><tbody>\n");
    for (size_t at = 0; (one = json_array_get(page->ids, at)) != NULL; at++) {
        if (in_group(text_of(one, "id"), group))
            continue;
        group = text_of(one, "id");
        put(page, "<tr><th scope=row><a href='#");
        put_group_name(page, group);
        put(page, "'>");
        put_group_name(page, group);
        put(page, "</a></th>");
        put_tallies(page, group);
    }
    put(page, "<tr><th scope=row>all</th>");
    put_tallies(page, "");
    put(page, "</tbody></table></div>\n");
}

/* The cases. */

static void put_entry(struct page *page, const json_t *entry) {
    const char *hex = text_of(entry, "hex"), *direction = text_of(entry, "direction");
    const char *class = *direction == '>' ? "sent" : *direction == '<' ? "received" : "note";
    json_int_t left_out =
        json_integer_value(json_object_get(entry, "length")) - (json_int_t)(strlen(hex) + 1) / 3;
    if (page->error == 0)
        page->error = tow_buffer_append_format(page->out, "<div><time>%.1f ms</time><span class=%s>%s</span>",
            json_number_value(json_object_get(entry, "milliseconds")), class, *class == 'n' ? "" : class);
    put(page, "<span class=words>");
    put_escaped(page, text_of(entry, "words"));
    put(page, "</span><code>");
    put_escaped(page, hex);
    if (left_out > 0 && *hex != 0 && page->error == 0)
        page->error = tow_buffer_append_format(page->out, " … %lld more", (long long)left_out);
    put(page, "</code></div>\n");
}

static void put_result(struct page *page, const json_t *run, const json_t *result) {
    const struct mark *mark = mark_of(text_of(result, "verdict"));
    json_t *entry;
    put(page, "<div class=result><span class=");
    put(page, mark->class);
    put(page, ">");
    put(page, mark->mark);
    put(page, " ");
    put_escaped(page, text_of(run, "name"));
    put(page, "</span> ");
    put_escaped(page, text_of(result, "why"));
    put(page, "<div class=crossed>\n");
    for (size_t at = 0; (entry = json_array_get(json_object_get(result, "transcript"), at)) != NULL; at++)
        put_entry(page, entry);
    put(page, "</div></div>\n");
}

/* A run's mark behind a case, with its name for narrow pages and for those who hear it. */
static void put_mark(struct page *page, const json_t *run, const char *verdict) {
    const struct mark *mark = mark_of(verdict);
    put(page, "<span class='mark ");
    put(page, mark->class);
    put(page, "' data-run='");
    put_escaped(page, text_of(run, "name"));
    put(page, "' role=img aria-label='");
    put_escaped(page, text_of(run, "name"));
    put(page, ": ");
    put_escaped(page, *verdict == 0 ? "did not run" : verdict);
    put(page, "'>");
    put(page, mark->mark);
    put(page, "</span>");
}

static void put_case(struct page *page, const json_t *one) {
    const char *id = text_of(one, "id");
    put(page, "<details class=case><summary><span><code>");
    put_escaped(page, id);
    put(page, "</code> <span class=dim>");
    put_escaped(page, text_of(one, "level"));
    put(page, ", ");
    put_escaped(page, text_of(one, "section"));
    put(page, "</span><br>");
    put_escaped(page, text_of(one, "says"));
    put(page, "</span><span class=marks>");
    for (size_t i = 0; i < json_array_size(page->runs); i++)
        put_mark(
            page, json_array_get(page->runs, i), text_of(json_object_get(page->index[i], id), "verdict"));
    put(page, "</span></summary>\n");
    for (size_t i = 0; i < json_array_size(page->runs); i++) {
        const json_t *result = json_object_get(page->index[i], id);
        if (result != NULL)
            put_result(page, json_array_get(page->runs, i), result);
    }
    put(page, "</details>\n");
}

static void begin_group(struct page *page, const char *id, bool first) {
    json_t *run;
    put(page, first ? "<section id='" : "</section><section id='");
    put_group_name(page, id);
    put(page, "'><h2>");
    put_group_name(page, id);
    put(page, "</h2><div class='marks names' aria-hidden=true>");
    for (size_t at = 0; (run = json_array_get(page->runs, at)) != NULL; at++) {
        put(page, "<span class=mark>");
        put_escaped(page, text_of(run, "name"));
        put(page, "</span>");
    }
    put(page, "</div>\n");
}

static void put_cases(struct page *page) {
    const char *group = "";
    json_t *one;
    for (size_t at = 0; (one = json_array_get(page->ids, at)) != NULL; at++) {
        const char *id = text_of(one, "id");
        if (!in_group(id, group))
            begin_group(page, id, at == 0);
        put_case(page, one);
        group = id;
    }
    put(page, "</section>\n");
}

/* The page. */

/* Behind the last case of its group, or of all. */
static size_t place_of(const json_t *ids, const char *id) {
    size_t place = json_array_size(ids);
    while (place > 0 && !in_group(text_of(json_array_get(ids, place - 1), "id"), id))
        place--;
    return place == 0 ? json_array_size(ids) : place;
}

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
        json_array_insert(page->ids, place_of(page->ids, text_of(one, "id")), one);
    }
    return 0;
}

/* The template's text as far as the mark, and the rest of it. */
static const char *put_until(struct page *page, const char *text, const char *mark) {
    const char *found = strstr(text, mark);
    if (page->error == 0)
        page->error = tow_buffer_append(page->out, text, (size_t)(found - text));
    return found + strlen(mark);
}

static void put_page(struct page *page) {
    const char *rest = put_until(page, conform_page_texts[0].text, "{matrix}");
    put_matrix(page);
    rest = put_until(page, rest, "{cases}");
    put_cases(page);
    put(page, rest);
}

int tow_conform_report_html(const char *const *texts, size_t count, tow_buffer *out, tow_buffer *error) {
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
