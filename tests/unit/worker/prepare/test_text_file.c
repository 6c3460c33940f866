#include "tests/unit/worker/data/data_fixture.h"

#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "worker/prepare/text_file.h"

#include <zlib.h>
#include <zstd.h>

enum { SIZE = 700000 };

static char *some_text(size_t size)
{
    char *text = mem_new(size, 1);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + random_u64(1, i) % 7);
    return text;
}

static struct text gzip_of(const char *bytes, size_t size)
{
    z_stream stream = {0};
    struct text text = {0};
    unsigned char *out = mem_new(size + 1000, 1);
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)bytes;
    stream.avail_in = (uInt)size;
    stream.next_out = out;
    stream.avail_out = (uInt)(size + 1000);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    text_add_bytes(&text, out, stream.total_out);
    deflateEnd(&stream);
    free(out);
    return text;
}

static struct text zstd_of(const char *bytes, size_t size)
{
    struct text text = {0};
    const size_t room = ZSTD_compressBound(size);
    char *out = mem_new(room, 1);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    const size_t n = ZSTD_compress2(context, out, room, bytes, size);
    assert_false(ZSTD_isError(n));
    text_add_bytes(&text, out, n);
    ZSTD_freeCCtx(context);
    free(out);
    return text;
}

/* Reads a file whole, `room` bytes at a time; the error's code, or 0. */
static int read_all(struct text *text, const char *folder, const char *name, size_t room,
                    struct err *err)
{
    struct text_file *file;
    char *path = file_join(folder, name);
    unsigned char *piece = mem_new(room, 1);
    *text = (struct text){0};
    int rc = text_file_open(&file, path, err);
    for (size_t n = 1; rc == 0 && n != 0;) {
        rc = text_file_read(file, piece, room, &n, err);
        if (rc == 0)
            text_add_bytes(text, piece, n);
        else
            text_file_close(file);
        if (rc == 0 && n == 0)
            text_file_close(file);
    }
    free(piece);
    free(path);
    return rc;
}

static void check_text(const char *folder, const char *name, const char *expected, size_t size)
{
    const size_t rooms[] = {1000, 65536, 2000000};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        struct err err;
        struct text text;
        if (read_all(&text, folder, name, rooms[i], &err) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(text.size, size);
        assert_memory_equal(text.bytes ? text.bytes : "", expected, size);
        text_clear(&text);
    }
}

static void check_refused(const char *folder, const char *name, const char *sentence)
{
    struct err err = {0};
    struct text text;
    assert_int_equal(read_all(&text, folder, name, 65536, &err), TEXT_FILE_DAMAGED);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, name);
    assert_contains(err.text, sentence);
    text_clear(&text);
}

