#include "conform_output.h"

#include "paint.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 40, GROUPS_MAX = 64 };

void tow_conform_begin(tow_conform_output *output, tow_loop *loop) {
    *output = (tow_conform_output){.loop = loop,
        .began = tow_loop_now(loop),
        .shown = SIZE_MAX,
        .has_bar = isatty(STDERR_FILENO),
        .painted = tow_paint_wanted(STDOUT_FILENO)};
}

/* One line that is written over itself, when it has changed. */
void tow_conform_progress(tow_conform_output *output, const conform_suite *suite, size_t done, size_t total) {
    size_t step = done * 200 / total;
    if (!output->has_bar || step == output->shown)
        return;
    output->shown = step;
    bool painted = tow_paint_wanted(STDERR_FILENO);
    size_t failed = tow_conform_suite_totals(suite).failed;
    int filled = (int)(done * BAR_WIDTH / total);
    fprintf(stderr, "\r\033[K[%.*s%*s] %zu of %zu", filled, "########################################",
        BAR_WIDTH - filled, "", done, total);
    if (failed > 0)
        fprintf(
            stderr, ", %s%zu failed%s", tow_paint(painted, TOW_COLOUR_RED), failed, tow_paint_end(painted));
}

void tow_conform_end(tow_conform_output *output) {
    output->took = tow_loop_now(output->loop) - output->began;
    if (output->has_bar && output->shown != SIZE_MAX)
        fputs("\r\033[K", stderr);
}

/* Afterwards. */

static void show_cell(size_t number, int width) {
    if (number == 0)
        printf("%*s", width, "-");
    else
        printf("%*zu", width, number);
}

static void show_row(const tow_conform_output *output, const char *name, const conform_totals *totals) {
    bool failed = totals->failed > 0;
    printf("%-16s", name);
    show_cell(totals->passed, 8);
    show_cell(totals->not_strict, 13);
    show_cell(totals->informational, 16);
    show_cell(totals->not_applicable, 17);
    fputs(failed ? tow_paint(output->painted, TOW_COLOUR_RED) : "", stdout);
    show_cell(totals->failed, 9);
    printf("%s\n", failed ? tow_paint_end(output->painted) : "");
}

static void show_table(const tow_conform_output *output, const conform_suite *suite) {
    conform_group groups[GROUPS_MAX];
    size_t count = tow_conform_suite_groups(suite, groups, GROUPS_MAX);
    printf("%s%-16s%8s%13s%16s%17s%9s%s\n", tow_paint(output->painted, TOW_COLOUR_BOLD), "group", "pass",
        "not strict", "informational", "not applicable", "failed", tow_paint_end(output->painted));
    for (size_t i = 0; i < count && i < GROUPS_MAX; i++)
        show_row(output, groups[i].name, &groups[i].totals);
}

/* "1086 cases in 3.4 s: 1080 passed, 6 failed" */
static void show_sentence(const tow_conform_output *output, const conform_suite *suite) {
    conform_totals totals = tow_conform_suite_totals(suite);
    const struct {
        size_t number;
        const char *words;
    } parts[] = {{totals.not_strict, "not strict"}, {totals.informational, "informational"},
        {totals.not_applicable, "not applicable"}, {totals.without_result, "without result"}};
    printf("%zu cases in %.1f s: %zu passed", tow_conform_suite_count(suite), (double)output->took / 1e9,
        totals.passed);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].number > 0)
            printf(", %zu %s", parts[i].number, parts[i].words);
    }
    printf(", %s%zu failed%s\n",
        tow_paint(output->painted, totals.failed > 0 ? TOW_COLOUR_RED : TOW_COLOUR_GREEN), totals.failed,
        tow_paint_end(output->painted));
}

bool tow_conform_show(const tow_conform_output *output, const conform_suite *suite, bool verbose) {
    tow_buffer text = {0};
    if (tow_conform_suite_explain(suite, verbose, &text) == 0 && text.length > 0) {
        fwrite(text.data, 1, text.length, stdout);
        putchar('\n');
    }
    tow_buffer_clear(&text);
    show_table(output, suite);
    putchar('\n');
    show_sentence(output, suite);
    return fflush(stdout) == 0 && !ferror(stdout);
}
