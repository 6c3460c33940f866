#include "tests/unit/worker/tokenizer/tiny_tokenizer.h"

#include "worker/tokenizer/tokenizer_files.h"

static void find(struct tokenizer_files *files, const char *path)
{
    struct err err;
    if (tokenizer_files_find(files, path, &err) != 0)
        fail_msg("%s", err.text);
}

static void write(const char *folder, const char *name)
{
    tiny_write_file(folder, name, "x", 1);
}

static void assert_names(const struct tokenizer_files *files, const char *names)
{
    struct text found = {0};
    text_add(&found, "");
    for (size_t i = 0; i < files->n; i++)
        text_printf(&found, i ? " %s" : "%s", files->list[i].name);
    assert_string_equal(found.bytes, names);
    text_clear(&found);
}

static void a_folder_gives_one_form_of_the_ids_and_what_goes_with_it(void **state)
{
    struct tokenizer_files files;
    write(*state, "encoder.json");
    write(*state, "vocab.bpe");
    write(*state, "special_tokens_map.json");
    write(*state, "tokenizer.model");
    find(&files, *state);
    assert_true(files.is_pair);
    assert_names(&files, "vocab.json merges.txt special_tokens_map.json");
    assert_contains(files.list[0].path, "/encoder.json");
    tokenizer_files_clear(&files);
    write(*state, "vocab.json"); // without its merges
    find(&files, *state);
    assert_contains(files.list[1].path, "/vocab.bpe");
    tokenizer_files_clear(&files);
    write(*state, "merges.txt");
    find(&files, *state);
    assert_contains(files.list[1].path, "/merges.txt");
    tokenizer_files_clear(&files);
    write(*state, "tokenizer.json");
    write(*state, "tokenizer_config.json");
    find(&files, *state);
    assert_true(!files.is_pair);
    assert_names(&files, "tokenizer.json tokenizer_config.json special_tokens_map.json");
    assert_contains(tokenizer_files_path(&files, "tokenizer_config.json"), *state);
    assert_null(tokenizer_files_path(&files, "chat_template.jinja"));
    tokenizer_files_clear(&files);
}

static void a_file_by_another_name_is_kept_as_tokenizer_json(void **state)
{
    struct tokenizer_files files;
    write(*state, "mine.json");
    write(*state, "tokenizer_config.json");
    char *path = file_join(*state, "mine.json");
    find(&files, path);
    assert_names(&files, "tokenizer.json tokenizer_config.json");
    assert_string_equal(files.list[0].path, path);
    tokenizer_files_clear(&files);
    find(&files, "mine.json"); // nothing beside it in the folder that the test runs in
    assert_names(&files, "tokenizer.json");
    tokenizer_files_clear(&files);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_folder_gives_one_form_of_the_ids_and_what_goes_with_it),
        test_in_folder(a_file_by_another_name_is_kept_as_tokenizer_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
