#include "editor.h"

#include "base/buffer.h"
#include "editor_library.h"
#include "history.h"
#include "paint.h"
#include "transport/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_LINES = 1000, TAB_COLUMNS = 8 };

static tow_editor_library edit; /* loaded for the process by the first editor */

struct tow_editor {
    tow_loop *loop;
    EditLine *line;
    History *history;
    const char *history_path;
    tow_watch watch;
    char prompt[64];
    int prompt_columns;
    char keys[256]; /* read from the terminal, not yet taken by the line editor */
    size_t key_count;
    mbstate_t key_state;
    tow_buffer text; /* the last line */
    bool reading;    /* a line is on the screen */
    bool stopped;
};

static tow_editor *editor_of(EditLine *line) {
    void *editor = NULL;
    edit.el_get(line, EL_CLIENTDATA, &editor);
    return editor;
}

static char *prompt_of(EditLine *line) {
    return editor_of(line)->prompt;
}

static void on_keys(tow_watch *watch, int ready) {
    tow_editor *editor = watch->user;
    ssize_t count = read(STDIN_FILENO, editor->keys, sizeof(editor->keys));
    if (count > 0)
        editor->key_count = (size_t)count;
    else if (count == 0 || (errno != EINTR && errno != EAGAIN))
        editor->stopped = true;
    tow_loop_stop(editor->loop);
}

/* Runs the loop until a key was pressed or the editor is stopped. */
static bool keys_wait(tow_editor *editor) {
    editor->watch = (tow_watch){.user = editor};
    if (tow_watch_start(&editor->watch, editor->loop, STDIN_FILENO, TOW_READABLE, on_keys) != 0)
        return false;
    while (editor->key_count == 0 && !editor->stopped)
        if (tow_loop_run(editor->loop) != 0)
            editor->stopped = true;
    tow_watch_stop(&editor->watch);
    return !editor->stopped;
}

/* Takes one character from the keys; 0 when what there is is only the beginning of one. */
static size_t key_take(tow_editor *editor, wchar_t *character) {
    size_t used = mbrtowc(character, editor->keys, editor->key_count, &editor->key_state);
    if (used == (size_t)-1) { /* no character: pass over a byte */
        editor->key_state = (mbstate_t){0};
        *character = L'?';
        used = 1;
    } else if (used == 0) {
        used = 1; /* ^@ */
    } else if (used == (size_t)-2) {
        editor->key_count = 0;
        return 0;
    }
    editor->key_count -= used;
    memmove(editor->keys, editor->keys + used, editor->key_count);
    return used;
}

/* What the line editor calls for the next character: 1, or 0 at the end of the input. */
static int key_get(EditLine *line, wchar_t *character) {
    tow_editor *editor = editor_of(line);
    for (;;) {
        if (editor->stopped || (editor->key_count == 0 && !keys_wait(editor)))
            return 0;
        if (key_take(editor, character) > 0)
            return 1;
    }
}

