#include "../unit.h"

#include "base/ring.h"

/* The numbers of the links in their order, forwards and backwards. */
static void assert_ring(const tow_ring *ring, const tow_ring *links, const char *expected) {
    const tow_ring *link = ring->next;
    for (const char *digit = expected; *digit != '\0'; digit++, link = link->next)
        assert_ptr_equal(link, &links[*digit - '0']);
    assert_ptr_equal(link, ring);
    link = ring->previous;
    for (size_t i = strlen(expected); i-- > 0; link = link->previous)
        assert_ptr_equal(link, &links[expected[i] - '0']);
    assert_ptr_equal(link, ring);
    assert_int_equal(tow_ring_is_empty(ring), expected[0] == '\0');
}

static void links_are_added_and_removed_anywhere(void **state) {
    (void)state;
    tow_ring ring;
    tow_ring links[4] = {0};
    tow_ring_init(&ring);
    assert_ring(&ring, links, "");
    tow_ring_add_last(&ring, &links[0]);
    tow_ring_add_last(&ring, &links[1]);
    tow_ring_add_behind(&ring, &links[2]);
    tow_ring_add_behind(&links[0], &links[3]);
    assert_ring(&ring, links, "2031");
    tow_ring_remove(&links[0]);
    assert_ring(&ring, links, "231");
    tow_ring_remove(&links[2]);
    tow_ring_remove(&links[1]);
    assert_ring(&ring, links, "3");
    tow_ring_remove(&links[3]);
    assert_ring(&ring, links, "");
    tow_ring_add_last(&ring, &links[1]);
    assert_ring(&ring, links, "1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_are_added_and_removed_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
