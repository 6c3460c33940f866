#include "tests/unit/worker/data/data_fixture.h"
#include "tests/unit/worker/tokenizer/tiny_tokenizer.h"

#include "base/random.h"
#include "proto/schema/message.h"
#include "worker/data/data_yaml.h"
#include "worker/prepare/prepare.h"
#include "worker/data/source.h"
#include "worker/data/split.h"
#include "worker/data/token_file.h"
#include "worker/tokenizer/encoder.h"
#include "worker/tokenizer/tokenizer.h"

enum { END = 268, LARGE = 3000000, LARGE_NUMBER = 57, DOCUMENTS = 120 };

struct stream {
    uint32_t *tokens;
    size_t n, room;
};

static void add(struct stream *stream, uint32_t token)
{
    stream->tokens = mem_grow(stream->tokens, stream->n, &stream->room, sizeof *stream->tokens);
    stream->tokens[stream->n++] = token;
}

static void add_file(struct stream *stream, const char *folder, const char *name)
{
    struct err err;
    struct token_file file;
    char *path = file_join(folder, name);
    if (token_file_open(&file, path, TRIREME__SOURCE__FORMAT__llmc, &err) < 0)
        fail_msg("%s", err.text);
    for (uint64_t i = 0; i < file.n_tokens; i++) {
        int32_t token;
        assert_int_equal(token_file_read(&file, &token, i, 1, 271, &err), 0);
        add(stream, (uint32_t)token);
    }
    token_file_close(&file);
    free(path);
}

static struct stream train_of(const char *folder, const Trireme__DataSet *set)
{
    struct stream stream = {0};
    add_file(&stream, folder, set->train->file);
    for (size_t i = 0; i < set->n_more_train; i++)
        add_file(&stream, folder, set->more_train[i]->file);
    return stream;
}

static char *text_of(size_t size, uint64_t key)
{
    static const char *const words[] = {"the ", "the", "aaaa ", "1234", "x\n\n", " there", "é"};
    char *text = mem_new(size + 8, 1);
    for (size_t n = 0, i = 0; n < size; i++) {
        const char *word = words[random_u64(key, i) % (sizeof words / sizeof *words)];
        memcpy(text + n, word, strlen(word));
        n += strlen(word);
    }
    return text;
}

struct fixture {
    char *in, *out, *tokenizer;
    struct tokenizer *opened;
};

static void set_up_in(struct fixture *f, const char *folder)
{
    struct err err;
    *f = (struct fixture){.in = file_join(folder, "in"),
                          .out = file_join(folder, "out"),
                          .tokenizer = file_join(folder, "tokenizer")};
    assert_int_equal(file_make_dirs(f->tokenizer, ERR_USAGE, &err), 0);
    tiny_write_tokenizer(f->tokenizer, &(struct tiny_json){0});
    f->opened = tokenizer_open(f->tokenizer, &err);
    assert_non_null(f->opened);
}

static void clear(struct fixture *f)
{
    tokenizer_close(f->opened);
    free(f->tokenizer);
    free(f->out);
    free(f->in);
}

static Trireme__DataSet *must_prepare(struct fixture *f, const char *out, double val, uint32_t jobs,
                                      uint64_t limit)
{
    struct err err;
    Trireme__DataPrepareRequest request = TRIREME__DATA_PREPARE_REQUEST__INIT;
    request.input = &f->in, request.n_input = 1;
    request.out = (char *)out;
    request.tokenizer = f->tokenizer;
    request.val = val, request.jobs = jobs;
    request.name = (char *)"x";
    Trireme__DataSet *set = message_new(&trireme__data_set__descriptor);
    if (prepare_in_files(&request, set, NULL, NULL, limit, &err) < 0)
        fail_msg("%s", err.text);
    return set;
}

static void encode(const struct fixture *f, struct stream *stream, const char *text)
{
    struct err err;
    struct token_ids ids = {0};
    struct encoder *encoder = encoder_new(f->opened);
    assert_int_equal(encoder_encode(encoder, &ids, text, strlen(text), false, &err), 0);
    for (size_t i = 0; i < ids.n; i++)
        add(stream, ids.ids[i]);
    free(ids.ids);
    encoder_free(encoder);
}