/* Without a UTF-8 locale the editor could not show what is typed. */
static void locale_choose(void) {
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static void keys_bind(EditLine *line) {
    static const char *const bindings[][2] = {
        {"^I", "ed-insert"}, /* there is nothing to complete, and what is pasted has tabs */
        {"^R", "em-inc-search-prev"},
        {"^W", "ed-delete-prev-word"},
        {"\\e[1;5C", "em-next-word"},
        {"\\e[1;5D", "ed-prev-word"},
        {"\\e[3~", "ed-delete-next-char"},
    };
    edit.el_set(line, EL_EDITOR, "emacs");
    for (size_t i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++)
        edit.el_set(line, EL_BIND, bindings[i][0], bindings[i][1], NULL);
    edit.el_source(line, NULL); /* ~/.editrc: what the user wants instead */
}

static int history_open(tow_editor *editor, const char *path) {
    HistEvent event;
    editor->history = edit.history_init();
    if (editor->history == NULL)
        return TOW_ERROR_MEMORY;
    editor->history_path = path;
    edit.history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
    edit.history(editor->history, &event, H_SETUNIQUE, 1);
    if (path != NULL)
        edit.history(editor->history, &event, H_LOAD, path);
    edit.el_set(editor->line, EL_HIST, edit.history, editor->history);
    return 0;
}

/* Writes beside the file and renames, so that two programs that end at once leave a whole file. */
static void history_save(tow_editor *editor) {
    char path[4096];
    HistEvent event;
    if (editor->history_path == NULL)
        return;
    int length = snprintf(path, sizeof(path), "%s.%ld", editor->history_path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof(path))
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    int saved = edit.history(editor->history, &event, H_SAVE_FP, file);
    if (fclose(file) != 0 || saved < 0 || rename(path, editor->history_path) != 0)
        unlink(path);
}

/* \1 stands around what takes no room on the screen. libedit shows that only with a character behind it: so
 * the colour ends before the prompt's last. */
static void prompt_make(tow_editor *editor, const char *prompt, bool painted) {
    int last = editor->prompt_columns - 1;
    if (painted)
        snprintf(editor->prompt, sizeof(editor->prompt), "\1%s\1%.*s\1%s\1%s",
            tow_paint(true, TOW_COLOUR_GREEN), last, prompt, tow_paint_end(true), prompt + last);
    else
        snprintf(editor->prompt, sizeof(editor->prompt), "%s", prompt);
}

int tow_editor_new(
    tow_editor **out, tow_loop *loop, const char *prompt, const char *history_path, bool painted) {
    int error = tow_editor_library_load(&edit);
    if (error != 0)
        return error;
    tow_editor *editor = calloc(1, sizeof(*editor));
    if (editor == NULL)
        return TOW_ERROR_MEMORY;
    locale_choose();
    editor->loop = loop;
    editor->prompt_columns = (int)strlen(prompt);
    editor->line = edit.el_init("towline", stdin, stdout, stderr);
    if (editor->line == NULL || history_open(editor, history_path) != 0) {
        tow_editor_free(editor);
        return TOW_ERROR_MEMORY;
    }
    prompt_make(editor, prompt, painted);
    edit.el_set(editor->line, EL_CLIENTDATA, editor);
    edit.el_set(editor->line, EL_PROMPT_ESC, prompt_of, '\1');
    edit.el_set(editor->line, EL_SIGNAL, 0);
    edit.el_wset(editor->line, EL_GETCFN, key_get);
    keys_bind(editor->line);
    *out = editor;
    return 0;
}

void tow_editor_free(tow_editor *editor) {
    if (editor == NULL)
        return;
    if (editor->history != NULL)
        history_save(editor);
    if (editor->line != NULL)
        edit.el_end(editor->line);
    if (editor->history != NULL)
        edit.history_end(editor->history);
    tow_buffer_clear(&editor->text);
    free(editor);
}

static int character_columns(wchar_t character) {
    int columns = wcwidth(character);
    if (columns >= 0)
        return columns;
    return character < 0x80 ? 2 : 8; /* shown as ^X or \U+XXXX */
}

/* Where a tab leads: to the next stop, or to the end of the row. */
static int tab_stop(int column, int columns) {
    int stop = (column / TAB_COLUMNS + 1) * TAB_COLUMNS;
    return stop < columns ? stop : columns;
}

/* On which row below the prompt's the cursor stands. */
static int cursor_row(tow_editor *editor) {
    int columns = tow_paint_columns(STDOUT_FILENO, 80);
    int row = 0;
    int column = editor->prompt_columns;
    const LineInfoW *line = edit.el_wline(editor->line);
    for (const wchar_t *at = line->buffer; at < line->cursor; at++) {
        int width = *at == L'\t' ? 1 : character_columns(*at);
        if (column + width > columns) {
            row++;
            column = 0;
        }
        column = *at == L'\t' ? tab_stop(column, columns) : column + width;
    }
    return column >= columns ? row + 1 : row;
}

/* Takes the prompt and what was typed off the screen. */
static void line_hide(tow_editor *editor) {
    int row = cursor_row(editor);
    fputc('\r', stdout);
    if (row > 0)
        fprintf(stdout, "\033[%dA", row);
    fputs("\033[J", stdout);
}

/* Copies the line without its line feed, and into the history. */
static int line_keep(tow_editor *editor, const char *line, size_t length, const char **out) {
    HistEvent event;
    if (line[length - 1] == '\n')
        length--;
    editor->text.length = 0;
    int error = tow_buffer_append(&editor->text, line, length);
    if (error == 0)
        error = tow_buffer_append(&editor->text, "", 1);
    if (error != 0)
        return error;
    *out = (const char *)editor->text.data;
    if (length > 0)
        edit.history(editor->history, &event, H_ENTER, *out);
    return 1;
}

int tow_editor_read(tow_editor *editor, const char **out) {
    int count = 0;
    if (editor->stopped)
        return 0;
    editor->reading = true;
    const char *line = edit.el_gets(editor->line, &count);
    if (line == NULL || count <= 0) {
        line_hide(editor);
        fflush(stdout);
        editor->reading = false;
        return 0;
    }
    editor->reading = false;
    return line_keep(editor, line, (size_t)count, out);
}

void tow_editor_stop(tow_editor *editor) {
    editor->stopped = true;
    tow_loop_stop(editor->loop);
}

void tow_editor_print(tow_editor *editor, const void *text, size_t length) {
    if (editor->reading)
        line_hide(editor);
    fwrite(text, 1, length, stdout);
    if (editor->reading)
        edit.el_set(editor->line, EL_REFRESH);
    fflush(stdout);
}

static bool is_reading(const tow_editor *editor) {
    return editor != NULL && editor->reading;
}

void tow_editor_resized(tow_editor *editor) {
    if (editor != NULL)
        edit.el_resize(editor->line);
    if (is_reading(editor))
        edit.el_set(editor->line, EL_REFRESH);
}

void tow_editor_suspended(tow_editor *editor) {
    if (is_reading(editor))
        edit.el_set(editor->line, EL_PREP_TERM, 0);
}

void tow_editor_resumed(tow_editor *editor) {
    if (is_reading(editor))
        edit.el_set(editor->line, EL_PREP_TERM, 1);
}

/* libedit sets the terminal's mode only when it believes to have left it. */
void tow_editor_continued(tow_editor *editor) {
    tow_editor_suspended(editor);
    tow_editor_resumed(editor);
    if (is_reading(editor))
        edit.el_set(editor->line, EL_REFRESH);
}
