#include "proxy_stage.h"

bool stage_turn(test_stage *stage, const test_turn **script) {
    const test_turn *turn = *script;
    if (turn->heard == NULL || stage->request_length < turn->heard_length)
        return false;
    assert_memory_equal(stage->request, turn->heard, turn->heard_length);
    stage->request_length -= turn->heard_length;
    memmove(stage->request, stage->request + turn->heard_length, stage->request_length);
    stage->answered = true;
    stage_say(stage, turn->says, turn->says_length);
    stage->answered = false;
    ++*script;
    return true;
}

void proxy_identities_make(proxy_identities *self) {
    authority_make(&self->authority, "Test Authority");
    authority_issue(&self->authority, &(test_subject){.name = "far", .names = "DNS:far.example"}, &self->far);
    authority_issue(
        &self->authority, &(test_subject){.name = "proxy", .names = "IP:127.0.0.1"}, &self->proxy);
    self->far_secret = layer_context(&self->far, NULL);
    self->proxy_secret = layer_context(&self->proxy, NULL);
}

void proxy_identities_clear(proxy_identities *self) {
    SSL_CTX_free(self->far_secret);
    SSL_CTX_free(self->proxy_secret);
    identity_clear(&self->far);
    identity_clear(&self->proxy);
    authority_clear(&self->authority);
}
