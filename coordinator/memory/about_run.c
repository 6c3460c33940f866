#include "coordinator/memory/about_run.h"

#include "base/file.h"
#include "base/mem.h"
#include "coordinator/memory/run_kind.h"
#include "coordinator/run/run_data.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

char *about_run_id(const char *run)
{
    struct err unread;
    char *path = file_join(run, "id");
    char *id = file_exists(path) ? file_read(path, NULL, ERR_DATA, &unread) : NULL;
    free(path);
    if (!id)
        return NULL;
    id[strspn(id, "0123456789abcdef")] = 0;
    if (id[0])
        return id;
    free(id);
    return NULL;
}

static char *name_of(const char *run)
{
    char *real = realpath(run, NULL);
    const char *folder = real ? real : run, *slash = strrchr(folder, '/');
    char *name = mem_strdup(slash ? slash + 1 : folder);
    free(real);
    return name;
}

static bool has(char *const *digests, size_t n, const char *digest)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(digests[i], digest))
            return true;
    return false;
}

static void read_gate(struct about_run *about, const Trireme__RunData *data)
{
    about->gate = mem_new(data->n_files, sizeof *about->gate);
    for (size_t i = 0; i < data->n_files; i++) {
        const Trireme__ReadFile *file = data->files[i];
        if (file->use == TRIREME__READ_FILE__USE__validation && file->digest &&
            !has(about->gate, about->n_gate, file->digest))
            about->gate[about->n_gate++] = mem_strdup(file->digest);
    }
}

int about_run_read(struct about_run *about, const char *run, const Trireme__Config *config,
                   struct err *err)
{
    Trireme__RunData *data = NULL;
    if (run_data_read(&data, run, err) < 0)
        return -1;
    *about = (struct about_run){
        .id = about_run_id(run), .name = name_of(run), .kind = run_kind_of(config)};
    if (data)
        read_gate(about, data);
    message_free(data);
    return 0;
}

void about_run_clear(struct about_run *about)
{
    for (size_t i = 0; i < about->n_gate; i++)
        free(about->gate[i]);
    free(about->gate);
    message_free(about->kind);
    free(about->name);
    free(about->id);
    *about = (struct about_run){0};
}

void about_run_tell(Trireme__MemoryNote *note, const struct about_run *about)
{
    note->run = mem_strdup(about->id);
    note->run_name = mem_strdup(about->name);
    message_free(note->of);
    note->of = message_copy(about->kind);
    note->gate = mem_new(about->n_gate, sizeof *note->gate);
    for (note->n_gate = 0; note->n_gate < about->n_gate; note->n_gate++)
        note->gate[note->n_gate] = mem_strdup(about->gate[note->n_gate]);
}

bool about_run_is_own(const struct about_run *about, const Trireme__MemoryNote *note)
{
    return about->id && note->run && !strcmp(about->id, note->run);
}

bool about_run_shares_gate(const struct about_run *about, const Trireme__MemoryNote *note)
{
    for (size_t i = 0; i < note->n_gate; i++)
        if (has(about->gate, about->n_gate, note->gate[i]))
            return true;
    return about->n_gate == 0 || note->n_gate == 0;
}