/* One of the documents is encoded in several parts and goes to the spool in several pieces. */
static void tokens_are_those_of_whole_documents_with_their_ends(void **state)
{
    struct fixture f;
    struct stream expected = {0};
    set_up_in(&f, *state);
    for (size_t i = 0; i < DOCUMENTS; i++) {
        char *text = text_of(i == LARGE_NUMBER ? LARGE : 100 + 10 * i, i),
             *name = mem_format("%03zu", i);
        must_write_in(f.in, name, text, strlen(text));
        encode(&f, &expected, text);
        add(&expected, END);
        free(name);
        free(text);
    }
    for (uint32_t jobs = 1; jobs <= 3; jobs += 2) {
        char *out = mem_format("%s%u", f.out, jobs);
        Trireme__DataSet *set = must_prepare(&f, out, 0, jobs, 100000);
        assert_true(set->n_more_train > 3);
        assert_int_equal(set->vocabulary->end_of_text, END);
        struct stream found = train_of(out, set);
        assert_int_equal(found.n, expected.n);
        assert_memory_equal(found.tokens, expected.tokens, found.n * sizeof *found.tokens);
        free(found.tokens);
        message_free(set);
        free(out);
    }
    free(expected.tokens);
    clear(&f);
}

/* Whether a block of the text is among the tokens. */
static bool has(const struct stream *tokens, const struct stream *text, size_t block)
{
    return memmem(tokens->tokens, tokens->n * sizeof *tokens->tokens,
                  text->tokens + block * SPLIT_BLOCK, SPLIT_BLOCK * sizeof *text->tokens);
}

static void a_document_that_grows_holds_out_the_blocks_that_it_held_out(void **state)
{
    struct fixture f;
    struct stream text = {0}, train[2];
    set_up_in(&f, *state);
    char *bytes = text_of(LARGE, 1);
    encode(&f, &text, bytes);
    const size_t sizes[2] = {LARGE / 2, LARGE}; // one ends in the midst of a word
    for (size_t i = 0; i < 2; i++) {
        char *out = mem_format("%s%zu", f.out, i);
        must_write_in(f.in, "text", bytes, sizes[i]);
        Trireme__DataSet *set = must_prepare(&f, out, 0.3, 1, 1000000000);
        train[i] = train_of(out, set);
        message_free(set);
        free(out);
    }
    const size_t before = train[0].n / SPLIT_BLOCK, blocks = text.n / 2 / SPLIT_BLOCK - 1;
    size_t held_out = 0;
    assert_true(blocks > 20 && before > 10);
    for (size_t i = 0; i < blocks; i++) {
        assert_int_equal(has(&train[0], &text, i), has(&train[1], &text, i));
        held_out += !has(&train[0], &text, i);
    }
    assert_true(held_out > 2 && held_out < blocks / 2);
    for (size_t i = 0; i < 2; i++)
        free(train[i].tokens);
    free(text.tokens);
    free(bytes);
    clear(&f);
}

static void a_source_refuses_a_tokenizer_of_other_tokens(void **state)
{
    struct err err;
    struct fixture f;
    set_up_in(&f, *state);
    char *text = text_of(10000, 1);
    must_write_in(f.in, "text", text, strlen(text));
    message_free(must_prepare(&f, f.out, 0, 1, 1000000));
    struct digest digest;
    Trireme__DataSet *set = data_yaml_read(f.out, &digest, &err);
    assert_non_null(set);
    Trireme__Source config = source_config("x", f.out, 1);
    struct source *source = source_open(&config, 16, 271, &err);
    uint64_t bytes;
    assert_non_null(source);
    assert_true(source_count_bytes(source, &bytes, (const int32_t[]){258, END, 'a', 300}, 4));
    assert_int_equal(bytes, 5); // " the" and "a"; the end of a text is none
    source_free(source);
    // right files, another meaning: data.yaml is of another tokenizer
    char *yaml = must_read_in(f.out, "data.yaml", NULL),
         *at = strstr(yaml, set->vocabulary->digest);
    *at = *at == '0' ? '1' : '0';
    must_write_in(f.out, "data.yaml", yaml, strlen(yaml));
    assert_null(source_open(&config, 16, 271, &err));
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "found a tokenizer of 271 tokens of digest");
    free(yaml);
    message_free(set);
    free(text);
    clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(tokens_are_those_of_whole_documents_with_their_ends),
        test_in_folder(a_document_that_grows_holds_out_the_blocks_that_it_held_out),
        test_in_folder(a_source_refuses_a_tokenizer_of_other_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
