/* What unit tests share: cmocka's headers in the order that they need, and a few comparisons. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A fresh empty folder below the build's temporary place; removed by test_folder_free. */
char *test_folder_new(void);
void test_folder_free(char *folder);

/* Fails with both texts unless part stands in whole. */
void assert_contains(const char *whole, const char *part);

/* Fails with both numbers and the index unless |a[i]-b[i]| <= absolute + relative * |b[i]| for all
 * i. */
void assert_floats_near(const float *a, const float *b, size_t n, double absolute, double relative);
