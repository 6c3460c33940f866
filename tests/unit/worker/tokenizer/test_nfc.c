#include "tests/unit/support.h"

#include "base/text.h"
#include "worker/tokenizer/nfc.h"

/* The right forms are those of Python's unicodedata; bytes that are no UTF-8 stay and separate. */
static const struct {
    const char *text, *normal;
} cases[] = {
    {"plain \u00e9\u4e2d",          "plain \u00e9\u4e2d"         },
    {"cafe\u0301",                  "caf\u00e9"                  },
    {"\u212b \u2126 x",             "\u00c5 \u03a9 x"            },
    {"\u1112\u1161\u11ab",          "\ud55c"                     },
    {"a\u0307\u0323",               "\u1ea1\u0307"               },
    {"\u0301a",                     "\u0301a"                    },
    {"q\u0323\u0307 q\u0307\u0323", "q\u0323\u0307 q\u0323\u0307"},
    {"a\u0315\u0591",               "a\u0591\u0315"              },
    {"e\xff\u0301",                 "e\xff\u0301"                },
    {"e\u0301\xc3(e\u0301\xe2\x82", "\u00e9\xc3(\u00e9\xe2\x82"  },
    {"\u0958 \u2adc",               "\u0915\u093c \u2add\u0338"  },
    {"a\u0315\u0300\u05ae\u0b3cb",  "\u00e0\u0b3c\u05ae\u0315b"  },
};

static void gives_the_normal_form(void **state)
{
    (void)state;
    struct err err = {0};
    struct nfc *nfc = nfc_open(&err);
    if (!nfc) { // a build without utf8proc says so
        assert_contains(err.text, "without utf8proc");
        skip();
    }
    struct text out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size;
        const char *normal = nfc_apply(nfc, &out, cases[i].text, strlen(cases[i].text), &size);
        if (size != strlen(cases[i].normal) || memcmp(normal, cases[i].normal, size) != 0)
            fail_msg("case %zu: found \"%.*s\", expected \"%s\"", i, (int)size, normal,
                     cases[i].normal);
    }
    text_clear(&out);
    nfc_close(nfc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gives_the_normal_form)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
