/* options: what a command was given, read against the rows of its options, from which --help and the manual
 * page come as well.
 *
 * In: words as main gets them, and what a configuration file says. Out: the command's settings, its operands,
 * and for each option where it was given; or one line that says what is wrong. Knows no particular option. */
#ifndef TOW_PROGRAM_OPTIONS_H
#define TOW_PROGRAM_OPTIONS_H

#include "option_value.h"

#include <stddef.h>

/* What a row says otherwise in one command. */
typedef struct tow_option_change {
    const char *name;     /* of the row; NULL ends the list */
    const char *fallback; /* NULL: as the row has it */
    const char *help;     /* the same */
    const char *group;    /* the same */
    bool left_out;        /* the command has no such option */
} tow_option_change;

/* Rows of a command; their fields lie in a struct that is its settings, or a part of them. */
typedef struct tow_option_section {
    const tow_option *options;        /* ends with an empty row; NULL ends the sections */
    size_t base;                      /* where that struct begins */
    const tow_option_change *changes; /* may be NULL */
    bool inherits;                    /* what is not given stays zero: somebody else's value holds */
} tow_option_section;

typedef struct tow_options tow_options;

typedef struct tow_command {
    const char *name;
    const char *operands; /* as usage shows them, "" if none */
    size_t operands_minimum;
    size_t operands_maximum;
    const char *summary;            /* a line, without a full stop */
    const char *const *description; /* paragraphs, ends with NULL */
    const char *const *examples;    /* a command line and what it does, in turns; ends with NULL */
    const tow_option_section *sections;
    size_t settings_size;
    int (*run)(const tow_options *options); /* returns the exit status */
} tow_command;

/* The options of a command in order: the one at `index`, with its changes made and its field counted from the
 * beginning of the settings. The group that began with a row that is left out begins with the next one. False
 * behind the last. */
bool tow_command_option(const tow_command *command, size_t index, tow_option *option);

/* Where something stands. What stands on the command line goes before what stands in a file. */
typedef struct tow_option_source {
    const char *file; /* outlives the options; NULL: the command line */
    size_t line, column;
} tow_option_source;

typedef struct tow_option_entry tow_option_entry;
typedef struct tow_option_text tow_option_text;

struct tow_options { /* the first four are for everybody */
    const tow_command *command;
    void *settings;              /* settings_size bytes; the texts in them are owned by the options */
    const char *const *operands; /* ends with NULL; NULL: none */
    const char *const *words;    /* those of the command line, as they were given */
    tow_option_entry *entries;   /* private from here on */
    size_t count;
    tow_option_text *texts;
};

typedef enum tow_options_result {
    TOW_OPTIONS_RUN,
    TOW_OPTIONS_HELP,   /* --help was asked for */
    TOW_OPTIONS_MANUAL, /* --help=man: this command's sections of the manual page */
    TOW_OPTIONS_WRONG   /* error[] tells */
} tow_options_result;

/* Makes options that hold the defaults. Errors: MEMORY. */
int tow_options_init(tow_options *options, const tow_command *command);

/* Frees all that they own; zeroed ones may be cleared, too. */
void tow_options_clear(tow_options *options);

/* Takes the words of a command line (`words` ends with NULL; all that is needed of it is copied). */
tow_options_result tow_options_take_words(
    tow_options *options, const char *const *words, char error[TOW_OPTIONS_ERROR_MAX]);

/* Takes one option as a file has it, by its name; a flag's text is true or false. Of several values the last
 * holds, and lists grow, as on the command line; but what is given there holds against any file, before or
 * after, and its list replaces a file's. All the same the text is checked. Errors: ARGUMENT, MEMORY; error[]
 * then names file, line, column and option. */
int tow_options_take(tow_options *options, const char *name, const char *text, tow_option_source source,
    char error[TOW_OPTIONS_ERROR_MAX]);

/* Where the option of this name (of a letter, where it has no name) got the value that holds; NULL if it was
 * not given, or if the command has no such option. */
const tow_option_source *tow_options_source(const tow_options *options, const char *name);

static inline bool tow_options_gave(const tow_options *options, const char *name) {
    return tow_options_source(options, name) != NULL;
}

/* Whether the option of this name, a number, was given and is not what it would be anyway. */
bool tow_options_changed(const tow_options *options, const char *name);

/* How many stand in a list that ends with NULL; NULL has none. */
size_t tow_list_length(const char *const *list);

/* The first option that was given and is none of these names (a list that ends with NULL); NULL if there is
 * none. */
const tow_option *tow_options_beside(const tow_options *options, const char *const *names);

/* The first option that was given and means nothing as it needs something that is lacking (the bits of
 * tow_option_need); NULL if there is none. */
const tow_option *tow_options_useless(const tow_options *options, unsigned lacking);

/* An option where it stands: "--port" or, without a name, "-x"; in a file "towline.yaml:12:7: port". */
enum { TOW_OPTION_LABEL_MAX = 200 };
void tow_option_label(
    const tow_option *option, const tow_option_source *source, char out[TOW_OPTION_LABEL_MAX]);

/* A text that begins with the name of an option, with a colon or blank behind it: the place of that option is
 * put before it, or the dashes. Any other text stays as it is. */
void tow_options_tell(const tow_options *options, const char *text, char out[TOW_OPTIONS_ERROR_MAX]);

#endif
