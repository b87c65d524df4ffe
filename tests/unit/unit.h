/* unit: what every unit test includes: cmocka and the headers that it needs before itself. */
#ifndef TOW_TESTS_UNIT_H
#define TOW_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
