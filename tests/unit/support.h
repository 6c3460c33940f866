/* What all unit tests share: cmocka's headers in the order that they need, temporary folders,
 * files, random numbers, and a few comparisons. Whatever fails here fails the test. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A fresh empty folder below the system's temporary one; the caller's. test_folder_free removes it
 * with all that is in it. */
char *test_folder_new(void);
void test_folder_free(char *folder);

/* A test whose *state is the path of such a folder, which is removed after it. */
int test_folder_set_up(void **state);
int test_folder_tear_down(void **state);
#define test_in_folder(name)                                                                       \
    cmocka_unit_test_setup_teardown(name, test_folder_set_up, test_folder_tear_down)

/* Writes a file; must_write_in makes its folder where there is none. */
void must_write(const char *path, const void *bytes, size_t size);
void must_write_in(const char *folder, const char *name, const void *bytes, size_t size);

/* The content of a file with a zero byte behind it; the caller's. size: NULL, or gets its size. */
char *must_read(const char *path, size_t *size);
char *must_read_in(const char *folder, const char *name, size_t *size);

/* n normal numbers that follow from the key; the caller's. */
float *random_floats(uint64_t key, size_t n);

/* A warn_fn (base/warn.h) for code that must not warn. */
void fail_on_warning(void *context, const char *sentence);

/* Fails with both texts unless part is a part of whole. */
void assert_contains(const char *whole, const char *part);

/* Fails with both numbers and the index unless |a[i]-b[i]| <= absolute + relative * |b[i]| for all
 * i. */
void assert_floats_near(const float *a, const float *b, size_t n, double absolute, double relative);
