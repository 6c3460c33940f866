#include "coordinator/train/suspended.h"

#include "base/file.h"
#include "base/file_sure.h"
#include "base/mem.h"
#include "coordinator/train/trials.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

struct line {
    char *name, *folder;
    Trireme__Manifest *manifest;
};

struct suspended {
    struct line *lines;
    size_t n;
};

char *suspended_folder(const char *checkpoint, const char *name)
{
    return mem_format("%s/suspended/%s", checkpoint, name);
}

/* Adds one; takes over the folder's name. One without a manifest was not completed. */
static int add(struct suspended *s, const char *name, char *folder, struct err *err)
{
    char *path = file_join(folder, "manifest.json");
    bool complete = file_exists(path);
    Trireme__Manifest *manifest = complete ? checkpoint_manifest(folder, err) : NULL;
    free(path);
    if (!manifest || checkpoint_verify(folder, manifest, err) < 0) {
        message_free(manifest);
        free(folder);
        return complete ? -1 : 0;
    }
    s->lines[s->n++] = (struct line){mem_strdup(name), folder, manifest};
    return 0;
}

struct suspended *suspended_open(const char *checkpoint, const Trireme__Manifest *manifest,
                                 const Trireme__Config *in_force, warn_fn warn, void *context,
                                 struct err *err)
{
    struct suspended *s = mem_new(1, sizeof *s);
    char *all = checkpoint ? file_join(checkpoint, "suspended") : NULL;
    size_t n = 0;
    char **names = NULL;
    bool there = false;
    int rc = 0;
    if (all && message_equal(in_force, manifest->config))
        rc = file_sure_there(&there, all, err);
    if (there && !(names = file_names(all, &n, ERR_MACHINE, err)))
        rc = -1;
    s->lines = mem_new(n + 1, sizeof *s->lines);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (add(s, names[i], suspended_folder(checkpoint, names[i]), err) < 0) {
            if (err->code == ERR_DATA)
                warn(context, err->text);
            else
                rc = -1;
        }
    file_names_free(names);
    free(all);
    if (rc == 0)
        return s;
    suspended_free(s);
    return NULL;
}

void suspended_free(struct suspended *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        free(s->lines[i].name);
        free(s->lines[i].folder);
        message_free(s->lines[i].manifest);
    }
    free(s->lines);
    free(s);
}

static const struct line *find(const struct suspended *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->lines[i].name, name))
            return &s->lines[i];
    return NULL;
}

bool suspended_has(const struct suspended *s, const char *name, uint64_t step)
{
    const struct line *line = find(s, name);
    return line && step <= line->manifest->step;
}

const Trireme__Manifest *suspended_find(const struct suspended *s, struct fork *fork)
{
    const struct line *line = find(s, fork->name);
    if (!line || !message_equal(line->manifest->config, fork->config))
        return NULL;
    fork->step = line->manifest->step;
    fork->checkpoint = line->folder;
    fork->manifest = line->manifest;
    return line->manifest;
}
