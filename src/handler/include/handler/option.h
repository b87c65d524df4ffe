/* option: a row of the option table: what there is to say of one option, for the command line, the
 * configuration file, --help and the manual page.
 *
 * Rows stand with what they are for: those of a kind of handler with it, those of a command with the command.
 * A list of rows ends with an empty one. What is done with them, the program knows. */
#ifndef TOW_HANDLER_OPTION_H
#define TOW_HANDLER_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tow_option_kind {
    TOW_OPTION_FLAG,     /* bool; takes no value */
    TOW_OPTION_TEXT,     /* const char *, owned by whoever parsed it */
    TOW_OPTION_LIST,     /* const char *const *, ends with NULL; each time the option stands adds one */
    TOW_OPTION_NUMBER,   /* int or int64_t, by the field's width */
    TOW_OPTION_SIZE,     /* the same, in bytes */
    TOW_OPTION_DURATION, /* int64_t, in nanoseconds */
    TOW_OPTION_CHOICE,   /* int or an enum */
    TOW_OPTION_REFUSED   /* known, and not offered: `help` says why */
} tow_option_kind;

typedef struct tow_option_choice {
    const char *name; /* NULL ends the list */
    int value;
} tow_option_choice;

/* Without which an option means nothing; bits. */
typedef enum tow_option_need {
    TOW_OPTION_NEEDS_SERVER = 1, /* we are the server of the opening handshake */
    TOW_OPTION_NEEDS_CLIENT = 2,
    TOW_OPTION_NEEDS_TLS = 4,
    TOW_OPTION_NEEDS_COMMAND_LINE = 8 /* it is no key of a configuration file */
} tow_option_need;

/* What in a text is the name of a file or folder: in a configuration file it is relative to that. */
typedef enum tow_option_path {
    TOW_OPTION_NO_PATH,
    TOW_OPTION_PATH,        /* all of it */
    TOW_OPTION_UNIX_PATH,   /* what stands behind unix: */
    TOW_OPTION_COMMAND_PATH /* all of it, where it has a slash: others are looked for in PATH */
} tow_option_path;

typedef struct tow_option {
    const char *group; /* heading above this row, NULL: none */
    const char *name;  /* without the dashes; also the key in a configuration file; may be NULL if there is a
                          letter */
    tow_option_kind kind;
    tow_option_path path; /* of texts and lists */
    const char *value;    /* what help calls the value: "SIZE"; for choices it comes from the list */
    const char *fallback; /* the default as one would type it, NULL: the field stays zero */
    const char *note;     /* the default in words, where it is not one value */
    int64_t unset;        /* of numbers: what the field holds then */
    const char *off;      /* what "off" means ("no limit"), NULL: "off" is no value */
    const char *help;
    const char *expects;        /* for errors, after "is not" */
    int (*check)(const char *); /* 0 if the text is right; may be NULL */
    int64_t minimum;            /* of numbers; */
    int64_t maximum;            /* 0: no limit but the field's */
    const tow_option_choice *choices;
    const char *const *meant; /* words that are none of these, each before the choice that may be meant by it;
                                 ends with NULL; NULL: there are none */
    const char *pair;         /* of lists: each text is a name and a value with this between them, and in a
                                 configuration file they may be a map; NULL: no pairs */
    unsigned needs;           /* bits of tow_option_need: where one is lacking, the option is refused */
    char letter;              /* 0: none */
    bool is_secret;           /* of texts: who may read the file that it names can do what its owner can */
    size_t offset;            /* of the field in the settings that the row is for */
    size_t width;
    /* Names of options of the same rows: without one of them it has no effect, and is refused as a key; NULL:
     * it always has. And one with which it has none. */
    const char *only_with, *not_with;
} tow_option;

/* Seconds: the most that options of time take. */
enum { TOW_OPTION_DAY = 86400 };

/* A number that has a name, as one would type it: for `fallback`. */
#define TOW_OPTION_TYPED(number) TOW_OPTION_TYPED_AS_IT_IS(number)
#define TOW_OPTION_TYPED_AS_IT_IS(number) #number

#define TOW_OPTION_FIELD(type, member) .offset = offsetof(type, member), .width = sizeof(((type *)0)->member)

#endif
