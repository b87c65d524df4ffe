#include "character.h"

/* The kinds of bytes, each with all that it may be part of. */
enum {
    C = 0,                                          /* controls */
    W = TOW_CHARACTER_VALUE,                        /* SP, HTAB, obs-text */
    V = TOW_CHARACTER_VALUE | TOW_CHARACTER_TARGET, /* "/:<>?@[\]{} */
    P = V | TOW_CHARACTER_HOST,                     /* (),;= */
    N = TOW_CHARACTER_VALUE | TOW_CHARACTER_TOKEN,  /* # */
    X = V | TOW_CHARACTER_TOKEN,                    /* %^`| */
    T = X | TOW_CHARACTER_HOST,                     /* letters and !$&'*+-._~ */
    H = T | TOW_CHARACTER_HEX,                      /* a to f */
    D = H | TOW_CHARACTER_DIGIT
};

/* clang-format off */
const uint8_t tow_character_classes[256] = {
    C, C, C, C, C, C, C, C, C, W, C, C, C, C, C, C, /* 0x00: HTAB is 0x09 */
    C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    W, T, V, N, T, X, T, T, P, P, T, T, P, T, T, V, /*   ! " # $ % & ' ( ) * + , - . / */
    D, D, D, D, D, D, D, D, D, D, V, P, V, P, V, V, /* 0 to 9 : ; < = > ? */
    V, H, H, H, H, H, H, T, T, T, T, T, T, T, T, T, /* @ A to O */
    T, T, T, T, T, T, T, T, T, T, T, V, V, V, X, T, /* P to Z [ \ ] ^ _ */
    X, H, H, H, H, H, H, T, T, T, T, T, T, T, T, T, /* ` a to o */
    T, T, T, T, T, T, T, T, T, T, T, V, X, V, T, C, /* p to z { | } ~ DEL */
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, /* 0x80: obs-text */
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
};
/* clang-format on */
