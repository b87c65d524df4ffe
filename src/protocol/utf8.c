#include "utf8.h"

/* The states: at a character's border, or how many continuation bytes are missing; after E0, ED, F0 and F4
 * the next one has narrower bounds. */
enum {
    BORDER = TOW_UTF8_BORDER,
    ONE = 6,
    TWO = 12,
    THREE = 18,
    AFTER_E0 = 24,
    AFTER_ED = 30,
    AFTER_F0 = 36,
    AFTER_F4 = 42,
    REJECT = TOW_UTF8_REJECT
};

#define AT(state, next) ((uint64_t)(next) << (state))
#define ROW(border, one, two, three, e0, ed, f0, f4)                                                         \
    (AT(BORDER, border) | AT(ONE, one) | AT(TWO, two) | AT(THREE, three) | AT(AFTER_E0, e0) |                \
        AT(AFTER_ED, ed) | AT(AFTER_F0, f0) | AT(AFTER_F4, f4) | AT(REJECT, REJECT))
#define LEAD(next) ROW(next, REJECT, REJECT, REJECT, REJECT, REJECT, REJECT, REJECT)

#define ASCII LEAD(BORDER)
#define NEVER LEAD(REJECT)
#define TO_8F ROW(REJECT, BORDER, ONE, TWO, REJECT, ONE, REJECT, TWO)
#define TO_9F ROW(REJECT, BORDER, ONE, TWO, REJECT, ONE, TWO, REJECT)
#define TO_BF ROW(REJECT, BORDER, ONE, TWO, ONE, REJECT, TWO, REJECT)

#define TIMES_4(row) row, row, row, row
#define TIMES_16(row) TIMES_4(row), TIMES_4(row), TIMES_4(row), TIMES_4(row)
#define TIMES_64(row) TIMES_16(row), TIMES_16(row), TIMES_16(row), TIMES_16(row)

const uint64_t tow_utf8_rows[256] = {TIMES_64(ASCII), TIMES_64(ASCII),    /* 00 to 7F */
    TIMES_16(TO_8F), TIMES_16(TO_9F), TIMES_16(TO_BF), TIMES_16(TO_BF),   /* 80 to BF */
    NEVER, NEVER, LEAD(ONE), LEAD(ONE), TIMES_4(LEAD(ONE)),               /* C0, C1; C2 to C7 */
    TIMES_4(LEAD(ONE)), TIMES_4(LEAD(ONE)), TIMES_16(LEAD(ONE)),          /* C8 to DF */
    LEAD(AFTER_E0), LEAD(TWO), LEAD(TWO), LEAD(TWO), TIMES_4(LEAD(TWO)),  /* E0; E1 to E7 */
    TIMES_4(LEAD(TWO)), LEAD(TWO), LEAD(AFTER_ED), LEAD(TWO), LEAD(TWO),  /* E8 to EC; ED; EE, EF */
    LEAD(AFTER_F0), LEAD(THREE), LEAD(THREE), LEAD(THREE),                /* F0; F1 to F3 */
    LEAD(AFTER_F4), NEVER, NEVER, NEVER, TIMES_4(NEVER), TIMES_4(NEVER)}; /* F4; F5 to FF */
