#include "launcher/bench/forest.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LEFT = 390, /* of the labels */
    MIDDLE = 420,
    RIGHT = 240, /* of the notes */
    ROW = 22,
    TOP = 52,
    BOTTOM = 58,
    LABEL_MAX = 44, /* characters of a label */
};

struct scale {
    double low, high;
};

static double x_of(const struct scale *s, double value)
{
    const double part = (value - s->low) / (s->high - s->low);
    return LEFT + MIDDLE * (part < 0 ? 0 : part > 1 ? 1 : part);
}

/* Text for XML, of so many characters at most. */
static void add_escaped(struct text *out, const char *text, size_t max)
{
    size_t n = 0;
    for (const char *c = text; *c; c++) {
        const bool begins = ((unsigned char)*c & 0xc0) != 0x80; // a character of UTF-8
        if (begins && n++ == max) {
            text_add(out, "...");
            return;
        }
        switch (*c) {
        case '<':
            text_add(out, "&lt;");
            break;
        case '>':
            text_add(out, "&gt;");
            break;
        case '&':
            text_add(out, "&amp;");
            break;
        case '"':
            text_add(out, "&quot;");
            break;
        default:
            text_add_bytes(out, (unsigned char)*c < 32 ? " " : c, 1);
        }
    }
}

static void add_text(struct text *out, double x, double y, const char *style, const char *text,
                     size_t max)
{
    text_printf(out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, style);
    add_escaped(out, text, max);
    text_add(out, "</text>\n");
}

/* All values and lines, and of the intervals as much as is not beyond three times these. */
static struct scale scale_of(const struct forest *f)
{
    struct scale s = {f->rows[0].value, f->rows[0].value};
    for (size_t i = 0; i < f->n; i++)
        s = (struct scale){fmin(s.low, f->rows[i].value), fmax(s.high, f->rows[i].value)};
    for (size_t i = 0; i < f->n_lines; i++)
        s = (struct scale){fmin(s.low, f->lines[i]), fmax(s.high, f->lines[i])};
    const double width = fmax(s.high - s.low, 1e-6), low = s.low - width, high = s.high + width;
    for (size_t i = 0; i < f->n; i++)
        if (f->rows[i].has_interval) {
            s.low = fmin(s.low, fmax(low, f->rows[i].low));
            s.high = fmax(s.high, fmin(high, f->rows[i].high));
        }
    const double margin = 0.04 * fmax(s.high - s.low, 1e-6);
    return (struct scale){s.low - margin, s.high + margin};
}

/* The distance of ticks: 1, 2 or 5 times a power of ten, 4 to 10 of them. */
static double tick_of(const struct scale *s)
{
    const double raw = (s->high - s->low) / 5, power = pow(10, floor(log10(raw))),
                 first = raw / power;
    return power * (first < 1.5 ? 1 : first < 3.5 ? 2 : first < 7.5 ? 5 : 10);
}

static void add_axis(struct text *out, const struct forest *f, const struct scale *s, double bottom)
{
    const double tick = tick_of(s);
    for (double v = ceil(s->low / tick) * tick; v <= s->high; v += tick) {
        char number[40];
        snprintf(number, sizeof number, "%.6g", fabs(v) < tick / 1e3 ? 0 : v);
        text_printf(out, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.1f\" stroke=\"#eee\"/>\n",
                    x_of(s, v), x_of(s, v), TOP - 8, bottom);
        add_text(out, x_of(s, v), bottom + 16, "text-anchor=\"middle\" fill=\"#555\"", number, 20);
    }
    for (size_t i = 0; i < f->n_lines; i++)
        text_printf(out,
                    "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.1f\" stroke=\"#333\" "
                    "stroke-dasharray=\"3 3\"/>\n",
                    x_of(s, f->lines[i]), x_of(s, f->lines[i]), TOP - 8, bottom);
    add_text(out, LEFT + MIDDLE / 2.0, bottom + 38, "text-anchor=\"middle\" fill=\"#333\"", f->axis,
             200);
}

static void add_row(struct text *out, const struct forest_row *r, const struct scale *s, double y)
{
    const char *color = r->strong ? "#14507a" : "#777";
    add_text(out, LEFT - 12, y + 4, "text-anchor=\"end\"", r->label ? r->label : "", LABEL_MAX);
    if (r->has_interval) {
        const double a = x_of(s, r->low), b = x_of(s, r->high);
        text_printf(out,
                    "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
                    "stroke-width=\"2\"/>\n",
                    a, b, y, y, color);
        if (r->low < s->low)
            text_printf(out, "<path d=\"M%.1f %.1fl8 -4v8z\" fill=\"%s\"/>\n", a, y, color);
        if (r->high > s->high)
            text_printf(out, "<path d=\"M%.1f %.1fl-8 -4v8z\" fill=\"%s\"/>\n", b, y, color);
    }
    text_printf(out,
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" fill=\"%s\" stroke=\"%s\" "
                "stroke-width=\"1.5\"/>\n",
                x_of(s, r->value), y, r->strong ? color : "#fff", color);
    add_text(out, LEFT + MIDDLE + 14, y + 4, "fill=\"#333\"", r->note, 60);
}

static bool begins_group(const struct forest *f, size_t i)
{
    return f->rows[i].group &&
           (!i || !f->rows[i - 1].group || strcmp(f->rows[i].group, f->rows[i - 1].group) != 0);
}

char *forest_svg(const struct forest *f)
{
    struct text body = {0}, out = {0};
    const struct scale s = scale_of(f);
    double y = TOP;
    for (size_t i = 0; i < f->n; i++) {
        if (begins_group(f, i)) {
            y += i ? 8 : 0;
            add_text(&body, 12, y + 4, "font-weight=\"bold\"", f->rows[i].group, LABEL_MAX);
            y += ROW;
        }
        add_row(&body, &f->rows[i], &s, y);
        y += ROW;
    }
    const int width = LEFT + MIDDLE + RIGHT, height = (int)y + BOTTOM;
    text_printf(&out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\">\n"
                "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
                width, height, width, height, width, height);
    add_text(&out, 12, 24, "font-size=\"16\" font-weight=\"bold\"", f->title, 120);
    add_axis(&out, f, &s, y);
    text_add_bytes(&out, body.bytes, body.size);
    text_add(&out, "</svg>\n");
    text_clear(&body);
    return text_take(&out);
}
