/* proxy_stage: a stage whose server is a proxy that goes by a script, and who the ends are: a proxy at
 * 127.0.0.1, and far.example behind it. */
#ifndef TOW_TESTS_PROXY_STAGE_H
#define TOW_TESTS_PROXY_STAGE_H

#include "../connect/turn.h"
#include "stage.h"

/* If what came is as much as the first turn wants, it must be that: then the answer is given, and the script
 * goes on. Returns whether. A script ends with an empty turn. */
bool stage_turn(test_stage *stage, const test_turn **script);

typedef struct proxy_identities {
    test_authority authority;
    test_identity far, proxy;
    SSL_CTX *far_secret, *proxy_secret;
} proxy_identities;

void proxy_identities_make(proxy_identities *self);
void proxy_identities_clear(proxy_identities *self);

#endif