static void a_file_and_archives_of_it_are_the_same_text(void **state)
{
    char *text = some_text(SIZE);
    struct text gzip = gzip_of(text, SIZE), zstd = zstd_of(text, SIZE);
    must_write_in(*state, "a.txt", text, SIZE);
    must_write_in(*state, "b.txt.gz", gzip.bytes, gzip.size);
    must_write_in(*state, "c.txt.zst", zstd.bytes, zstd.size);
    must_write_in(*state, "d", gzip.bytes, gzip.size); // known by content
    must_write_in(*state, "e", zstd.bytes, zstd.size);
    const char *names[] = {"a.txt", "b.txt.gz", "c.txt.zst", "d", "e"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_text(*state, names[i], text, SIZE);
    text_clear(&gzip);
    text_clear(&zstd);
    free(text);
}

static void several_members_and_frames_are_one_text(void **state)
{
    char *text = some_text(3000);
    struct text gzip = gzip_of(text, 1000), zstd = zstd_of(text, 1000);
    struct text gzip2 = gzip_of(text + 1000, 2000), zstd2 = zstd_of(text + 1000, 2000);
    text_add_bytes(&gzip, gzip2.bytes, gzip2.size);
    text_add_bytes(&zstd, zstd2.bytes, zstd2.size);
    must_write_in(*state, "a.gz", gzip.bytes, gzip.size);
    must_write_in(*state, "a.zst", zstd.bytes, zstd.size);
    check_text(*state, "a.gz", text, 3000);
    check_text(*state, "a.zst", text, 3000);
    text_clear(&gzip2);
    text_clear(&zstd2);
    text_clear(&gzip);
    text_clear(&zstd);
    free(text);
}

static void short_files_and_archives_of_nothing_are_read(void **state)
{
    struct text gzip = gzip_of("", 0), zstd = zstd_of("", 0);
    must_write_in(*state, "a", "", 0);
    must_write_in(*state, "b", "\x1f", 1);
    must_write_in(*state, "c.gz", gzip.bytes, gzip.size);
    must_write_in(*state, "d.zst", zstd.bytes, zstd.size);
    check_text(*state, "a", "", 0);
    check_text(*state, "b", "\x1f", 1);
    check_text(*state, "c.gz", "", 0);
    check_text(*state, "d.zst", "", 0);
    text_clear(&gzip);
    text_clear(&zstd);
}

/* At whatever byte an archive is cut, the beginning is not taken for the whole. */
static void an_archive_that_is_cut_short_is_refused(void **state)
{
    char *text = some_text(5000);
    struct text gzip = gzip_of(text, 5000), zstd = zstd_of(text, 5000);
    for (size_t size = 0; size < gzip.size; size += 1 + (size > 30 && size + 30 < gzip.size) * 50) {
        must_write_in(*state, "a.gz", gzip.bytes, size);
        check_refused(*state, "a.gz", "damaged gzip archive: cut short");
    }
    for (size_t size = 0; size < zstd.size; size += 1 + (size > 30 && size + 30 < zstd.size) * 50) {
        must_write_in(*state, "a.zst", zstd.bytes, size);
        check_refused(*state, "a.zst", "damaged zstd archive: cut short");
    }
    text_clear(&gzip);
    text_clear(&zstd);
    free(text);
}

static void an_archive_with_a_changed_byte_is_refused(void **state)
{
    char *text = some_text(5000);
    struct text gzip = gzip_of(text, 5000), zstd = zstd_of(text, 5000);
    gzip.bytes[gzip.size - 6] ^= 1; // of the checksum
    zstd.bytes[zstd.size - 2] ^= 1;
    must_write_in(*state, "a.gz", gzip.bytes, gzip.size);
    must_write_in(*state, "a.zst", zstd.bytes, zstd.size);
    check_refused(*state, "a.gz", "damaged gzip archive: incorrect data check");
    check_refused(*state, "a.zst", "damaged zstd archive: ");
    text_clear(&gzip);
    text_clear(&zstd);
    free(text);
}

static void what_follows_an_archive_or_is_none_is_refused(void **state)
{
    struct text gzip = gzip_of("text", 4), zstd = zstd_of("text", 4);
    text_add(&gzip, "and more");
    text_add(&zstd, "and more");
    must_write_in(*state, "a.gz", gzip.bytes, gzip.size);
    must_write_in(*state, "a.zst", zstd.bytes, zstd.size);
    must_write_in(*state, "plain.gz", "plain text", 10);
    must_write_in(*state, "plain.zst", "plain text", 10);
    check_refused(*state, "a.gz", "damaged gzip archive: incorrect header check");
    check_refused(*state, "a.zst", "damaged zstd archive: ");
    check_refused(*state, "plain.gz", "damaged gzip archive: incorrect header check");
    check_refused(*state, "plain.zst", "damaged zstd archive: ");
    text_clear(&gzip);
    text_clear(&zstd);
}

static void a_file_that_is_not_there_is_unreadable(void **state)
{
    struct err err;
    struct text text;
    assert_int_equal(read_all(&text, *state, "nowhere", 10, &err), TEXT_FILE_UNREADABLE);
    assert_contains(err.text, "nowhere: cannot open: No such file");
    assert_int_equal(read_all(&text, *state, ".", 10, &err), TEXT_FILE_UNREADABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_file_and_archives_of_it_are_the_same_text),
        test_in_folder(several_members_and_frames_are_one_text),
        test_in_folder(short_files_and_archives_of_nothing_are_read),
        test_in_folder(an_archive_that_is_cut_short_is_refused),
        test_in_folder(an_archive_with_a_changed_byte_is_refused),
        test_in_folder(what_follows_an_archive_or_is_none_is_refused),
        test_in_folder(a_file_that_is_not_there_is_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
